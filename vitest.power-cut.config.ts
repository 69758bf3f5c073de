import { defineConfig } from 'vitest/config';

/** File systems in image files, for power cuts and for copies that share blocks: needs root and loop devices. */
export default defineConfig({
  test: {
    include: ['test/power-cut/**/*.test.ts'],
    testTimeout: 120_000,
  },
});
