// Conformance of CertLogic: the specification's suites and the member states' rule tests.
import { checkExpression } from '../certlogic/check.ts'
import { compile, evaluate, type Outcome } from '../certlogic/evaluate.ts'
import { sameJson, type Tally, type TestData } from './tally.ts'

const toJson = (outcome: Outcome): unknown =>
  outcome.kind === 'value' ? JSON.parse(JSON.stringify(outcome.value)) : undefined

/** Assertions marked `skip` at any level are not part of the specification. */
export function runCertLogicSuite(file: TestData, tally: Tally): void {
  for (const suite of file.suites)
    for (const one of suite.cases)
      for (const [i, assertion] of one.assertions.entries()) {
        if ([suite, one, assertion].some(({ directive }) => directive === 'skip')) continue
        const expr = assertion.certLogicExpression ?? one.certLogicExpression
        const holds = attempt(() => sameJson(toJson(evaluate(expr, assertion.data)), assertion.expected))
        tally.check(`${suite.file}: ${one.name} #${i + 1}`, holds)
      }
}

export function runValidationSuite(file: TestData, tally: Tally): void {
  for (const suite of file.suites)
    for (const [i, one] of suite.cases.entries())
      tally.check(`${suite.file} #${i + 1}`, sameJson(checkExpression(one.certLogicExpression), one.issues))
}

/** `expected` is the exact value; a test without a validation clock has none. */
export function runMemberRules(file: TestData, tally: Tally): void {
  for (const { id, rule, tests } of file.rules)
    for (const test of tests) {
      const sets = test.external?.valueSets
      const valueSets =
        typeof sets === 'string' && sets.startsWith('$valueSets:') ? file.valueSets[sets.slice(11)] : sets
      const data = { payload: test.payload, external: { ...test.external, valueSets } }
      tally.check(
        `${id} ${test.file}: ${test.name}`,
        attempt(() => sameJson(toJson(compile(rule.Logic)(data)), test.expected)),
      )
    }
}

function attempt(run: () => boolean): boolean {
  try {
    return run()
  } catch {
    return false
  }
}
