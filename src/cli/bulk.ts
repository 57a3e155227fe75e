// `ctid enrol --bulk`: options, progress and summary of a bulk enrolment. No line of the file is ever printed.
import { availableParallelism } from 'node:os'
import { CtidError, type ErrorCode } from '../base/index.ts'
import { enrolFile } from '../deployment/index.ts'
import type { BulkEvent, BulkSummary } from '../registrar/index.ts'
import { EXIT, type Io, table } from './command.ts'
import { evaluatorUrlsOf, openRegistrar, type RegistrarValues } from './system.ts'

/** For `parseArgs`. */
export const BULK_OPTIONS = {
  bulk: { type: 'string' },
  workers: { type: 'string' },
  prove: { type: 'string' },
} as const

type BulkValues = RegistrarValues & {
  readonly bulk: string
  readonly workers?: string | undefined
  readonly prove?: string | undefined
  readonly json?: boolean | undefined
}

/** Runs it; exit code 1 when lines were set aside. Stops after the blocks under way on SIGINT and SIGTERM. */
export async function enrolInBulk(values: BulkValues, io: Io): Promise<number> {
  const workers = workersOf(values.workers)
  const evaluatorUrls = evaluatorUrlsOf(values)
  const prove = proveOf(values.prove ?? (evaluatorUrls ? 'all' : 'sampled'))
  const stopping = new AbortController()
  void io.untilStopped().then(() => stopping.abort())
  const system = await openRegistrar(values, io)
  try {
    if (!values.json) io.err(`${workers} workers warming up …`)
    const codes = new Map<ErrorCode, number>()
    const report = values.json ? jsonReport(io) : wordReport(io)
    const summary = await enrolFile(system, {
      file: values.bulk,
      stdin: process.stdin,
      workers,
      prove,
      signal: stopping.signal,
      onEvent: (event) => {
        if (event.type === 'rejected') codes.set(event.code, (codes.get(event.code) ?? 0) + 1)
        report(event)
      },
      ...(evaluatorUrls === undefined ? {} : { evaluatorUrls }),
      plainHttp: values['closed-network'] ?? false,
    })
    const ok = summary.finished && summary.rejected === 0
    if (values.json) io.out(JSON.stringify({ ok, ...summary, rejectedByCode: Object.fromEntries(codes) }))
    else printSummary(summary, codes, io)
    return ok ? EXIT.ok : EXIT.refused
  } finally {
    await system.close()
  }
}

function printSummary(summary: BulkSummary, codes: ReadonlyMap<ErrorCode, number>, io: Io): void {
  const { created, existing, rejected, lines, finished } = summary
  const rows = [
    ['lines', String(lines)],
    ['created', String(created)],
    ['existing', String(existing)],
    ['rejected', String(rejected)],
    ...[...codes].map(([code, count]) => [`  ${code}`, String(count)]),
  ]
  for (const line of table(rows)) io.out(line)
  if (!finished) io.err('stopped; the same command goes on from here')
}

const MAX_REPORTED = 100

function wordReport(io: Io): (event: BulkEvent) => void {
  let rejected = 0
  let nextProgress = 0
  return (event) => {
    if (event.type === 'resumed') io.err(`going on at line ${event.line}`)
    if (event.type === 'fault') io.err(`evaluator ${event.fault.evaluator}: ${event.fault.reason}`)
    if (event.type === 'rejected' && ++rejected <= MAX_REPORTED) {
      io.err(`line ${event.line}: ${event.code}`)
      if (rejected === MAX_REPORTED) io.err('further rejected lines are counted only')
    }
    if (event.type === 'progress' && performance.now() >= nextProgress) {
      nextProgress = performance.now() + 1000
      const { created, existing, rate, remainingSeconds } = event
      const left = remainingSeconds === undefined ? '' : `, ${duration(remainingSeconds)} left`
      io.err(`${created + existing} enrolled, ${event.rejected} rejected, ${Math.round(rate)}/s${left}`)
    }
  }
}

function jsonReport(io: Io): (event: BulkEvent) => void {
  return (event) => io.err(JSON.stringify(event))
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.ceil(whole / 60)} min`
  return `${Math.floor(whole / 3600)} h ${Math.ceil((whole % 3600) / 60)} min`
}

export function workersOf(text: string | undefined): number {
  if (text === undefined) return availableParallelism()
  const workers = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (workers < 1) throw new CtidError('ERR_CLI_USAGE', { detail: '--workers N' })
  return workers
}

function proveOf(text: string): 'all' | 'sampled' {
  if (text !== 'all' && text !== 'sampled') {
    throw new CtidError('ERR_CLI_USAGE', { detail: '--prove all|sampled' })
  }
  return text
}
