// Lab 06: a certificate with a date that is none; an evaluator that then decides in the holder's favour, and ours.
import type { Json, JsonObject } from '#ctid/base'
import { evaluate } from '#ctid/health'
import { breathe, type Figure, isWord, type Lab, type LabContext, percent, timed } from './lab.ts'
import { looseRule } from './naive/loose-rules.ts'
import { below, pick, seeded } from './seed.ts'

export const lab: Lab = {
  id: '06',
  name: 'broken-date',
  title: { en: 'The broken date', zh: '坏日期' },
  question: {
    en: 'A rule says: minors pass, adults need a test. What does it say about somebody born on "1963-00"?',
    zh: '规则写道：未成年人放行，成年人须有检测。那么出生于“1963-00”的人呢？',
  },
  incident: {
    en: '36 genuine certificates of one country carry such birth dates; the reference engine let 18 of 96,768 production evaluations pass that should have been refused.',
    zh: '某国有 36 份真实证书带有此类出生日期；参考引擎在 96,768 次生产规则求值中放行了 18 次本应拒绝的。',
  },
  mechanism: {
    naive: [
      { en: 'date "1963-00"', zh: '日期“1963-00”' },
      { en: 'invalid date', zh: '无效日期' },
      { en: 'comparison: false', zh: '比较得假' },
      { en: '"not adult": pass', zh: '“非成年”：放行' },
    ],
    ours: [
      { en: 'date "1963-00"', zh: '日期“1963-00”' },
      { en: 'no such day', zh: '没有这一天' },
      { en: 'undetermined', zh: '无法判定' },
      { en: 'a person looks', zh: '人工处理' },
    ],
    attack: { en: 'adults without a test spoil their birth date', zh: '没有检测的成年人弄坏自己的出生日期' },
  },
  run,
  lesson: {
    en: 'An error is a third answer. Whoever folds it into true or false has decided, without knowing, for one side; and an attacker chooses the side by choosing how to write the rule’s exception. Undetermined is neither green nor red.',
    zh: '错误是第三种答案。把它并入“真”或“假”，就是不自觉地替某一方作了决定；攻击者只要看规则的例外怎么写，便能选择对自己有利的一方。“无法判定”既不是绿也不是红。',
  },
  limits: {
    en: 'Undetermined is safe, not kind: an honest person with a broken date is not let through automatically either, and needs a human and a correction. A wrong but valid date is believed by both.',
    zh: '“无法判定”是安全，不是体贴：日期损坏的诚实者也不会被自动放行，需要人工处理和更正。格式正确却是编造的日期，两者都会相信。',
  },
  exercises: [
    {
      question: {
        en: 'In JavaScript, what does `new Date("x") > new Date("2020-01-01")` give: true, false or an error?',
        zh: '在 JavaScript 中，`new Date("x") > new Date("2020-01-01")` 得到 true、false 还是报错？',
      },
      hint: {
        en: 'An invalid date becomes NaN, and NaN compares with nothing.',
        zh: '无效日期变成 NaN，而 NaN 与任何数比较都不成立。',
      },
      check: (answer) => isWord(answer, 'false', '假'),
    },
    {
      question: {
        en: 'And its opposite, `new Date("x") <= new Date("2020-01-01")`?',
        zh: '反过来，`new Date("x") <= new Date("2020-01-01")` 呢？',
      },
      hint: { en: 'Not the opposite.', zh: '并不是相反的结果。' },
      check: (answer) => isWord(answer, 'false', '假'),
    },
  ],
  references: [
    'CertLogic specification 1.3.3',
    'dgc-testdata (EU): vectors with dob 1963-00',
    'CWE-636, Not Failing Securely',
  ],
}

const NOW = '2026-11-24T10:00:00Z'
const is18 = (comparison: 'adult' | 'minor'): Json =>
  comparison === 'adult'
    ? { 'not-before': [{ plusTime: [NOW, 0, 'day'] }, { plusTime: [{ var: 'dob' }, 18, 'year'] }] }
    : { after: [{ plusTime: [{ var: 'dob' }, 18, 'year'] }, { plusTime: [NOW, 0, 'day'] }] }

/** The same sentence in two ways: which side an error favours depends on how it was written. */
const RULES: readonly { readonly name: Figure['title']; readonly rule: Json }[] = [
  {
    name: { en: 'if adult: test, else pass', zh: '若成年则须检测，否则放行' },
    rule: { if: [is18('adult'), { var: 'tested' }, true] },
  },
  {
    name: { en: 'if minor: pass, else test', zh: '若未成年则放行，否则须检测' },
    rule: { if: [is18('minor'), true, { var: 'tested' }] },
  },
]

const BREAKS: readonly { readonly name: Figure['title']; readonly spoil: (dob: string) => string }[] = [
  { name: { en: 'month 00', zh: '月份 00' }, spoil: (dob) => `${dob.slice(0, 4)}-00` },
  { name: { en: 'month 13', zh: '月份 13' }, spoil: (dob) => `${dob.slice(0, 4)}-13` },
  { name: { en: 'month 13, day 1', zh: '13 月 1 日' }, spoil: (dob) => `${dob.slice(0, 4)}-13-01` },
  { name: { en: 'day 32', zh: '32 日' }, spoil: (dob) => `${dob.slice(0, 8)}32` },
  { name: { en: 'all zeros', zh: '月日为零' }, spoil: (dob) => `${dob.slice(0, 4)}-00-00` },
  { name: { en: 'hour 25', zh: '25 时' }, spoil: (dob) => `${dob}T25:00:00Z` },
]

async function run({ seed, scale, log, signal }: LabContext) {
  const adults = scale === 'full' ? 2000 : 60
  const random = seeded(`lab06/${seed}`)
  const passedOf = { naive: [] as number[][], ours: [] as number[][] }
  const total = { naive: 0, ours: 0, undetermined: 0 }
  let seconds = { naive: 0, ours: 0 }
  const trials = adults * BREAKS.length
  for (const { name, rule } of RULES) {
    const rows = { naive: [] as number[], ours: [] as number[] }
    for (const { spoil } of BREAKS) {
      await breathe(signal)
      const data: JsonObject[] = Array.from({ length: adults }, () => {
        const dob = `${1930 + below(75, random)}-${two(1 + below(12, random))}-${two(1 + below(28, random))}`
        return { dob: spoil(dob), tested: false }
      })
      const naive = await timed(() => data.filter((one) => looseRule(rule, one)).length)
      const ours = await timed(() => {
        const outcomes = data.map((one) => evaluate(rule, one))
        total.undetermined += outcomes.filter((outcome) => outcome.kind === 'open').length
        return outcomes.filter((outcome) => outcome.kind === 'value' && outcome.value === true).length
      })
      rows.naive.push(naive.value)
      rows.ours.push(ours.value)
      total.naive += naive.value
      total.ours += ours.value
      seconds = { naive: seconds.naive + naive.seconds, ours: seconds.ours + ours.seconds }
    }
    passedOf.naive.push(rows.naive)
    passedOf.ours.push(rows.ours)
    log({
      en: `rule "${name.en}" tried with ${trials} spoiled certificates`,
      zh: `规则“${name.zh}”已用 ${trials} 份损坏的证书试过`,
    })
  }
  // The judges agree where dates are dates: otherwise the comparison above would say nothing.
  const honest = pick([1950, 1980, 2001], random)
  const sound = RULES.every(({ rule }) =>
    [`${honest}-05-05`, '2015-05-05'].every((dob) =>
      [true, false].every((tested) => {
        const outcome = evaluate(rule, { dob, tested })
        return outcome.kind === 'value' && (outcome.value === true) === looseRule(rule, { dob, tested })
      }),
    ),
  )
  if (!sound) throw new Error('the two evaluators must agree on sound dates')

  const shares = (counts: readonly number[]) => counts.map((count) => percent(count, adults))
  const figures: Figure[] = [
    {
      id: 'lab06-passed',
      type: 'bar',
      title: {
        en: 'Untested adults let through, by how the date was spoiled',
        zh: '未检测成年人被放行的比例，按日期损坏方式',
      },
      xTitle: { en: 'birth date', zh: '出生日期' },
      yTitle: { en: 'per cent', zh: '百分比' },
      x: BREAKS.map(({ name }) => name),
      series: [
        ...RULES.map(({ name }, at) => ({
          name: { en: `naive, ${name.en}`, zh: `朴素，${name.zh}` },
          values: shares(passedOf.naive[at] ?? []),
        })),
        {
          name: { en: 'ours, both rules', zh: '本设计，两条规则' },
          values: shares((passedOf.ours[0] ?? []).map((one, at) => one + (passedOf.ours[1]?.[at] ?? 0))),
        },
      ],
    },
  ]
  const worst = passedOf.naive.reduce((a, b) => (sum(b) > sum(a) ? b : a))
  return {
    naive: {
      successes: sum(worst),
      trials,
      seconds: seconds.naive,
      note: {
        en: 'spoiled dates let through, rule as its author happened to write it',
        zh: '按规则作者恰好的写法，坏日期被放行',
      },
    },
    ours: {
      successes: total.ours,
      trials: trials * RULES.length,
      seconds: seconds.ours,
      note: {
        en: `both ways of writing it; ${total.undetermined} answers were "undetermined"`,
        zh: `两种写法均试；其中 ${total.undetermined} 个答案为“无法判定”`,
      },
    },
    figures,
    stillWorks: [
      {
        en: 'a certificate that states a false but valid date is believed; that is the issuer’s signature to guard',
        zh: '日期虽假但格式有效的证书会被相信；那要靠签发机构的签名把关',
      },
    ],
  }
}

const two = (value: number): string => String(value).padStart(2, '0')
const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)
