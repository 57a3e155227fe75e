// The derivation: colours with reasons and ends, and the properties that hold for every person and every instant.

import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { DAY, HOUR, type Json } from '#ctid/base'
import { checkExpression } from '../../src/health/certlogic/check.ts'
import { derive, type Status } from '../../src/health/derive.ts'
import type { Evidence } from '../../src/health/evidence.ts'
import { foldEvidence } from '../../src/health/fold.ts'
import { programOf } from '../../src/health/program.ts'
import { parseRuleSet, type RuleSet } from '../../src/health/rule-set.ts'
import { EDITION_8, EDITION_9, TWENTY_MEASURES, teachingEdition } from '../../src/health/rules/editions.ts'
import { expressions } from './expressions.ts'
import { makeWorld, NOW, pseudonym, type World } from './people.ts'

let world: World
const rules = teachingEdition(NOW)
const subject = pseudonym(1)
const declared = (at = NOW) =>
  world.sign('intake', subject, { class: 'symptom', data: { state: 'none' } }, { at })
const negative = (at: number) =>
  world.sign('lab', subject, { class: 'test', data: { kind: 'naat', result: 'negative' } }, { at })
const contact = (at: number) =>
  world.sign('tracing', subject, { class: 'contact', data: { kind: 'close' } }, { at })

beforeAll(async () => {
  world = await makeWorld()
})

test('every shipped edition passes the checks of publication', () => {
  for (const edition of [EDITION_8, EDITION_9, TWENTY_MEASURES, rules])
    expect(parseRuleSet(edition as unknown as Json)).toBe(edition)
})

test('no evidence is undetermined, never green and never red', () => {
  const status = derive([], rules, NOW)
  expect(status.colour).toBe('undetermined')
  expect(status.gaps).toMatchObject([{ rule: 'G1', kind: 'missing', needs: 'declaration' }])
  expect(status.wayBack).toMatchObject({ greenAt: NOW, needs: ['declaration'] })
})

test('a declaration makes green, with its reason and the day on which it runs out', async () => {
  const status = derive([await declared()], rules, NOW)
  expect(status).toMatchObject({ colour: 'green', until: NOW + 14 * DAY, gaps: [] })
  expect(status.reasons).toMatchObject([{ rule: 'G1', evidence: [{ class: 'symptom', source: 'intake' }] }])
  expect(derive([await declared()], rules, NOW + 14 * DAY).colour).toBe('undetermined')
})

test('a close contact: red, then yellow, then green, as announced on the first day', async () => {
  const evidence = [await declared(), await contact(NOW)]
  const status = derive(evidence, rules, NOW)
  expect(status).toMatchObject({ colour: 'red', until: NOW + 10 * DAY, nextChangeAt: NOW + 5 * DAY })
  expect(status.reasons).toMatchObject([
    {
      rule: 'R4',
      from: NOW,
      evidence: [{ class: 'contact', source: 'tracing' }],
      release: { at: NOW + 5 * DAY, needs: ['time', 'negative-test'] },
    },
  ])
  expect(status.wayBack).toEqual({
    greenAt: NOW + 7 * DAY,
    needs: ['time', 'negative-test'],
    steps: [
      { at: NOW, colour: 'red' },
      { at: NOW + 5 * DAY, colour: 'yellow' },
      { at: NOW + 7 * DAY, colour: 'green' },
    ],
  })
  const tested = [...evidence, await negative(NOW + 4 * DAY)]
  expect(derive(tested, rules, NOW + 5 * DAY - 1).colour).toBe('red')
  expect(derive(tested, rules, NOW + 5 * DAY).colour).toBe('yellow')
  expect(derive(tested, rules, NOW + 7 * DAY).colour).toBe('green')
})

test('without the test the colour stays, but not for ever', async () => {
  const evidence = [await declared(NOW + 5 * DAY), await contact(NOW)]
  expect(derive(evidence, rules, NOW + 9 * DAY).colour).toBe('red')
  expect(derive(evidence, rules, NOW + 10 * DAY).colour).toBe('green')
})

test('a test that was taken is the first of two: the second one is due a day after it', async () => {
  const companion = await world.sign(
    'tracing',
    subject,
    { class: 'contact', data: { kind: 'companion' } },
    { at: NOW - 36 * HOUR },
  )
  const greenAt = async (...tests: number[]) => {
    const evidence = [await declared(NOW - 40 * HOUR), companion, ...(await Promise.all(tests.map(negative)))]
    return derive(evidence, rules, NOW - 5 * HOUR).wayBack.greenAt
  }
  expect(await greenAt()).toBe(NOW + 19 * HOUR)
  expect(await greenAt(NOW - 20 * HOUR)).toBe(NOW + 4 * HOUR)
  expect(await greenAt(NOW - 29 * HOUR)).toBe(NOW - 5 * HOUR)
  // One from before the contact does not count.
  expect(await greenAt(NOW - 37 * HOUR)).toBe(NOW + 19 * HOUR)
})

test('the same contact under three editions', async () => {
  const at = (set: RuleSet): Promise<Evidence> => contact(set.validFrom)
  for (const [set, days] of [
    [EDITION_8, 14],
    [EDITION_9, 7],
    [TWENTY_MEASURES, 5],
  ] as const)
    expect(derive([await at(set)], set, set.validFrom + DAY).reasons[0]?.release?.at).toBe(
      set.validFrom + days * DAY,
    )
})

test('outside its dates a rule set decides nothing', async () => {
  expect(derive([await declared()], rules, rules.validTo)).toMatchObject({
    colour: 'undetermined',
    gaps: [{ kind: 'rules-not-in-force' }],
  })
  const end = (now: number) => derive([], rules, now).nextChangeAt - now
  expect(end(rules.validFrom - 3)).toBe(3)
  expect([rules.validFrom - 400 * DAY, rules.validTo].map(end)).toEqual([30 * DAY, 30 * DAY])
})

test('an appeal decision takes evidence out, and the trace says what was read', async () => {
  const wrong = await contact(NOW)
  const decision = await world.sign('appeals', subject, {
    class: 'decision',
    data: { outcome: 'upheld', excludes: [wrong.commitment], appeal: 'a1' },
  })
  const status = derive([await declared(), wrong, decision], rules, NOW)
  expect(status.colour).toBe('green')
  expect(status.evidence).toContain(wrong.commitment)
  expect(status.trace).toContainEqual({ rule: 'R4', result: 'false', reads: ['contact.closeAt'] })
})

test('a rule that cannot be evaluated is open: undetermined, never green', async () => {
  const broken: RuleSet = {
    ...rules,
    rules: rules.rules.map((rule) =>
      rule.id === 'R4'
        ? { ...rule, when: { and: [{ var: 'contact.closeAt' }, { '<': [{ var: 'contact.closeAt' }, 1] }] } }
        : rule,
    ),
  }
  const status = derive([await declared(), await contact(NOW)], broken, NOW)
  expect(status).toMatchObject({ colour: 'undetermined', gaps: [{ rule: 'R4', kind: 'open' }] })
})

describe('rule sets that must not come into force', () => {
  const withWhen = (when: Json, colour: 'red' | 'yellow' = 'red'): Json =>
    ({ ...rules, rules: [{ ...rules.rules[0], colour, when }] }) as unknown as Json
  test.each<[string, Json, string]>([
    ['everybody red', withWhen(true), 'ERR_HEALTH_RULE'],
    ['red for want of a declaration', withWhen({ '!': [{ var: 'declaration.madeAt' }] }), 'ERR_HEALTH_RULE'],
    ['red for having declared', withWhen({ var: 'declaration.madeAt' }), 'ERR_HEALTH_RULE'],
    ['red for declared symptoms', withWhen({ var: 'symptom.presentAt' }), 'ERR_HEALTH_RULE'],
    ['red by two officers', withWhen({ var: 'manual.noticeAt' }), 'ERR_HEALTH_RULE'],
    [
      'a ground behind a way around it',
      withWhen({ if: [{ var: 'contact.closeAt' }, true, true] }),
      'ERR_HEALTH_RULE',
    ],
    [
      'a fact that does not exist',
      withWhen({ and: [{ var: 'contact.closeAt' }, { var: 'bank.deposit' }] }),
      'ERR_HEALTH_RULE',
    ],
    [
      'an unknown operation',
      withWhen({ and: [{ var: 'contact.closeAt' }, { or: [true, true] }] }),
      'ERR_HEALTH_RULE',
    ],
    [
      'the clock as text',
      withWhen({ and: [{ var: 'contact.closeAt' }, { '===': [{ var: 'now' }, 'x'] }] }),
      'ERR_HEALTH_RULE',
    ],
    ['no end', { ...rules, sunset: rules.validTo + 9999 * DAY } as unknown as Json, 'ERR_HEALTH_RULE_SET'],
    ['one language', { ...rules, name: { en: 'x' } } as unknown as Json, 'ERR_HEALTH_RULE_SET'],
    ['an unknown member', { ...rules, hidden: 1 } as unknown as Json, 'ERR_HEALTH_RULE_SET'],
  ])('%s', (_name, set, code) => {
    expect(() => parseRuleSet(set)).toThrow(expect.objectContaining({ code }))
  })
  test('and if one came into force all the same, it would be open', async () => {
    const set = withWhen(true) as unknown as RuleSet
    expect(derive([await declared()], set, NOW).colour).toBe('undetermined')
    expect(programOf(set).colour(foldEvidence([await declared()], set, NOW).facts)).toBe('undetermined')
  })
})

describe('for every person', () => {
  // Evidence is dealt from a pool signed once: signing inside a property would only test the signature.
  type Item = Evidence & { readonly restrictive: boolean }
  let pool: readonly Item[] = []
  beforeAll(async () => {
    const findings = [
      ['tracing', { class: 'contact', data: { kind: 'close' } }, true],
      ['tracing', { class: 'contact', data: { kind: 'secondary' } }, true],
      ['tracing', { class: 'contact', data: { kind: 'companion' } }, true],
      ['tracing', { class: 'contact', data: { kind: 'vehicle' } }, true],
      ['tracing', { class: 'stay', data: { risk: 'high', area: '330106' } }, true],
      ['tracing', { class: 'stay', data: { risk: 'medium', area: '330106' } }, true],
      ['tracing', { class: 'screening', data: { area: '330106' } }, true],
      ['tracing', { class: 'duty', data: { post: 'high-risk' } }, true],
      ['border', { class: 'travel', data: { from: 'abroad' } }, true],
      ['clinic', { class: 'case', data: { state: 'confirmed' } }, true],
      ['clinic', { class: 'case', data: { state: 'suspected' } }, true],
      ['exchange', { class: 'transfer', data: { state: 'raised', region: '410000' } }, true],
      ['lab', { class: 'test', data: { kind: 'antigen', result: 'positive' } }, true],
      ['intake', { class: 'symptom', data: { state: 'present' } }, true],
      ['clinic', { class: 'case', data: { state: 'discharged' } }, false],
      ['clinic', { class: 'case', data: { state: 'excluded' } }, false],
      ['clinic', { class: 'symptom', data: { state: 'excluded' } }, false],
      ['lab', { class: 'test', data: { kind: 'naat', result: 'negative' } }, false],
      ['intake', { class: 'symptom', data: { state: 'none' } }, false],
      ['exchange', { class: 'transfer', data: { state: 'revoked', region: '410000' } }, false],
    ] as const
    const all: Item[] = []
    for (const [source, finding, restrictive] of findings)
      for (const hours of [0, 30, 100, 200, 400]) {
        const one = await world.sign(source, subject, finding, {
          at: NOW - hours * HOUR,
          expiresAt: NOW - hours * HOUR + 30 * DAY,
        })
        all.push({ ...one, restrictive })
      }
    pool = all
  })
  const someEvidence = (max = 12) =>
    fc.array(fc.nat({ max: 99 }), { maxLength: max }).map((picks) => picks.map((i) => pool[i] as Item))
  const someInstant = fc.integer({ min: NOW - DAY, max: NOW + 20 * DAY })
  const holds = <T>(property: fc.IProperty<T>, numRuns = 400): void =>
    fc.assert(property, { seed: 20261124, numRuns })
  const RANK = { green: 0, undetermined: 1, yellow: 2, red: 3 }
  const plain = (status: Status): string => JSON.stringify(status)

  test('order and repetition of the evidence make no difference, nor does a second run', () => {
    holds(
      fc.property(someEvidence(), someInstant, fc.integer(), (evidence, now, salt) => {
        const shuffled = [...evidence, ...evidence.slice(0, 2)].sort(
          (a, b) => ((a.at ^ salt) % 97) - ((b.at ^ salt) % 97) || (a.commitment < b.commitment ? 1 : -1),
        )
        expect(plain(derive(shuffled, rules, now))).toBe(plain(derive(evidence, rules, now)))
      }),
    )
  })

  test('more restrictive evidence never improves a colour', () => {
    const restrictive = fc.nat({ max: 69 }).map((i) => pool[i] as Item)
    holds(
      fc.property(someEvidence(), restrictive, someInstant, (evidence, more, now) => {
        const before = derive(evidence, rules, now).colour
        const after = derive([...evidence, more], rules, now).colour
        expect(RANK[after]).toBeGreaterThanOrEqual(RANK[before])
      }),
      2000,
    )
  })

  test('no colour without a reason and an end; red and yellow rest on evidence; ends lie ahead', () => {
    holds(
      fc.property(someEvidence(), someInstant, (evidence, now) => {
        const status = derive(evidence, rules, now)
        expect(status.until).toBeGreaterThan(now)
        expect(Number.isFinite(status.until)).toBe(true)
        expect(status.nextChangeAt).toBeGreaterThan(now)
        expect(status.reasons.length + status.gaps.length).toBeGreaterThan(0)
        for (const reason of status.reasons) {
          expect(reason.evidence.length).toBeGreaterThan(0)
          expect(reason.until).toBeGreaterThan(now)
          expect(reason.text.en && reason.text.zh).toBeTruthy()
        }
        if (status.colour === 'undetermined') expect(status.gaps).not.toEqual([])
        else expect(status.reasons.some(({ colour }) => colour === status.colour)).toBe(true)
      }),
    )
  })

  test('nothing changes before nextChangeAt', () => {
    holds(
      fc.property(
        someEvidence(),
        someInstant,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (evidence, now, part) => {
          const status = derive(evidence, rules, now)
          const later = now + Math.floor((status.nextChangeAt - 1 - now) * part)
          const then = derive(evidence, rules, later)
          expect(then.colour).toBe(status.colour)
          expect(then.trace.map(({ result }) => result)).toEqual(status.trace.map(({ result }) => result))
        },
      ),
    )
  })

  test('the fast way and the way with a trace give the same colour', () => {
    holds(
      fc.property(someEvidence(), someInstant, (evidence, now) => {
        const { facts } = foldEvidence(evidence, rules, now)
        const program = programOf(rules)
        expect(program.colour(facts)).toBe(derive(evidence, rules, now).colour)
        expect(program.trace(facts)).toBe(program.colour(facts))
      }),
    )
  })

  test('no green from an error: whatever the rules say, an open one leaves it undetermined, on both ways', () => {
    const paths = [
      'test.positiveAt',
      'test.negativeAt',
      'contact.closeAt',
      'declaration.madeAt',
      'case.confirmedAt',
    ]
    const anything = expressions(paths, [true, false, 0, 1, '', 'a', '2026-02-30', '2026-11-20', '2026'])
    const [rule] = rules.rules
    let open = 0
    holds(
      fc.property(someEvidence(), someInstant, anything, anything, (evidence, now, when, other) => {
        const set = {
          ...rules,
          rules: [
            { ...rule, id: 'X1', colour: 'red', when },
            { ...rule, id: 'X2', colour: 'yellow', when: { and: [{ var: 'contact.closeAt' }, other] } },
          ],
        } as unknown as RuleSet
        if (set.rules.some((one) => checkExpression(one.when).length > 0)) return
        const status = derive(evidence, set, now)
        if (status.trace.some(({ result }) => result === 'open')) {
          open++
          expect(status.colour).not.toBe('green')
        }
        const { facts } = foldEvidence(evidence, set, now)
        expect(programOf(set).colour(facts)).toBe(status.colour)
        expect(programOf(set).trace(facts)).toBe(status.colour)
        // And no such rule restricts somebody of whom no finding says anything.
        if (evidence.every(({ restrictive }) => !restrictive))
          expect(['green', 'undetermined']).toContain(status.colour)
      }),
      300,
    )
    expect(open).toBeGreaterThan(25)
  })

  test('every restriction ends: by the last day of its evidence nobody is red or yellow', () => {
    holds(
      fc.property(someEvidence(), (evidence) => {
        expect(['green', 'undetermined']).toContain(derive(evidence, rules, NOW + 30 * DAY).colour)
      }),
    )
  })
})
