// The three-colour rules of 2021-2022 as one template; the editions differ in their periods and in which rules they keep.
// Sources: provincial notices as listed in `editions.ts`; no normative colour rule is in GB/T 38961-38963.
import type { Json } from '../../base/index.ts'
import type { FactPath } from '../facts.ts'
import type { Acceptance, Remedy, Requirement, Rule, Text } from '../rule-set.ts'

/** Periods in days, or null where an edition does not have the rule. */
export type Periods = {
  readonly closeContact: number
  readonly secondaryContact: number | null
  readonly arrival: number
  readonly highRiskArea: number
  readonly mediumRiskArea: number | null
  readonly transferred: number | null
  readonly afterDischarge: number
  readonly afterCloseContact: number
  readonly afterArrival: number
  readonly symptoms: number
  readonly companion: number | null
  readonly screening: number | null
  readonly sameVehicle: number | null
  readonly highRiskDuty: number | null
  /** After a period has ended without the test it asks for: how long the restriction may still last. */
  readonly unreleased: number
  /** How old a health declaration may be. */
  readonly declaration: number
}

const plus = (path: FactPath | 'now', days = 0): Json => ({ plusTime: [{ var: path }, days, 'day'] })
const NOW = plus('now')
const read = (path: FactPath): Json => ({ var: path })
const not = (part: Json): Json => ({ '!': [part] })
const and = (...parts: readonly Json[]): Json => ({ and: parts })
const before = (a: Json, b: Json): Json => ({ before: [a, b] })
const notBefore = (a: Json, b: Json): Json => ({ 'not-before': [a, b] })
/** The first fact is there, and not earlier than the second (which must be there). */
const since = (path: FactPath, start: Json): Json => ({
  if: [read(path), notBefore(plus(path), start), false],
})
const running = (path: FactPath, days: number): Json => and(read(path), before(NOW, plus(path, days)))

type Words = { readonly text: Text; readonly wayBack: Text; readonly source: string }
type Outline = Words & { readonly id: string; readonly colour: 'red' | 'yellow' }

// Lasts `days`, then until a negative test taken on the last day or later, but `unreleased` days more at most.
function untilTested(outline: Outline, path: FactPath, days: number, periods: Periods): Rule {
  const last = plus(path, days - 1)
  const latest = plus(path, days + periods.unreleased)
  const tested = since('test.negativeAt', last)
  return {
    ...outline,
    when: and(read(path), before(NOW, latest), { if: [before(NOW, plus(path, days)), true, not(tested)] }),
    until: { if: [tested, plus(path, days), latest] },
    release: { at: plus(path, days), needs: ['time', 'negative-test'] },
  }
}

// Lasts `days` and ends by itself.
function forDays(outline: Outline, path: FactPath, days: number): Rule {
  return {
    ...outline,
    when: running(path, days),
    until: plus(path, days),
    release: { at: plus(path, days), needs: ['time'] },
  }
}

// A second period of `days` after a first one of `first`.
function afterPeriod(outline: Outline, path: FactPath, first: number, days: number): Rule {
  return {
    ...outline,
    when: and(read(path), notBefore(NOW, plus(path, first)), before(NOW, plus(path, first + days))),
    until: plus(path, first + days),
    release: { at: plus(path, first + days), needs: ['time'] },
  }
}

// Lasts until another finding answers it, as long as its evidence lives.
function untilAnswered(outline: Outline, path: FactPath, answer: FactPath, needs: Remedy): Rule {
  return {
    ...outline,
    when: and(read(path), not(since(answer, plus(path)))),
    until: null,
    release: { at: null, needs: [needs] },
  }
}

// As `untilAnswered`, `days` at most.
function answeredWithin(
  outline: Outline,
  path: FactPath,
  answer: FactPath,
  days: number,
  needs: Remedy,
): Rule {
  return {
    ...outline,
    when: and(read(path), before(NOW, plus(path, days)), not(since(answer, plus(path)))),
    until: plus(path, days),
    release: { at: null, needs: [needs] },
  }
}

/** The rules of an edition. */
export function chineseRules(p: Periods): readonly Rule[] {
  const optional = (days: number | null, make: (days: number) => Rule): readonly Rule[] =>
    days === null ? [] : [make(days)]
  return [
    untilAnswered(
      { id: 'R1', colour: 'red', ...WORDS.R1 },
      'case.confirmedAt',
      'case.dischargedAt',
      'discharge',
    ),
    untilAnswered(
      { id: 'R2', colour: 'red', ...WORDS.R2 },
      'case.suspectedAt',
      'case.excludedAt',
      'clinical-exclusion',
    ),
    untilAnswered(
      { id: 'R3', colour: 'red', ...WORDS.R3 },
      'test.positiveAt',
      'test.reviewedAt',
      'review-test',
    ),
    untilTested({ id: 'R4', colour: 'red', ...WORDS.R4 }, 'contact.closeAt', p.closeContact, p),
    ...optional(p.secondaryContact, (days) =>
      untilTested({ id: 'R5', colour: 'red', ...WORDS.R5 }, 'contact.secondaryAt', days, p),
    ),
    forDays({ id: 'R6', colour: 'red', ...WORDS.R6 }, 'travel.abroadAt', p.arrival),
    untilTested({ id: 'R7', colour: 'red', ...WORDS.R7 }, 'stay.highAt', p.highRiskArea, p),
    p.transferred === null
      ? untilAnswered(
          { id: 'R8', colour: 'red', ...WORDS.R8 },
          'transfer.raisedAt',
          'transfer.revokedAt',
          'revocation-by-source',
        )
      : answeredWithin(
          { id: 'R8', colour: 'red', ...WORDS.R8 },
          'transfer.raisedAt',
          'transfer.revokedAt',
          p.transferred,
          'revocation-by-source',
        ),
    forDays({ id: 'Y1', colour: 'yellow', ...WORDS.Y1 }, 'case.dischargedAt', p.afterDischarge),
    afterPeriod(
      { id: 'Y2', colour: 'yellow', ...WORDS.Y2 },
      'contact.closeAt',
      p.closeContact,
      p.afterCloseContact,
    ),
    afterPeriod({ id: 'Y3', colour: 'yellow', ...WORDS.Y3 }, 'travel.abroadAt', p.arrival, p.afterArrival),
    ...optional(p.mediumRiskArea, (days) =>
      twoTests({ id: 'Y4', colour: 'yellow', ...WORDS.Y4 }, 'stay.mediumAt', days),
    ),
    ...optional(p.companion, (days) =>
      twoTests({ id: 'Y5', colour: 'yellow', ...WORDS.Y5 }, 'contact.companionAt', days),
    ),
    answeredWithin(
      { id: 'Y6', colour: 'yellow', ...WORDS.Y6 },
      'symptom.presentAt',
      'symptom.excludedAt',
      p.symptoms,
      'clinical-exclusion',
    ),
    ...optional(p.screening, (days) =>
      answeredWithin(
        { id: 'Y7', colour: 'yellow', ...WORDS.Y7 },
        'screening.calledAt',
        'test.takenAt',
        days,
        'negative-test',
      ),
    ),
    ...optional(p.sameVehicle, (days) =>
      untilTested({ id: 'Y8', colour: 'yellow', ...WORDS.Y8 }, 'contact.vehicleAt', days, p),
    ),
    ...optional(p.highRiskDuty, (days) =>
      forDays({ id: 'Y9', colour: 'yellow', ...WORDS.Y9 }, 'duty.endedAt', days),
    ),
  ]
}

// Two negative tests at least 24 hours apart, both after the start, or `days`.
function twoTests(outline: Outline, path: FactPath, days: number): Rule {
  return {
    ...outline,
    when: and(read(path), before(NOW, plus(path, days)), not(since('test.earlierNegativeAt', plus(path)))),
    until: plus(path, days),
    release: { at: plus(path, 1), needs: ['two-negative-tests'] },
  }
}

/** What green asks for: a recent health declaration (GB/T 38963, interface 1). */
export function chineseRequirements(p: Periods): readonly Requirement[] {
  return [
    {
      id: 'G1',
      when: running('declaration.madeAt', p.declaration),
      needs: 'declaration',
      text: { en: 'Health declared, and no rule restricts you.', zh: '已申报健康信息，且无限制性规则适用。' },
      missing: {
        en: `No health declaration within ${p.declaration} days.`,
        zh: `${p.declaration}天内没有健康申报。`,
      },
      source: 'GB/T 38963-2020 interface 1 (health information declaration); Hangzhou 2020-02-11',
    },
  ]
}

/** The evidence that these rules use. A companion's inference must say how coarse it is. */
export const CHINESE_ACCEPTS: readonly Acceptance[] = [
  { class: 'test' },
  { class: 'case' },
  { class: 'symptom' },
  { class: 'contact' },
  { class: 'stay', maxPrecisionSeconds: 86_400 },
  { class: 'travel', maxPrecisionSeconds: 86_400 },
  { class: 'screening' },
  { class: 'duty' },
  { class: 'transfer' },
  { class: 'residence' },
  { class: 'trip' },
  { class: 'manual' },
]

const TESTED: Text = {
  en: 'Ends with the period and a negative test taken on its last day or later.',
  zh: '期满并在最后一天或之后取得阴性检测结果后解除。',
}
const BY_ITSELF: Text = { en: 'Ends by itself.', zh: '期满自动解除。' }
const TWO_TESTS: Text = {
  en: 'Ends with two negative tests at least 24 hours apart, or with the period.',
  zh: '间隔至少24小时的两次阴性检测后解除，或期满解除。',
}

const WORDS: Readonly<Record<string, Words>> &
  Readonly<
    Record<
      `${'R1' | 'R2' | 'R3' | 'R4' | 'R5' | 'R6' | 'R7' | 'R8' | 'Y1' | 'Y2' | 'Y3' | 'Y4' | 'Y5' | 'Y6' | 'Y7' | 'Y8' | 'Y9'}`,
      Words
    >
  > = {
  R1: {
    text: {
      en: 'Confirmed or asymptomatic infection, not yet discharged.',
      zh: '确诊病例或无症状感染者，尚未解除。',
    },
    wayBack: { en: 'Ends with discharge.', zh: '出院后解除。' },
    source: "Guangxi 2021 no. 48, A2; Hubei 2022-10; Tai'an 2022-11, 1",
  },
  R2: {
    text: { en: 'Suspected case, not excluded.', zh: '疑似病例，尚未排除。' },
    wayBack: { en: 'Ends at once when the suspicion is excluded.', zh: '排除疑似后立即解除。' },
    source: 'Guangxi 2021 no. 48, A3 and 03.3',
  },
  R3: {
    text: { en: 'Positive test, not yet reviewed.', zh: '检测结果阳性，尚未复核。' },
    wayBack: { en: 'Ends when a review by nucleic acid test is negative.', zh: '核酸复核阴性后解除。' },
    source: 'List of nine red reasons, 7',
  },
  R4: {
    text: { en: 'Close contact of a case.', zh: '密切接触者。' },
    wayBack: TESTED,
    source: '8th edition 2021; 9th edition 2022-06-28; twenty measures 2022-11-11, 1',
  },
  R5: {
    text: { en: 'Contact of a close contact.', zh: '密接的密接。' },
    wayBack: TESTED,
    source: '8th edition 2021; 9th edition 2022-06-28',
  },
  R6: {
    text: { en: 'Arrival from abroad.', zh: '入境人员。' },
    wayBack: BY_ITSELF,
    source: "Guangxi 2021 no. 48, A5; Tai'an 2022-11, 6",
  },
  R7: {
    text: { en: 'Stay in a high-risk area.', zh: '有高风险区旅居史。' },
    wayBack: TESTED,
    source: 'Guangxi 2021 no. 48, A7; 9th edition 2022-06-28; twenty measures 2022-11-11, 3',
  },
  R8: {
    text: { en: 'A finding handed over by another region.', zh: '其他地区推送的管控信息。' },
    wayBack: { en: 'Ends when the region that raised it takes it back.', zh: '由推送地区撤销后解除。' },
    source: "Guangxi 2021 no. 48, A1 and 03.1; Tai'an 2022-11, 8",
  },
  Y1: {
    text: { en: 'Discharged, home monitoring.', zh: '出院后居家健康监测。' },
    wayBack: BY_ITSELF,
    source: "8th edition 2021; Tai'an 2022-11, 1",
  },
  Y2: {
    text: { en: 'Close contact after isolation, home monitoring.', zh: '密接解除隔离后的健康监测。' },
    wayBack: BY_ITSELF,
    source: '8th edition 2021; 9th edition 2022-06-28; twenty measures 2022-11-11, 1',
  },
  Y3: {
    text: { en: 'Arrival after isolation, home monitoring.', zh: '入境人员解除隔离后的健康监测。' },
    wayBack: BY_ITSELF,
    source: "8th edition 2021; Tai'an 2022-11, 6; Gansu 2022-03-07, 3",
  },
  Y4: {
    text: { en: 'Stay in a medium-risk area.', zh: '有中风险区旅居史。' },
    wayBack: TWO_TESTS,
    source: 'Hubei 2022-10; Gansu 2022-03-07, 1; Guangxi 2021 no. 48, B4',
  },
  Y5: {
    text: { en: 'Near a case for some time, by coarse location.', zh: '时空伴随人员。' },
    wayBack: TWO_TESTS,
    source: 'Chengdu rule (800 m × 800 m, 10 minutes, 14 days); Gansu 2022-03-07, 2',
  },
  Y6: {
    text: { en: 'Fever, dry cough or other symptoms declared.', zh: '申报有发热、干咳等症状。' },
    wayBack: {
      en: 'Ends when a fever clinic excludes infection, or with the period.',
      zh: '发热门诊排除后解除，或期满解除。',
    },
    source: 'Hubei 2022-10; list of eight yellow reasons, 7; Hangzhou declaration',
  },
  Y7: {
    text: { en: 'A test called for in your area has not been taken.', zh: '未参加所在区域的核酸筛查。' },
    wayBack: {
      en: 'Ends with any test after the call, or with the period.',
      zh: '筛查通知后完成一次检测即解除，或期满解除。',
    },
    source: 'Lanzhou 2021 no. 65, rule 4; Gansu 2022-03-07',
  },
  Y8: {
    text: { en: 'Same vehicle as a case, not a close contact.', zh: '与病例同乘交通工具，非密接。' },
    wayBack: TESTED,
    source: 'Guangxi second edition 2022-07-20, B5',
  },
  Y9: {
    text: { en: 'End of closed-loop work in a high-risk post.', zh: '高风险岗位闭环作业结束后的健康监测。' },
    wayBack: BY_ITSELF,
    source: "Tai'an 2022-11, 7; twenty measures 2022-11-11",
  },
}
