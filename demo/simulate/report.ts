// The plan as a table and as figures. Each line says whether it was measured, follows from measurements, or rests on assumptions.
import { table } from '../../src/cli/command.ts'
import type { Figure, Text } from '../labs/lab.ts'
import type { Constants } from './constants.ts'
import { type Plan, plan } from './model.ts'
import type { Parameters } from './parameters.ts'
import { serveAtRandom } from './queues.ts'

const three = new Intl.NumberFormat('en', { maximumSignificantDigits: 3, notation: 'standard' })
const large = new Intl.NumberFormat('en', {
  maximumSignificantDigits: 3,
  notation: 'compact',
  compactDisplay: 'long',
})

/** Three digits, with a prefix for bytes. */
export function bytes(value: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB']
  let unit = 0
  let rest = value
  for (; rest >= 999.5 && unit < units.length - 1; unit++) rest /= 1000
  return `${three.format(rest)} ${units[unit]}`
}

const seconds = (value: number): string =>
  value < 1 ? `${three.format(value * 1000)} ms` : `${three.format(value)} s`

/** One line: what, how much, and on what it rests. */
export type Line = readonly [what: string, figure: string, from: string]

/** Sections of lines, for the terminal and for docs/scale.md. */
export function linesOf(
  p: Parameters,
  c: Constants,
  r: Plan = plan(p, c),
): readonly (readonly [string, readonly Line[]])[] {
  const n = (value: number) => (value < 1e6 ? three : large).format(value)
  return [
    [
      'Measured, for a second of one core',
      [
        ['codes verified over HTTP, all checks', `${n(c.verifications)} /s`, 'bench service'],
        ['tokens in bulk, coordinator and two evaluators', `${n(c.tokens)} /s`, 'bench nation'],
        ['the same with every batch proved', `${n(c.provedTokens)} /s`, 'bench nation'],
        ['people into the registry', `${n(c.registrations)} /s`, 'bench nation'],
        ['VRF labels for the log (two a person)', `${n(c.labels)} /s`, 'bench nation'],
        ['copies issued', `${n(c.copies)} /s`, 'bench nation'],
        ['copies of one issuer, database on the same machine', `${n(c.copiesByClock)} /s`, 'bench nation'],
        ['durable log entries, one sequencer', `${n(c.appends)} /s`, 'bench nation'],
        ['unchanged status lists signed again', `${n(c.listSignings)} /s`, 'bench nation'],
        ['a person in PostgreSQL', bytes(c.personBytes), 'bench nation'],
        ['a live copy in PostgreSQL', bytes(c.copyBytes), 'bench nation'],
        ['a copy in the wallet', bytes(c.walletCopyBytes), 'bench nation'],
        ['a status list at 1 % revoked', bytes(c.listBytes[1]), 'bench nation'],
      ],
    ],
    [
      'Storage',
      [
        ['registry, one copy', bytes(r.registryBytes), 'derived'],
        [
          'live copies of credentials',
          `${n(r.liveCopies)}, ${bytes(r.ledgerBytes)}`,
          'simulated use, derived',
        ],
        [`PostgreSQL, ${p['database-copies']} copies`, bytes(r.databaseBytes), 'derived'],
        [`one of ${p.shards} shards`, bytes(r.shardBytes), 'derived'],
        ['log after enrolment', bytes(r.logBytesAtStart), 'derived'],
        ['log, growth a year', bytes(r.logBytesAYear), 'derived'],
        ['directory of bindings, memory', bytes(r.directoryBytes), 'derived'],
      ],
    ],
    [
      `Enrolment in ${p['campaign-days']} days`,
      [
        ['tokens and registry rows', `${n(r.enrolmentCoreDays)} core days`, 'derived'],
        ['VRF labels', `${n(r.labelCoreDays)} core days`, 'derived'],
        [`machines of ${p.cores} cores for it`, n(r.enrolmentMachines), 'derived'],
        ['hours of desks with an evaluator down', n(r.campaign.hoursWithOneDown), 'simulated'],
        ['hours in which nobody could be enrolled', n(r.campaign.hoursStopped), 'simulated'],
        ['most people who had to come back', n(r.campaign.largestBacklog), 'simulated'],
        [
          'the last one enrolled on day',
          Number.isFinite(r.campaign.finished) ? n(r.campaign.finished) : 'never',
          'simulated',
        ],
      ],
    ],
    [
      'Checks',
      [
        ['in the busiest minute', `${n(r.peak)} /s`, 'parameters'],
        [
          'one machine carries',
          `${n(r.machineRate)} /s at ${n(r.utilisation * 100)} % load`,
          'simulated queue',
        ],
        [`machines, one of ${p.sites} sites lost`, n(r.verifierMachines), 'simulated queue'],
        ['a person is checked', `${n(r.perDay)} times a day`, 'parameters'],
      ],
    ],
    [
      'Copies and status',
      [
        [`a refill of ${p.copies} lasts`, `${n(r.life)} days`, 'integral'],
        [
          'copies issued',
          `${n(r.copiesADay)} a day, ${n(r.refillsAtPeak * p.copies)} /s at the peak`,
          'derived',
        ],
        ['issuers, each with a database and lists of its own', n(r.issuers), 'derived'],
        ['machines of issuers', n(r.issuerMachines), 'derived'],
        ['status lists alive', n(r.lists), 'derived'],
        ['one list', bytes(r.bytesOfList), 'between measured'],
        [`signing all of them again, every ${p.ttl} s`, `${n(r.signingCores)} cores`, 'derived'],
        [
          `a gate's checks in ${p.ttl} s, and lists they need`,
          `${n(r.checksAGate)}, ${n(r.listsAGate)}`,
          'derived',
        ],
        ['lists downloaded for one check', bytes(r.listBytesACheck), 'derived'],
      ],
    ],
    [
      'Log',
      [
        ['entries', `${n(r.entriesADay)} a day`, 'derived'],
        ['logs (one sequencer each)', n(r.logs.count), 'simulated queue'],
        [
          'an entry is cosigned after, mean and p99',
          `${seconds(r.logs.mean)}, ${seconds(r.logs.p99)}`,
          'simulated queue',
        ],
        ['entries in a batch', n(r.logs.meanBatch), 'simulated queue'],
      ],
    ],
    [
      'Cost',
      [
        ['sent out', `${bytes(r.gigabytesOutADay * 1e9)} a day`, 'derived'],
        ['machines in all', n(r.machines), 'derived'],
        ['machines, a month', `$ ${n(r.cost.machines)}`, 'prices assumed'],
        ['storage after a year, a month', `$ ${n(r.cost.storage)}`, 'prices assumed'],
        ['traffic, a month', `$ ${n(r.cost.traffic)}`, 'prices assumed'],
        ['together, a month', `$ ${n(r.costAMonth)}`, 'prices assumed'],
        ['the same, a person and year', `$ ${n((r.costAMonth * 12) / p.people)}`, 'prices assumed'],
        ['the campaign, once', `$ ${n(r.cost.campaign)}`, 'prices assumed'],
      ],
    ],
  ]
}

export function toTerminalTable(sections: ReturnType<typeof linesOf>): string[] {
  return sections.flatMap(([title, lines]) => [
    '',
    title,
    ...table(lines.map(([what, figure, from]) => [`  ${what}`, figure, from])),
  ])
}

export function toMarkdown(sections: ReturnType<typeof linesOf>): string {
  return sections
    .map(([title, lines]) => {
      const rows = lines.map(([what, figure, from]) => `| ${what} | ${figure} | ${from} |`)
      return `### ${title}\n\n| what | figure | from |\n|---|---|---|\n${rows.join('\n')}\n`
    })
    .join('\n')
}

const same = (text: string): Text => ({ en: text, zh: text })

/** Four pictures: how long checks wait, what a copy's validity costs, the campaign, and where the money goes. */
export function figuresOf(p: Parameters, c: Constants): readonly Figure[] {
  const r = plan(p, c)
  const loads = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98]
  const service = 1 / c.verifications
  const wait = (cores: number) =>
    loads.map((load) => {
      const { p99 } = serveAtRandom({ perSecond: (load * cores) / service, serviceSeconds: service, cores })
      return Math.round(p99 * 1e6) / 1000
    })
  const validities = [1, 2, 4, 7, 14, 30, 60, 120, 183]
  const byValidity = validities.map((validity) => plan({ ...p, validity }, c))
  const withoutFailures = plan({ ...p, 'evaluator-failure': 1e12 }, c)
  const days = Math.max(r.campaign.byDay.length, withoutFailures.campaign.byDay.length)
  const shown = Array.from({ length: Math.min(10, days) }, (_, i) =>
    Math.ceil(((i + 1) * days) / Math.min(10, days)),
  )
  const enrolledBy = (of: Plan) =>
    shown.map((day) => Math.round((of.campaign.byDay[day - 1] ?? p.people) / 1e5) / 10)
  return [
    {
      id: 'wait',
      type: 'line',
      title: same('Wait of 99 in 100 checks, by load'),
      xTitle: same('load of the machine, %'),
      yTitle: same('milliseconds in the queue'),
      x: loads.map((load) => same(`${load * 100}`)),
      series: [
        { name: same('a queue for each core'), values: wait(1) },
        { name: same(`one queue for ${p.cores} cores`), values: wait(p.cores) },
      ],
    },
    {
      id: 'validity',
      type: 'line',
      logScale: true,
      title: same('What the validity of copies costs'),
      xTitle: same('days that a copy is valid'),
      yTitle: same('see legend'),
      x: validities.map((days) => same(String(days))),
      series: [
        { name: same('status lists alive'), values: byValidity.map(({ lists }) => lists) },
        {
          name: same('million copies issued a day'),
          values: byValidity.map(({ copiesADay }) => copiesADay / 1e6),
        },
        {
          name: same('gigabytes of live copies in a shard'),
          values: byValidity.map(({ ledgerBytes }) => ledgerBytes / p.shards / 1e9),
        },
      ],
    },
    {
      id: 'campaign',
      type: 'line',
      title: same('People enrolled, millions'),
      xTitle: same('day'),
      yTitle: same('millions'),
      x: shown.map((day) => same(String(day))),
      series: [
        { name: same('evaluators that fail'), values: enrolledBy(r) },
        { name: same('evaluators that never fail'), values: enrolledBy(withoutFailures) },
      ],
    },
    {
      id: 'cost',
      type: 'bar',
      title: same('Cost a month, thousands of US dollars'),
      xTitle: same('for'),
      yTitle: same('thousands'),
      x: ['machines', 'storage after a year', 'traffic'].map(same),
      series: [
        {
          name: same('thousands a month'),
          values: [r.cost.machines, r.cost.storage, r.cost.traffic].map(
            (value) => Math.round(value / 100) / 10,
          ),
        },
      ],
    },
  ]
}
