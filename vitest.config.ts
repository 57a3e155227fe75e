// How the tests run: every file under tests, in worker processes, with numbers and time limits that suit two cores.
import { defineConfig } from 'vitest/config'

const isLong = process.env['CTID_FULL'] === '1'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Far above what anything takes: a limit is for what hangs, and a busy machine must not look like one.
    testTimeout: isLong ? 1_800_000 : 120_000,
    hookTimeout: isLong ? 1_800_000 : 120_000,
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    maxWorkers: 3,
    // In the short form a worker keeps its modules from file to file: loading them anew takes a third of the time. The long
    // form gives each file a process of its own.
    isolate: isLong,
  },
})
