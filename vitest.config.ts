import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    pool: 'threads',
    // Many tests wait, for real clocks and for other programs: more of them at once than there are cores.
    maxWorkers: 3,
  },
});
