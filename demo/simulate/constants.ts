// What was measured: rows of a bench's JSON (`npm run bench` writes bench.json) by their names.
import { readFileSync } from 'node:fs'

type Row = { readonly name: string; readonly unit: string; readonly ours: number; readonly theirs: number }
export type Measured = {
  readonly machine: { readonly node: string; readonly cpu: string; readonly cores: number }
  readonly rows: readonly Row[]
}

/** Rates are per second of processor time, sizes are bytes. */
export type Constants = {
  readonly machine: string
  readonly verifications: number
  /** The registry's part of an enrolment: its points, its rows, the sealed record. */
  readonly registrations: number
  /** Blinding, two evaluations, unblinding; and the same with a proof for every batch. */
  readonly tokens: number
  readonly provedTokens: number
  readonly labels: number
  readonly copies: number
  /** By the clock, one issuing process and its PostgreSQL on the machine of the bench. */
  readonly copiesByClock: number
  /** Durable, one sequencer. */
  readonly appends: number
  readonly listSignings: number
  readonly personBytes: number
  readonly copyBytes: number
  readonly walletCopyBytes: number
  /** A list at one in a thousand and at one in a hundred revoked. */
  readonly listBytes: readonly [number, number]
}

const ROWS = {
  verifications: ['verify over HTTP, all checks', 'verification a CPU second'],
  registrations: ['people into the registry, SQLite in memory', 'person a CPU second'],
  tokens: ['tokens in bulk, 2 of 3', 'token a CPU second'],
  provedTokens: ['tokens with proofs in batches of 64, 2 of 3', 'token a CPU second'],
  labels: ['label with proof (ECVRF)', 'label a CPU second'],
  copies: ['copies issued, one process', 'copy a CPU second'],
  appends: ['durable log entries, batches of 1,000', 'entry a CPU second'],
  listSignings: ['unchanged status list signed again', 'list a CPU second'],
  personBytes: ['PostgreSQL, bytes a person', 'bytes'],
  copyBytes: ['PostgreSQL, bytes a copy until it ends', 'bytes'],
  walletCopyBytes: ['bytes of a copy in the wallet', 'bytes'],
} as const

/** Takes the constants out of a bench's JSON; a row that is not there is an error that names it. */
export function constantsOf({ machine, rows }: Measured): Constants {
  const value = (name: string, unit: string, side: 'ours' | 'theirs' = 'ours'): number => {
    const row = rows.find((one) => one.name === name && one.unit === unit)
    if (!row || !(row[side] > 0)) throw new Error(`the bench has no row "${name}"; run npm run bench`)
    return row[side]
  }
  const found = Object.fromEntries(
    Object.entries(ROWS).map(([key, [name, unit]]) => [key, value(name, unit)]),
  )
  return {
    ...(found as Omit<Constants, 'machine' | 'copiesByClock' | 'listBytes'>),
    machine: `${machine.cores} cores ${machine.cpu}, Node ${machine.node}`,
    copiesByClock: value(...ROWS.copies, 'theirs'),
    listBytes: [
      value('status list of 2^20 at 0.1 % revoked, bytes', 'bytes'),
      value('status list of 2^20 at 1 % revoked, bytes', 'bytes'),
    ],
  }
}

export function readConstants(file: string): Constants {
  return constantsOf(JSON.parse(readFileSync(file, 'utf8')) as Measured)
}
