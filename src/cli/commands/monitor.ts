// `ctid monitor`: follows a log, recomputes everything from its entries, and says so when something is wrong.
import { rename, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { CtidError, systemClock } from '../../base/index.ts'
import { createMonitor, type MonitorReport } from '../../transparency/index.ts'
import { type Command, EXIT, type Io } from '../command.ts'
import { POLICY_OPTIONS, POLICY_USAGE, policyOf, readTextFile, sourceAt, wholeNumber } from '../log-policy.ts'

export const command: Command = {
  name: 'monitor',
  summary: 'follow a log and alarm on a fork, a rollback, an altered entry or tile, a broken rule',
  usage: `ctid monitor URL|FOLDER --key VKEY [--state FILE] [--interval SECONDS] [--once] [options]

  --state FILE       remembers the last verified checkpoint, so that a restart notices what happened in between
  --interval S       seconds between rounds; default 60
  --once             one round; exit code 1 on any alarm
  --any-entries      a log of other entries (a Go checksum mirror, say): its tree is checked, its entries mean nothing here
${POLICY_USAGE}`,
  run,
}

async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...POLICY_OPTIONS,
      state: { type: 'string' },
      interval: { type: 'string', default: '60' },
      once: { type: 'boolean', default: false },
      'any-entries': { type: 'boolean', default: false },
    },
  })
  const [location, ...rest] = positionals
  if (location === undefined || rest.length > 0) throw new CtidError('ERR_CLI_USAGE')
  const interval = wholeNumber(values.interval, 86_400, '--interval')
  const { state } = values
  const remembered = state === undefined ? undefined : await readState(state)
  const monitor = createMonitor({
    source: sourceAt(location),
    policy: policyOf(values),
    clock: systemClock,
    entries: values['any-entries'] ? 'any' : 'ctid',
    ...(remembered === undefined ? {} : { remembered }),
  })
  let alarmed = false
  let stopped = false
  const stop = io.untilStopped().then(() => {
    stopped = true
  })
  do {
    const report = await monitor.poll()
    alarmed ||= !report.ok
    show(report, values.json, io)
    const note = monitor.verified()?.note
    if (state !== undefined && note !== undefined) await writeState(state, note)
    if (values.once) break
    await Promise.race([stop, new Promise((resolve) => setTimeout(resolve, interval * 1000).unref())])
  } while (!stopped)
  return alarmed ? EXIT.refused : EXIT.ok
}

function show(report: MonitorReport, json: boolean, io: Io): void {
  if (json) {
    io.out(JSON.stringify(report))
    return
  }
  io.out(`${report.ok ? 'ok' : 'ALARM'}: ${report.size} entries verified, ${report.newEntries} new`)
  for (const { step, kind, index, detail } of report.alarms) {
    io.out(`  ${step}: ${kind}${index === undefined ? '' : ` at entry ${index}`}: ${detail}`)
  }
}

// A missing file is a first start; a file that cannot be read must not look like one.
async function readState(path: string): Promise<string | undefined> {
  try {
    return await readTextFile(path)
  } catch (error) {
    const cause = (error as { cause?: NodeJS.ErrnoException }).cause
    if (cause?.code === 'ENOENT') return undefined
    throw error
  }
}

async function writeState(path: string, note: string): Promise<void> {
  await writeFile(`${path}.tmp`, note)
  await rename(`${path}.tmp`, path)
}
