// CertLogic 1.3.3: the specification's own suites, the member states' rules, and what the specification leaves undefined.
import { evaluate as oracle } from 'certlogic-js'
import { describe, expect, test } from 'vitest'
import { checkExpression } from '../../src/health/certlogic/check.ts'
import { compile, evaluate } from '../../src/health/certlogic/evaluate.ts'
import { parseInstant } from '../../src/health/certlogic/instants.ts'
import { conformanceFile, conformanceFolder, skipReason } from './conformance-data.ts'

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
type Any = ReturnType<typeof JSON.parse>

describe.skipIf(!conformanceFolder)(`specification suites${skipReason}`, () => {
  test('all 218 applicable assertions hold', () => {
    let count = 0
    for (const suite of conformanceFile<Any>('certlogic-suite.json').suites)
      for (const c of suite.cases)
        for (const a of c.assertions) {
          if ([suite, c, a].some((part) => part.directive === 'skip')) continue
          const expr = a.certLogicExpression ?? c.certLogicExpression
          const outcome = evaluate(expr, a.data)
          expect(
            outcome.kind === 'value' ? plain(outcome.value) : outcome,
            `${c.name}: ${JSON.stringify(a)}`,
          ).toEqual(a.expected)
          count++
        }
    expect(count).toBe(218)
  })

  test('the validation suite is met to the letter', () => {
    for (const suite of conformanceFile<Any>('certlogic-validation-suite.json').suites)
      for (const c of suite.cases) expect(checkExpression(c.certLogicExpression)).toEqual(c.issues)
  })

  test('every member-state rule test holds', () => {
    const { rules, valueSets } = conformanceFile<Any>('member-rules.json')
    for (const { id, rule, tests } of rules) {
      expect(checkExpression(rule.Logic, { literals: true }), id).toEqual([])
      const run = compile(rule.Logic)
      for (const t of tests) {
        const sets = t.external.valueSets
        const external = {
          ...t.external,
          valueSets: typeof sets === 'string' ? valueSets[sets.slice(11)] : sets,
        }
        expect(run({ payload: t.payload, external }), `${id} ${t.file}`).toEqual({
          kind: 'value',
          value: t.expected,
        })
      }
    }
  })

  test('equals certlogic-js on every production rule and certificate, except where that one meets an invalid date', () => {
    const { rules } = conformanceFile<Any>('production-rules.json')
    const { valueSets, ruleResults } = conformanceFile<Any>('production-verdicts.json')
    const { vectors } = conformanceFile<Any>('dcc-vectors.json')
    const certificates = vectors.filter((v: Any) => ruleResults.vectors.includes(v.id))
    let differ = 0
    for (const rule of Object.values<Any>(rules).flat()) {
      const run = compile(rule.Logic)
      for (const v of certificates) {
        const data = {
          payload: v.hcert,
          external: { valueSets, validationClock: v.clock ?? '2022-02-15T12:00:00Z' },
        }
        const ours = run(data)
        let theirs: unknown
        try {
          theirs = oracle(rule.Logic, data)
        } catch {
          theirs = 'throws'
        }
        if ((ours.kind === 'value' ? ours.value : 'throws') === theirs) continue
        differ++
        expect(ours.kind).toBe('open')
        expect(v.hcert.dob, `${rule.Identifier} ${v.id}`).toBe('1963-00')
      }
    }
    expect(differ).toBeGreaterThan(0)
  })
})

describe('what the specification leaves undefined is open', () => {
  const undefinedCases: [string, Any, unknown][] = [
    [
      'an impossible month',
      { after: [{ plusTime: [{ var: 'd' }, 0, 'day'] }, { plusTime: ['2020-01-01', 0, 'day'] }] },
      { d: '1963-00' },
    ],
    ['an impossible day', { plusTime: [{ var: 'd' }, 1, 'day'] }, { d: '2021-02-30' }],
    ['text instead of a date', { plusTime: [{ var: 'd' }, 1, 'day'] }, { d: 'yesterday' }],
    ['a missing date', { plusTime: [{ var: 'd' }, 1, 'day'] }, {}],
    [
      'time added to a date made already',
      { plusTime: [{ plusTime: [{ var: 'd' }, 12, 'hour'] }, 1, 'day'] },
      { d: '2021-02-03' },
    ],
    ['a comparison of texts', { '<': ['a', 'b'] }, {}],
    ['a membership in nothing', { in: ['a', { var: 'x' }] }, {}],
    ['a date as a truth', { if: [{ plusTime: ['2020-01-01', 0, 'day'] }, 1, 2] }, {}],
    ['equality of lists', { '===': [{ var: 'a' }, { var: 'a' }] }, { a: [1] }],
    ['an integer beyond 2^53', { '+': [{ var: 'a' }, 1] }, { a: Number.MAX_SAFE_INTEGER }],
    ['reduction of an object', { reduce: [{ var: 'a' }, 1, 0] }, { a: {} }],
  ]
  test.each(undefinedCases)('%s', (_name, expr, data) => {
    expect(evaluate(expr, data)).toEqual({ kind: 'open' })
  })

  test('a loop that would not end soon', () => {
    const list = Array.from({ length: 200 }, () => ({ l: Array.from({ length: 200 }, () => 1) }))
    const expr = {
      reduce: [{ var: '' }, { reduce: [{ var: 'current.l' }, { '+': [{ var: 'accumulator' }, 1] }, 0] }, 0],
    }
    expect(evaluate(expr, list)).toEqual({ kind: 'open' })
  })
})

describe('data access', () => {
  test.each(['constructor', '__proto__', 'toString', 'a.length', 'a.constructor', 's.length', 's.0'])(
    'does not walk prototypes: %s',
    (path) => expect(evaluate({ var: path }, { a: [1], s: 'text' })).toEqual({ kind: 'value', value: null }),
  )
  test('reads own members only', () => {
    expect(evaluate({ var: 'x' }, Object.create({ x: 1 }))).toEqual({ kind: 'value', value: null })
  })
  test('forgets the previous document', () => {
    const run = compile({ var: 'a.b' })
    expect(run({ a: { b: 1 } })).toEqual({ kind: 'value', value: 1 })
    expect(run({ a: null })).toEqual({ kind: 'value', value: null })
    expect(run(null)).toEqual({ kind: 'value', value: null })
  })
})

describe('before publication', () => {
  test.each([
    [{ plusTime: ['2021-02-30', 0, 'day'] }],
    [{ plusTime: ['x', 0, 'day'] }],
    [{ plusTime: ['2021-02-01', 99_999_999, 'day'] }],
    [{ '<': ['1', 2] }],
    [{ after: ['2021-01-01', { plusTime: ['2021-01-01', 0, 'day'] }] }],
    [{ dccDateOfBirth: ['1963-00'] }],
    [{ plusTime: [{ plusTime: [{ var: 'd' }, 1, 'day'] }, 1, 'hour'] }],
    [{ in: ['a', 'abc'] }],
  ])('refuses the literal in %j', (expr) => {
    expect(checkExpression(expr)).toEqual([])
    expect(checkExpression(expr, { literals: true })).toHaveLength(1)
  })
  test.each([
    [{ or: [true, false] }],
    [{ if: [true, 1] }],
    [{ plusTime: [{ var: 'x' }, '1', 'day'] }],
    [{ __proto__: null, toString: [] }],
  ])('refuses the form %j', (expr) => {
    expect(checkExpression(expr)).not.toEqual([])
    expect(() => compile(expr as Any)).toThrow(expect.objectContaining({ code: 'ERR_HEALTH_RULE' }))
  })
  test('refuses depth and size without running out of stack', () => {
    let deep: Any = true
    for (let i = 0; i < 100_000; i++) deep = { '!': [deep] }
    expect(checkExpression(deep)).toHaveLength(1)
    expect(checkExpression(Array.from({ length: 5000 }, () => 1))).toHaveLength(1)
  })
})

test('date texts: every allowed form, to the millisecond', () => {
  const base = Date.UTC(2021, 5, 1, 12, 30, 15)
  for (const [text, ms] of [
    ['2021-06-01', Date.UTC(2021, 5, 1)],
    ['2021-06-01T12:30:15', base],
    ['2021-06-01T12:30:15Z', base],
    ['2021-06-01T12:30:15+2', base - 7_200_000],
    ['2021-06-01T12:30:15-02', base + 7_200_000],
    ['2021-06-01T12:30:15+130', base - 5_400_000],
    ['2021-06-01T12:30:15+0130', base - 5_400_000],
    ['2021-06-01T12:30:15+1:30', base - 5_400_000],
    ['2021-06-01T12:30:15+01:30', base - 5_400_000],
    ['2021-06-01T12:30:15.1', base + 100],
    ['2021-06-01T12:30:15.1239Z', base + 123],
    ['2021-06-01T12:30:15.045999+01:00', base + 45 - 3_600_000],
    ['2000-02-29', Date.UTC(2000, 1, 29)],
    ['0001-01-01', Date.parse('0001-01-01T00:00:00Z')],
  ] as const)
    expect(parseInstant(text), text).toBe(ms)
  for (const text of [
    '',
    '2021',
    '2021-6-1',
    '2021-13-01',
    '1900-02-29',
    '2021-06-01T24:00:00Z',
    '2021-06-01T12:30Z',
    '2021-06-01 12:30:15',
    '2021-06-01T12:30:15.Z',
    '2021-06-01T12:30:15+',
    '2021-06-01T12:30:15+1:3',
    '2021-06-01T12:30:15ZZ',
    '２021-06-01',
  ])
    expect(parseInstant(text), text).toBeNaN()
})
