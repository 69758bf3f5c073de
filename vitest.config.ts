import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/chroma/**', 'test/packed/**', 'test/power-cut/**'],
    globalSetup: ['test/support/build.ts'],
    // By default one core is left to whoever watches; most tests wait for processes that they have started.
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      include: ['src/**'],
      reporter: ['text-summary', 'text'],
    },
  },
});
