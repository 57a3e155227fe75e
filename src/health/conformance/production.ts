// Conformance with rules in production: form of every rule, verdicts per country, and each rule on each certificate.

import type { DccKind } from '../certificates/dcc.ts'
import { checkExpression } from '../certlogic/check.ts'
import { compile, type Outcome } from '../certlogic/evaluate.ts'
import { importEuRules, judgeCertificate } from '../eu-rules.ts'
import { sameJson, type Tally, type TestData } from './tally.ts'

/** Every published rule must be valid CertLogic. */
export function runProductionRules(file: TestData, tally: Tally): void {
  for (const [country, rules] of Object.entries<TestData>(file.rules))
    for (const rule of rules)
      tally.check(
        `${country} ${rule.Identifier}@${rule.Version}: form`,
        checkExpression(rule.Logic).length === 0,
      )
}

const KINDS = ['t', 'v', 'r'] as const

/** The verdicts; where the file says `undefined` anything but *pass* is right. */
export function runProductionVerdicts(
  file: TestData,
  rules: TestData,
  vectors: TestData,
  tally: Tally,
): void {
  const hcerts = new Map<string, TestData>(
    vectors.vectors.map((vector: TestData) => [vector.id, vector.hcert]),
  )
  const book = importEuRules(Object.values<TestData>(rules.rules).flat())
  const { valueSets } = file
  for (const [clock, countries] of Object.entries<TestData>(file.verdicts))
    for (const [country, verdicts] of Object.entries<TestData>(countries))
      for (const [id, expected] of Object.entries<TestData>(verdicts)) {
        const hcert = hcerts.get(id)
        const name = `${country} ${id} at ${clock}`
        if (!hcert) {
          tally.check(`${name}: certificate not in the file`, false)
          continue
        }
        const kinds: DccKind[] = KINDS.filter((kind) => hcert[kind]?.length > 0)
        const ours = judgeCertificate(book, hcert, {
          country,
          kinds,
          external: { valueSets, validationClock: clock },
        })
        const [verdict, ids] = typeof expected === 'string' ? [expected, []] : expected
        const holds =
          verdict === 'undefined'
            ? ours.verdict !== 'pass'
            : ours.verdict === verdict && sameJson(ours.rules, [...ids].sort())
        tally.check(`${name}: ${verdict}, not ${ours.verdict}`, holds)
      }
  if (file.ruleResults) runRuleResults(file, rules, hcerts, tally)
}

// One letter per certificate: T true, F not true, E throws, U undefined by the specification (so never true here).
function runRuleResults(
  file: TestData,
  rules: TestData,
  hcerts: ReadonlyMap<string, TestData>,
  tally: Tally,
): void {
  const { vectors, clocks, results } = file.ruleResults
  const byName = new Map<string, TestData>(
    Object.values<TestData>(rules.rules)
      .flat()
      .map((rule: TestData) => [`${rule.Identifier}@${rule.Version}`, rule]),
  )
  for (const [name, letters] of Object.entries<string>(results)) {
    const rule = byName.get(name)
    const run = rule ? compileOrOpen(rule.Logic) : undefined
    for (let i = 0; i < letters.length; i++) {
      const external = { valueSets: file.valueSets, validationClock: clocks[i] }
      const outcome: Outcome | undefined = run?.({ payload: hcerts.get(vectors[i]), external })
      tally.check(
        `${name} on ${vectors[i]}: ${letters[i]}`,
        outcome !== undefined && fits(outcome, letters[i] as string),
      )
    }
  }
}

function compileOrOpen(logic: TestData): (data: unknown) => Outcome {
  try {
    return compile(logic)
  } catch {
    return () => ({ kind: 'open' })
  }
}

function fits(outcome: Outcome, letter: string): boolean {
  if (letter === 'E') return outcome.kind === 'open'
  const isTrue = outcome.kind === 'value' && outcome.value === true
  return letter === 'T' ? isTrue : !isTrue
}
