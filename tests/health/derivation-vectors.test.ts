// Derivations for second implementations: from verified evidence to facts, colour, reasons, ends and the way back, with
// each remedy, each fact and each kind of gap. With UPDATE_VECTORS=1 the file is written anew.
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { DAY, HOUR, isJsonObject, type Json, toBase64url } from '#ctid/base'
import { derive } from '../../src/health/derive.ts'
import type { Evidence } from '../../src/health/evidence.ts'
import type { Finding } from '../../src/health/evidence-class.ts'
import { FACT_PATHS } from '../../src/health/facts.ts'
import { foldEvidence } from '../../src/health/fold.ts'
import { parseRuleSet, REMEDIES, type RuleSet } from '../../src/health/rule-set.ts'
import health from '../vectors/health.json' with { type: 'json' }
import { NOW } from './people.ts'

const file = new URL('../vectors/health-derivations.json', import.meta.url)

const plus = (path: string, amount = 0, unit = 'day') => ({ plusTime: [{ var: path }, amount, unit] })
const both = (en: string, zh: string) => ({ en, zh })
const outline = {
  text: both('Rule.', '规则。'),
  wayBack: both('Ends.', '解除。'),
  source: 'made for the vectors',
}
const need = { ...outline, missing: both('Missing.', '缺少。'), wayBack: undefined }

// What the editions do not have: yellow before red, an end that is past, a rule that cannot be evaluated, three
// requirements, comparisons that change a second late, an acceptance in metres.
const SMALL = parseRuleSet(
  JSON.parse(
    JSON.stringify({
      format: 'ctid-health-rules/1',
      id: 'small',
      version: 1,
      region: '330000',
      name: both('Small', '小'),
      purpose: both('Vectors', '向量'),
      validFrom: NOW - 30 * DAY,
      validTo: NOW + 10 * DAY,
      sunset: NOW + 10 * DAY,
      parameters: {},
      accepts: [
        { class: 'contact', maxPrecisionMetres: 100 },
        ...['test', 'vaccination', 'recovery', 'symptom', 'residence', 'trip'].map((name) => ({
          class: name,
        })),
        ...['screening', 'travel', 'manual', 'stay'].map((name) => ({
          class: name,
          maxPrecisionSeconds: 60,
        })),
      ],
      requires: [
        {
          ...need,
          id: 'G1',
          when: {
            and: [{ var: 'declaration.madeAt' }, { after: [plus('declaration.madeAt', 3), plus('now')] }],
          },
          needs: 'declaration',
        },
        { ...need, id: 'G2', when: { var: 'residence.declaredAt' }, needs: 'time' },
        { ...need, id: 'G3', when: { '>': [{ var: 'vaccination.doses' }, 1] }, needs: 'time' },
      ],
      rules: [
        {
          ...outline,
          id: 'Y1',
          colour: 'yellow',
          when: { var: 'screening.calledAt' },
          until: plus('screening.calledAt', 1),
          release: { at: plus('screening.calledAt', 1, 'hour'), needs: [] },
        },
        {
          ...outline,
          id: 'R1',
          colour: 'red',
          when: {
            and: [
              { var: 'contact.closeAt' },
              { 'not-after': [plus('contact.closeAt'), plus('now', -1, 'hour'), plus('contact.closeAt', 3)] },
            ],
          },
          until: plus('contact.closeAt', 4),
          release: { at: plus('contact.closeAt', 5), needs: ['time'] },
        },
        {
          ...outline,
          id: 'R2',
          colour: 'red',
          when: { and: [{ var: 'travel.abroadAt' }, { '<': [{ var: 'travel.abroadAt' }, 1] }] },
          until: null,
          release: { at: null, needs: ['time'] },
        },
        {
          ...outline,
          id: 'Y2',
          colour: 'yellow',
          when: { var: 'manual.noticeAt' },
          until: null,
          release: { at: null, needs: ['clinical-exclusion'] },
        },
      ],
      references: [],
    }),
  ),
)
const RULE_SETS: Readonly<Record<string, RuleSet>> = {
  teaching: parseRuleSet(health.ruleSet as unknown as Json),
  small: SMALL,
}

type Piece = (commitment: string) => Evidence
type Change = Partial<Pick<Evidence, 'issuedAt' | 'expiresAt' | 'precision'>>
const commitment = (n: number) => toBase64url(new Uint8Array(32).fill(n))

/** A finding of some hours ago. */
function found<C extends Finding['class']>(
  name: C,
  data: Extract<Finding, { class: C }>['data'],
  hours: number,
  change: Change = {},
): Piece {
  const at = NOW - hours * HOUR
  const expiresAt = at + (name === 'manual' ? 3 : 40) * DAY
  const times = { at, issuedAt: at, expiresAt, precision: { seconds: 0 }, ...change }
  const source = name === 'manual' ? 'officer-a+officer-b' : 'source'
  const finding = { class: name, data } as unknown as Finding
  return (commitment) =>
    ({ subject: '', region: '330000', text: '', ...times, ...finding, commitment, source }) as Evidence
}

const declared = (hours = 24) => found('symptom', { state: 'none' }, hours)
const close = (hours: number) => found('contact', { kind: 'close' }, hours)
const companion = (hours: number) => found('contact', { kind: 'companion' }, hours)
const suspected = found('case', { state: 'suspected' }, 30)
const confirmed = found('case', { state: 'confirmed' }, 72)
const positive = found('test', { kind: 'antigen', result: 'positive' }, 5)
const negative = (hours: number) => found('test', { kind: 'naat', result: 'negative' }, hours)
const antigen = (hours: number) => found('test', { kind: 'antigen', result: 'negative' }, hours)
const onPaper = (reason: Extract<Finding, { class: 'manual' }>['data']['reason'], hours = 1) =>
  found('manual', { reason }, hours)
const decided = (
  outcome: Extract<Finding, { class: 'decision' }>['data']['outcome'],
  hours: number,
  excludes: readonly number[],
) => found('decision', { outcome, excludes: excludes.map(commitment), appeal: 'a1' }, hours)
const near = { precision: { seconds: 0, metres: 100 } }

// Name, evidence (the n-th piece has the commitment of 32 bytes n), and where not told otherwise: NOW, the teaching edition.
const CASES: readonly [
  name: string,
  pieces: readonly Piece[],
  options?: { readonly at?: number; readonly ruleSet?: string },
][] = [
  ['nothing is known: a declaration makes green', []],
  ['declared', [declared()]],
  [
    'declared, a stay of low risk, a journey at home',
    [declared(), found('stay', { risk: 'low', area: '330106' }, 9), found('travel', { from: 'domestic' }, 9)],
  ],
  ['confirmed: nothing that the person does ends it before the evidence', [declared(), confirmed]],
  ['asymptomatic', [declared(), found('case', { state: 'asymptomatic' }, 72)]],
  ['confirmed and discharged', [declared(), confirmed, found('case', { state: 'discharged' }, 2)]],
  ['confirmed and discharged on paper', [declared(), confirmed, onPaper('discharge-on-paper')]],
  ['suspected', [declared(), suspected]],
  ['suspected and excluded', [declared(), suspected, found('case', { state: 'excluded' }, 2)]],
  [
    'suspected, with symptoms, both excluded on paper',
    [declared(), suspected, found('symptom', { state: 'present' }, 40), onPaper('exclusion-on-paper')],
  ],
  ['positive: a review test', [declared(), positive]],
  ['positive, then negative by antigen: no review', [declared(), positive, antigen(2)]],
  ['positive, then negative on paper: no review', [declared(), positive, onPaper('negative-test-on-paper')]],
  ['positive and reviewed', [declared(), positive, negative(2)]],
  ['close contact: a test on the last day, then a second period', [declared(), close(30)]],
  ['close contact in the second period', [declared(), close(130), negative(5)]],
  ['close contact, never tested', [declared(), close(200)]],
  ['close contact, not declared: a gap beside a restriction', [close(30)]],
  ['contact of a contact', [declared(), found('contact', { kind: 'secondary' }, 30)]],
  ['same vehicle', [declared(), found('contact', { kind: 'vehicle' }, 30)]],
  ['from abroad: time', [declared(), found('travel', { from: 'abroad' }, 30)]],
  ['high-risk area', [declared(), found('stay', { risk: 'high', area: '330106' }, 30)]],
  [
    'high-risk area, too coarse to count',
    [declared(), found('stay', { risk: 'high', area: '330106' }, 30, { precision: { seconds: 86_401 } })],
  ],
  ['medium-risk area', [declared(), found('stay', { risk: 'medium', area: '330106' }, 1)]],
  ['companion: two tests, the first at once', [declared(), companion(1)]],
  ['companion whose period ends before a second test', [declared(), companion(60)]],
  ['companion, tested 10 hours ago: the second test in 14 hours', [declared(), companion(12), negative(10)]],
  ['companion, tested 30 hours ago: a second test now', [declared(), companion(36), antigen(30)]],
  ['companion, two tests exactly 24 hours apart', [declared(), companion(36), antigen(26), antigen(2)]],
  ['companion, two tests 23 hours apart', [declared(), companion(36), antigen(25), antigen(2)]],
  ['symptoms declared', [declared(), found('symptom', { state: 'present' }, 4)]],
  [
    'symptoms excluded by a clinic',
    [declared(), found('symptom', { state: 'present' }, 4), found('symptom', { state: 'excluded' }, 2)],
  ],
  ['called for a test', [declared(), found('screening', { area: '330106' }, 6)]],
  [
    'called for a test, and tested positive',
    [
      declared(),
      found('screening', { area: '330106' }, 6),
      found('test', { kind: 'naat', result: 'positive' }, 5),
    ],
  ],
  ['end of work in a post of high risk', [declared(), found('duty', { post: 'high-risk' }, 20)]],
  ['raised by another region', [declared(), found('transfer', { state: 'raised', region: '410000' }, 20)]],
  [
    'raised and revoked',
    [
      declared(),
      found('transfer', { state: 'raised', region: '410000' }, 20),
      found('transfer', { state: 'revoked', region: '410000' }, 2),
    ],
  ],
  [
    'red and yellow at once; the evidence of the first ends early',
    [declared(), found('travel', { from: 'abroad' }, 30, { expiresAt: NOW + 5 * HOUR }), companion(1)],
  ],
  ['two contacts at one instant: the smaller commitment', [declared(), close(30), close(30)]],
  [
    'evidence that begins in two hours, and evidence that is over',
    [
      declared(),
      found('contact', { kind: 'close' }, 3, { issuedAt: NOW + 2 * HOUR }),
      found('case', { state: 'suspected' }, 30, { expiresAt: NOW }),
    ],
  ],
  ['an objection upheld', [declared(), close(30), decided('upheld', 2, [2])]],
  [
    'relief, and a dismissal later',
    [declared(), close(30), decided('interim-relief', 4, [2]), decided('dismissed', 2, [2])],
  ],
  [
    'a dismissal and relief at one instant: the smaller commitment',
    [declared(), close(30), decided('dismissed', 2, [2]), decided('interim-relief', 2, [2])],
  ],
  [
    'a notice by telephone, in an edition without a rule for it',
    [declared(), onPaper('case-notice-by-telephone')],
  ],
  ['rules that begin in 40 days', [declared()], { at: NOW - 70 * DAY }],
  ['rules that begin in a day', [declared()], { at: NOW - 31 * DAY }],
  ['rules that have ended', [declared()], { at: NOW + 335 * DAY }],
  ['three requirements, none met', [], { ruleSet: 'small' }],
  ['three requirements, one met', [found('residence', { area: '330106' }, 90)], { ruleSet: 'small' }],
  [
    'green since the latest of the evidence of each requirement',
    [
      declared(71),
      found('residence', { area: '330106' }, 90),
      found('vaccination', { dose: 2, of: 3 }, 50),
      found('vaccination', { dose: 1, of: 3 }, 500),
      found('recovery', {}, 600),
      found('trip', { area: '330106' }, 7),
    ],
    { ruleSet: 'small' },
  ],
  [
    'yellow before red, in the order of the rules; an end that is past',
    [found('screening', { area: '330106' }, 30), found('contact', { kind: 'close' }, 20, near)],
    { ruleSet: 'small' },
  ],
  [
    'a comparison that becomes true in an hour, and false a second after its third date',
    [found('contact', { kind: 'close' }, 0, near)],
    { ruleSet: 'small' },
  ],
  ['a contact without metres, where metres are asked for', [declared(), close(20)], { ruleSet: 'small' }],
  [
    'a rule that cannot be evaluated',
    [declared(), found('travel', { from: 'abroad' }, 20)],
    { ruleSet: 'small' },
  ],
  [
    'a rule that cannot be evaluated, beside one that is true',
    [found('travel', { from: 'abroad' }, 20), onPaper('contact-notice-by-telephone', 70)],
    { ruleSet: 'small' },
  ],
]

function make() {
  return {
    description:
      'For each case: `evidence` that was verified, the `facts` that it gives at `at` (groups of which nothing is known, and facts that are null, left out), and the status of section 13.6 without texts, `at`, `region` and `ruleSetHash`; `trace` for the small rule set only. `teaching` is the rule set of health.json.',
    small: SMALL as unknown as Json,
    cases: CASES.map(([name, pieces, { at = NOW, ruleSet = 'teaching' } = {}]) => {
      const evidence = pieces.map((piece, i) => piece(commitment(i + 1)))
      const rules = RULE_SETS[ruleSet] as RuleSet
      const status = derive(evidence, rules, at)
      const { colour, until, nextChangeAt, reasons, gaps, wayBack, evidence: inForce, trace } = status
      return {
        name,
        ruleSet,
        at,
        evidence: evidence.map((one) => ({
          commitment: one.commitment,
          source: one.source,
          class: one.class,
          data: one.data,
          at: one.at,
          iat: one.issuedAt,
          exp: one.expiresAt,
          precision: one.precision,
        })),
        facts: without(foldEvidence(evidence, rules, at).facts, (_, value) => value === null),
        status: {
          colour,
          until,
          nextChangeAt,
          reasons: without(reasons, isText),
          gaps: without(gaps, isText),
          wayBack,
          evidence: inForce,
        },
        ...(ruleSet === 'small' && { trace }),
      }
    }),
  }
}

const isText = (name: string) => name === 'text' || name === 'basis'

function without(value: unknown, unwanted: (name: string, value: unknown) => boolean): Json {
  const text = JSON.stringify(value, (name, one: unknown) => (unwanted(name, one) ? undefined : one))
  return JSON.parse(text) as Json
}

// JSON that people can read: what fits a line is on one.
function lines(value: unknown, indent = ''): string {
  const flat = JSON.stringify(value)
  if (flat.length + indent.length <= 240 || typeof value !== 'object' || value === null) return flat
  const deeper = `${indent}  `
  const parts = Array.isArray(value)
    ? value.map((one) => deeper + lines(one, deeper))
    : Object.entries(value).map(([key, one]) => `${deeper}${JSON.stringify(key)}: ${lines(one, deeper)}`)
  const [open, shut] = Array.isArray(value) ? '[]' : '{}'
  return `${open}\n${parts.join(',\n')}\n${indent}${shut}`
}

const made = JSON.parse(JSON.stringify(make())) as ReturnType<typeof make>

it('are what this code makes', () => {
  if (process.env['UPDATE_VECTORS']) writeFileSync(file, `${lines(made)}\n`)
  expect(made).toEqual(JSON.parse(readFileSync(file, 'utf8')))
})

it('leave no remedy, no fact and no kind of gap out', () => {
  const all = JSON.stringify(made.cases.map(({ status }) => status))
  for (const remedy of REMEDIES) expect(all, remedy).toContain(`"${remedy}"`)
  for (const kind of ['missing', 'open', 'rules-not-in-force']) expect(all).toContain(`"kind":"${kind}"`)
  const facts = made.cases.flatMap(({ facts }) =>
    Object.entries(facts as Record<string, Json>).flatMap(([group, members]) =>
      isJsonObject(members) ? Object.keys(members).map((member) => `${group}.${member}`) : [],
    ),
  )
  expect(FACT_PATHS.filter((path) => !facts.includes(path))).toEqual([])
})
