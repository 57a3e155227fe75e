// Random expressions against certlogic-js: where ours says a value the oracle says the same, and where the oracle throws ours is open.
import { evaluate as oracle } from 'certlogic-js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Json } from '#ctid/base'
import { checkExpression } from '../../src/health/certlogic/check.ts'
import { compile } from '../../src/health/certlogic/evaluate.ts'
import { sameJson } from '../../src/health/conformance/tally.ts'
import { expressions } from './expressions.ts'

// Dates of every form, right and wrong, among texts, numbers and lists: most of what a certificate can hold by mistake.
const SCALARS: readonly Json[] = [
  true,
  false,
  0,
  1,
  2,
  -1,
  '',
  'a',
  '0',
  '2021-06-01',
  '2021-06-01T12:00:00+02:00',
  '2021-06-01T12:00:00+0200',
  '2021-06-01T12:00:00.123456Z',
  '2021-06-01T12:00:00',
  '2020-02-29',
  '2021-06',
  '2021',
  '2021-02-30',
  '1963-00',
  '2021-6-1',
  '2021-06-01T25:00:00Z',
  '2021-06-01 12:00:00Z',
  'URN:UVCI:01:SE:EHM/100#A',
  '01/XX/b#c',
]
const scalar = fc.constantFrom(...SCALARS)
const datum = fc.oneof(scalar, fc.constantFrom<Json>(null, 1.5, [], ['a'], [null], {}, { x: 1 }))
// No path ends inside a text or names a property of a list: there certlogic-js reads on, and we do not (SPEC section 13.2).
const document = fc.record({
  a: datum,
  b: datum,
  c: fc.array(datum, { maxLength: 2 }),
  d: fc.record({ x: datum }),
})
const PATHS = ['', 'a', 'b', 'c', 'c.0', 'c.1', 'd', 'd.x', 'e', 'e.f']

test('a value of ours is the oracle’s value; what makes the oracle throw is open', () => {
  let values = 0
  fc.assert(
    fc.property(expressions(PATHS, SCALARS), document.map(plain), (expr, data) => {
      if (checkExpression(expr).length > 0) return
      const ours = compile(expr)(data)
      if (ours.kind === 'open') return
      values++
      const theirs: unknown = oracle(expr as never, data)
      expect(sameJson(plain(ours.value), plain(theirs))).toBe(true)
    }),
    { numRuns: 10_000, seed: 20_211_231 },
  )
  expect(values).toBeGreaterThan(500)
})

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null))
}
