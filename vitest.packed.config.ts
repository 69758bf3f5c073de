import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/packed/**/*.test.ts'],
    testTimeout: 60_000,
    // Installing compiles better-sqlite3.
    hookTimeout: 600_000,
  },
});
