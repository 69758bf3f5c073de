import { defineConfig } from 'vitest/config';

/** Power cuts, simulated on a file system in an image file: needs root and loop devices. */
export default defineConfig({
  test: {
    include: ['test/power-cut/**/*.test.ts'],
    testTimeout: 120_000,
  },
});
