// Re-deriving a population: our compiled rules against certlogic-js on the same rules, and against the same rules by hand.
import { type CertLogicExpression, evaluate } from 'certlogic-js'
import { isoTime } from '../../src/base/index.ts'
import type { FactRecord } from '../../src/health/facts.ts'
import { emptyFacts } from '../../src/health/facts.ts'
import { type Colour, programOf } from '../../src/health/program.ts'
import type { RuleSet } from '../../src/health/rule-set.ts'
import type { Periods } from '../../src/health/rules/chinese.ts'
import { teachingEdition } from '../../src/health/rules/editions.ts'
import { type Bench, type BenchRow, compare } from './harness.ts'
import { plainColour } from './plain-rules.ts'

const NOW = 1_795_478_400

/** How many people of a hundred have anything in a group, roughly as in a regional outbreak. */
const SHARE: Readonly<Record<string, number>> = {
  declaration: 95,
  residence: 100,
  vaccination: 80,
  test: 60,
  screening: 20,
  contact: 8,
  stay: 6,
  symptom: 4,
  travel: 3,
  recovery: 3,
  case: 2,
  transfer: 1,
  duty: 1,
  manual: 1,
}
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  case: ['confirmedAt', 'dischargedAt', 'suspectedAt', 'excludedAt'],
  test: ['positiveAt', 'negativeAt', 'earlierNegativeAt', 'reviewedAt', 'takenAt'],
  contact: ['closeAt', 'secondaryAt', 'companionAt', 'vehicleAt'],
  travel: ['abroadAt'],
  stay: ['highAt', 'mediumAt'],
  symptom: ['presentAt', 'excludedAt'],
  declaration: ['madeAt', 'tripAt'],
  screening: ['calledAt'],
  duty: ['endedAt'],
  transfer: ['raisedAt', 'revokedAt'],
  vaccination: ['givenAt', 'doses'],
  recovery: ['positiveAt'],
  residence: ['declaredAt'],
  manual: ['noticeAt'],
}

/** Synthetic fact records, the same for a seed. */
export function population(count: number, seed = 1): readonly FactRecord[] {
  let state = seed
  const below = (n: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 4_294_967_296) * n)
  }
  const now = isoTime(NOW)
  // Instants to the minute, each text made once: a million people have far fewer instants than facts.
  const texts = Array.from({ length: 14 * 24 * 60 }, (_, minutes) => isoTime(NOW - minutes * 60))
  return Array.from({ length: count }, () => {
    const record: Record<string, unknown> = { ...emptyFacts(now) }
    for (const [group, members] of Object.entries(MEMBERS)) {
      if (below(100) >= (SHARE[group] ?? 0)) continue
      const values = members.map((member, i): [string, unknown] => {
        if (member === 'doses') return [member, 1 + below(4)]
        // A positive test is rare, and the first member of the other groups nearly always there.
        const present =
          member === 'positiveAt' && group === 'test' ? below(100) < 2 : i === 0 || below(100) < 50
        return [member, present ? (texts[below(texts.length)] ?? null) : null]
      })
      record[group] = Object.fromEntries(values)
    }
    return record as unknown as FactRecord
  })
}

/** The same rules through certlogic-js. `all`: every rule, as for a trace; else red first, and stop at the first that applies. */
export function oracleColour(ruleSet: RuleSet, facts: FactRecord, all: boolean): Colour {
  let worst: Colour = 'green'
  for (const colour of ['red', 'yellow'] as const) {
    for (const rule of ruleSet.rules) {
      if (rule.colour !== colour || evaluate(rule.when as CertLogicExpression, facts) !== true) continue
      if (worst !== 'red') worst = colour
      if (!all) return worst
    }
  }
  let met = true
  for (const requirement of ruleSet.requires)
    met = evaluate(requirement.when as CertLogicExpression, facts) === true && met
  return worst === 'green' && !met ? 'undetermined' : worst
}

export const bench: Bench = {
  name: 'Health: re-derivation of a population',
  run: async ({ full, log }) => {
    const ruleSet = teachingEdition(NOW)
    const program = programOf(ruleSet)
    const periods = ruleSet.parameters as unknown as Periods
    const people = population(full ? 1_000_000 : 50_000)
    const sample = people.slice(0, 2000)
    for (const facts of sample) {
      const colours = [
        program.colour(facts),
        program.trace(facts),
        oracleColour(ruleSet, facts, false),
        plainColour(facts, periods, NOW * 1000),
      ]
      if (new Set(colours).size !== 1) throw new Error('the engines disagree')
    }
    log(`${ruleSet.rules.length} rules, ${people.length} people, four engines agree on ${sample.length}`)
    const each = (over: readonly FactRecord[], run: (facts: FactRecord) => unknown) => (): void => {
      for (let i = 0; i < over.length; i++) run(over[i] as FactRecord)
    }
    const size = people.length
    const seconds = full ? 2 : 0.4
    const rows: BenchRow[] = [
      await compare(
        each(people, program.trace),
        each(sample, (facts) => oracleColour(ruleSet, facts, true)),
        {
          name: 'every rule, with trace',
          unit: 'person',
          reference: 'certlogic-js, no trace',
          kind: 'peer',
          target: 8,
          seconds,
          oursPerCall: size,
          theirsPerCall: sample.length,
        },
      ),
      await compare(
        each(people, program.colour),
        each(sample, (facts) => oracleColour(ruleSet, facts, false)),
        {
          name: 'colour only',
          unit: 'person',
          reference: 'certlogic-js',
          kind: 'peer',
          target: 20,
          seconds,
          oursPerCall: size,
          theirsPerCall: sample.length,
        },
      ),
      await compare(
        each(people, program.colour),
        each(people, (facts) => plainColour(facts, periods, NOW * 1000)),
        {
          name: 'colour only',
          unit: 'person',
          reference: 'plain TypeScript',
          kind: 'limit',
          target: 2,
          seconds,
          oursPerCall: size,
          theirsPerCall: size,
        },
      ),
    ]
    return rows
  },
}
