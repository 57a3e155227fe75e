// Random CertLogic expressions for properties of the evaluator and of rule sets.
import fc from 'fast-check'
import type { Json } from '#ctid/base'

const UNITS = ['day', 'hour', 'month', 'year'] as const
/** Expressions of valid form over these paths and literals; dates and what is none where dates belong. */
export function expressions(paths: readonly string[], scalars: readonly Json[]): fc.Arbitrary<Json> {
  return fc.letrec<{ expression: Json; date: Json }>((tie) => {
    const e = tie('expression')
    const operation = (name: string, min: number, max = min): fc.Arbitrary<Json> =>
      fc.array(e, { minLength: min, maxLength: max }).map((operands) => ({ [name]: operands }))
    const lambda = fc.constantFrom<Json>(
      { var: 'accumulator' },
      { var: 'current.x' },
      { '+': [{ var: 'accumulator' }, { if: [{ var: 'current' }, 1, 0] }] },
      { and: [{ var: 'accumulator' }, { in: [{ var: 'current' }, ['a', 1]] }] },
    )
    return {
      date: fc
        .tuple(e, fc.integer({ min: -40, max: 400 }), fc.constantFrom(...UNITS))
        .map((operands) => ({ plusTime: operands })),
      expression: fc.oneof(
        { maxDepth: 4 },
        fc.oneof(
          fc.constantFrom(...scalars),
          fc.constantFrom(...paths).map((path) => ({ var: path })),
        ),
        operation('if', 3),
        operation('and', 2, 3),
        operation('===', 2),
        operation('in', 2),
        operation('+', 2),
        operation('!', 1),
        operation('dccDateOfBirth', 1),
        ...['<', '>', '<=', '>='].map((name) => operation(name, 2, 3)),
        tie('date'),
        ...['after', 'before', 'not-after', 'not-before'].map((name) =>
          fc
            .array(fc.oneof({ weight: 4, arbitrary: tie('date') }, e), { minLength: 2, maxLength: 3 })
            .map((operands) => ({ [name]: operands })),
        ),
        fc.tuple(e, lambda, e).map((operands) => ({ reduce: operands })),
        fc.tuple(e, fc.integer({ min: -1, max: 5 })).map((operands) => ({ extractFromUVCI: operands })),
        fc.array(e, { maxLength: 3 }),
      ),
    }
  }).expression
}
