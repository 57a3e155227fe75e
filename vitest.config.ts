// How the tests run: every file under tests, in worker processes, with numbers and time limits that suit two cores.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 3,
    // In the short form a worker keeps its modules from file to file: loading them anew takes a third of the time. The long
    // form gives each file a process of its own.
    isolate: process.env['CTID_FULL'] === '1',
  },
})
