import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('../../', import.meta.url)),
  test: {
    include: ['test/chroma/**/*.test.ts'],
    // Each worker runs one Chroma at a time, so this is also how many of them run at once.
    maxWorkers: 2,
    testTimeout: 600_000,
    reporters: ['verbose'],
  },
});
