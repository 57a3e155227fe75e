// What the reader may change: `npm run simulate -- --people 67000000 --checks 5000000`. Each has a default, a unit and a reason.
import { parseArgs } from 'node:util'

/** Name → default, and what it is. `assumed` is where a default comes from that nobody measured. */
export const PARAMETERS = {
  people: [1.4e9, 'people'],
  checks: [1e8, 'checks in the busiest hour'],
  'day-shape': [0.35, 'mean of the day over its busiest hour (assumed)'],
  burst: [1.25, 'busiest minute over the mean of its hour (assumed)'],
  copies: [10, 'one-time copies in a refill'],
  validity: [14, 'days that a copy is valid (the code allows 183 at most)'],
  revoked: [0.001, 'share of live copies that are suspended or revoked (assumed)'],
  'list-size': [1_048_576, 'places in a status list, three quarters of them used'],
  ttl: [300, 'seconds for which a verifier keeps a status list'],
  gates: [2e6, 'verifiers that keep lists of their own (assumed)'],
  cores: [16, 'cores of a machine (assumed)'],
  load: [0.7, 'share of a core that is planned for (assumed)'],
  sites: [3, 'sites, of which one may be lost'],
  wait: [20, 'milliseconds that 99 of 100 checks may wait in the queue'],
  shards: [16, 'PostgreSQL shards'],
  'database-copies': [3, 'copies of a shard: primary and two standbys'],
  'prove-one-in': [8, 'batches of a bulk enrolment of which one is proved'],
  'campaign-days': [90, 'days in which everybody is enrolled'],
  'desk-hours': [12, 'hours a day in which desks enrol (assumed)'],
  registrars: [34, 'registrars, each with an allowance at the evaluators (assumed: provinces)'],
  allowance: [100_000, 'elements an hour that an evaluator answers one registrar (the default in code)'],
  'evaluator-failure': [720, 'hours between failures of an evaluator (assumed)'],
  'evaluator-repair': [8, 'hours to repair one (assumed)'],
  'witness-ms': [100, 'milliseconds for a quorum of witnesses to cosign (assumed)'],
  'entries-a-refill': [1, 'log entries of a refill besides one for each copy: the record was opened'],
  'core-hour': [0.03, 'price of a core for an hour, US dollars (assumed)'],
  'gigabyte-month': [0.1, 'price of a gigabyte on SSD for a month, US dollars (assumed)'],
  'gigabyte-out': [0.02, 'price of a gigabyte sent out, US dollars (assumed)'],
} as const satisfies Record<string, readonly [number, string]>

export type Parameter = keyof typeof PARAMETERS
export type Parameters = Readonly<Record<Parameter, number>>

export function defaults(): Parameters {
  const entries = Object.entries(PARAMETERS).map(([name, [value]]) => [name, value])
  return Object.fromEntries(entries) as Parameters
}

/** The command line: any parameter, `--bench FILE` for measured constants, `--plots FOLDER`, `--json`. */
export function readArguments(args: readonly string[]) {
  const names = Object.keys(PARAMETERS) as Parameter[]
  const numbers = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...numbers,
      bench: { type: 'string', default: 'docs/scale/bench.json' },
      plots: { type: 'string' },
      json: { type: 'boolean', default: false },
      docs: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const given = values as Readonly<Record<string, string | boolean | undefined>>
  const changed = names.flatMap((name) => {
    const text = given[name]
    if (typeof text !== 'string') return []
    const value = Number(text)
    if (!(value > 0 && Number.isFinite(value))) throw new Error(`--${name} takes a positive number`)
    return [[name, value] as const]
  })
  const { bench, plots, json, docs, help } = values
  const parameters: Parameters = { ...defaults(), ...Object.fromEntries(changed) }
  return { parameters, bench: bench as string, plots: plots as string | undefined, json, docs, help }
}
