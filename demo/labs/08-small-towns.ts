// Lab 08: two harmless tables, subtracted. What a minimum cell size stops, what noise stops, and why noise needs a budget.
import { isCtidError } from '#ctid/base'
import { memoryJournal, privacyBudget } from '#ctid/pseudonym'
import { aggregate, type JoinedRow, type Query } from '../../src/pseudonym/aggregate.ts'
import {
  breathe,
  type Figure,
  isNumber,
  isWord,
  type Lab,
  type LabContext,
  percent,
  plain,
  timed,
} from './lab.ts'
import { exactTables, type Publisher } from './naive/exact-tables.ts'
import { below, seeded } from './seed.ts'

export const lab: Lab = {
  id: '08',
  name: 'small-towns',
  title: { en: 'Small towns', zh: '小镇' },
  question: {
    en: 'Only counts are published, never a person. Your neighbour is the only one over ninety in town. Is she ill?',
    zh: '只公布人数，从不公布个人。邻居是镇上唯一年过九十的人。她病了吗？',
  },
  incident: {
    en: 'The US Census Bureau reconstructed 46 % of its own 2010 microdata exactly from the tables it had published.',
    zh: '美国人口普查局仅凭自己公布的统计表，就精确重建了 2010 年 46% 的个人微观数据。',
  },
  mechanism: {
    naive: [
      { en: 'ill in town: 31', zh: '全镇患病：31' },
      { en: 'ill below ninety: 30', zh: '九十岁以下患病：30' },
      { en: '31 − 30', zh: '31 − 30' },
    ],
    ours: [
      { en: 'small cells withheld', zh: '小格不公布' },
      { en: 'one exact table', zh: '精确表仅一份' },
      { en: 'else noise, on a budget', zh: '其余加噪声并计预算' },
    ],
    attack: { en: 'two overlapping tables are subtracted', zh: '把两份重叠的表相减' },
  },
  run,
  lesson: {
    en: 'Suppressing small cells protects small towns and nobody in large ones, for a difference of two large cells is small again. Noise protects all, because no answer then depends much on one person; and it is used up by asking, so that asking must cost.',
    zh: '隐去小格保护了小镇，却保护不了大镇里的任何人：两个大格之差又是小数。噪声保护所有人，因为没有哪个答案过分取决于某一个人；但多问会把它磨掉，所以提问必须有代价。',
  },
  limits: {
    en: 'With ε = 1 for one person, an answer may still move a guess from 1:1 to 2.7:1. Noise makes small numbers useless, which is the point and a price. A budget binds one purpose; two offices with a budget each give twice as much.',
    zh: '对一个人 ε = 1 时，答案仍可把猜测从 1:1 推到 2.7:1。噪声使小数字失去用处，这既是目的也是代价。预算只约束一个用途；两个部门各有一份，泄露就加倍。',
  },
  exercises: [
    {
      question: {
        en: 'Published: 812 inhabitants ill, 811 of them below ninety, one inhabitant above. How many ill above ninety?',
        zh: '公布：患病 812 人，其中九十岁以下 811 人；镇上九十岁以上 1 人。九十岁以上患病几人？',
      },
      hint: { en: 'Subtract.', zh: '相减。' },
      check: (answer) => isNumber(answer, 1),
    },
    {
      question: {
        en: 'Noise averages out over many answers. What stops the asker: cell size, budget or rounding?',
        zh: '多次提问可把噪声平均掉。什么能拦住提问者：最小格、预算还是取整？',
      },
      hint: { en: 'It is spent before an answer leaves.', zh: '答案离开之前就要花掉它。' },
      check: (answer) => isWord(answer, 'budget', 'the budget', '预算', '隐私预算'),
    },
  ],
  references: [
    'Dwork, McSherry, Nissim, Smith: Calibrating Noise to Sensitivity, 2006',
    'Canonne, Kamath, Steinke: The Discrete Gaussian for Differential Privacy, 2020',
    'Abowd et al.: The 2010 Census Confidentiality Protections Failed, 2023',
  ],
}

const MINIMUM = 5
const EPSILON = 1000
const LIMIT = 2000
/** Nineteen to one: what the attacker calls certain. */
const CERTAIN = Math.log(19)
const SIZES = [10, 40, 200, 1000]
const REPEATS = [1, 2, 4, 8, 16, 32, 64]

const cell = (ages: readonly string[]): readonly Query[] =>
  ages.map((age) => ({
    groupBy: [
      { sector: 'health', field: 'ill', values: ['yes'] },
      { sector: 'civil', field: age, values: ['yes'] },
    ],
    measure: { type: 'count' },
  }))
/** Everybody, and everybody below ninety. */
const QUERIES = cell(['resident', 'below90'])

type Town = { readonly rows: readonly JoinedRow[]; readonly ill: boolean }

async function run({ seed, scale, log, signal }: LabContext) {
  const perSize = scale === 'full' ? 60 : 10
  const random = seeded(`lab08/${seed}`)
  const towns = new Map(
    SIZES.map((size) => [
      size,
      Array.from({ length: perSize }, (_, i) => makeTown(size, i % 2 === 0, random)),
    ]),
  )

  const suppressed: Publisher = (rows, query) =>
    aggregate(rows, query, { minimumCell: MINIMUM, random })[0]?.count
  const noisy: Publisher = (rows, query) =>
    aggregate(rows, { ...query, epsilonMilli: EPSILON }, { minimumCell: MINIMUM, random })[0]?.count
  // As a fusion does it: noise for each table, spent from a budget before it leaves.
  const budgeted = (): Publisher => {
    const ledger = privacyBudget(memoryJournal(), { limitMilli: LIMIT })
    return (rows, query) => {
      try {
        ledger.spend('town', EPSILON)
      } catch (error) {
        if (isCtidError(error) && error.code === 'ERR_PSEUDONYM_BUDGET') return undefined
        throw error
      }
      return noisy(rows, query)
    }
  }

  const DESIGNS = [
    { name: { en: 'exact', zh: '精确' }, open: () => exactTables, epsilon: undefined },
    {
      name: { en: `cells of ${MINIMUM} and more`, zh: `仅公布不少于 ${MINIMUM} 的格` },
      open: () => suppressed,
      epsilon: undefined,
    },
    { name: { en: 'noise and budget', zh: '噪声加预算' }, open: budgeted, epsilon: EPSILON / 1000 },
  ] as const
  const known: number[][] = []
  const seconds: number[] = []
  for (const { name, open, epsilon } of DESIGNS) {
    await breathe(signal)
    const { value, seconds: spent } = await timed(() =>
      SIZES.map(
        (size) =>
          (towns.get(size) ?? []).filter((town) => attack(town, open(), { epsilon, repeats: 1 }) === 'right')
            .length,
      ),
    )
    known.push(value)
    seconds.push(spent)
    log({
      en: `${name.en}: ${sum(value)} of ${perSize * SIZES.length} people known`,
      zh: `${name.zh}：${perSize * SIZES.length} 人中得知 ${sum(value)} 人`,
    })
  }
  const patient = { free: [] as number[], bound: [] as number[], exact: [] as number[] }
  const middle = towns.get(40) ?? []
  for (const repeats of REPEATS) {
    await breathe(signal)
    const share = (open: () => Publisher, epsilon: number | undefined) =>
      percent(middle.filter((town) => attack(town, open(), { epsilon, repeats }) === 'right').length, perSize)
    patient.exact.push(share(() => exactTables, undefined))
    patient.free.push(share(() => noisy, EPSILON / 1000))
    patient.bound.push(share(budgeted, EPSILON / 1000))
  }
  const bound = sum(patient.bound.map((share) => Math.round((share * perSize) / 100)))
  const figures: Figure[] = [
    {
      id: 'lab08-known',
      type: 'bar',
      title: { en: 'Illness of one person known for certain', zh: '确知某一人是否患病的比例' },
      xTitle: { en: 'inhabitants', zh: '居民数' },
      yTitle: { en: 'per cent', zh: '百分比' },
      x: SIZES.map(plain),
      series: DESIGNS.map(({ name }, at) => ({
        name,
        values: (known[at] ?? []).map((count) => percent(count, perSize)),
      })),
    },
    {
      id: 'lab08-patience',
      type: 'line',
      title: { en: 'Asking again and again, town of 40', zh: '反复提问，40 人小镇' },
      xTitle: { en: 'times each table is asked for', zh: '每份表被索取的次数' },
      yTitle: { en: 'per cent known for certain', zh: '确知的百分比' },
      x: REPEATS.map(plain),
      series: [
        { name: { en: 'exact', zh: '精确' }, values: patient.exact },
        { name: { en: 'noise without budget', zh: '噪声无预算' }, values: patient.free },
        { name: { en: 'noise and budget', zh: '噪声加预算' }, values: patient.bound },
      ],
    },
  ]
  return {
    naive: {
      successes: sum(known[0] ?? []),
      trials: perSize * SIZES.length,
      seconds: seconds[0] ?? 0,
      note: { en: 'people whose illness two tables tell', zh: '两份表泄露其病情的人' },
    },
    ours: {
      successes: sum(known[2] ?? []) + bound,
      trials: perSize * (SIZES.length + REPEATS.length),
      seconds: seconds[2] ?? 0,
      note: {
        en: 'the same tables with noise, also asked for 64 times',
        zh: '同样的表加噪声，反复索取至 64 次',
      },
    },
    figures,
    stillWorks: [
      {
        en: `a minimum cell size alone: ${known[1]?.at(-1)} of ${perSize} known in towns of 1,000`,
        zh: `仅有最小格：千人镇中 ${perSize} 人得知 ${known[1]?.at(-1)} 人`,
      },
      {
        en: `noise without a budget, asked 64 times: ${patient.free.at(-1)} % known`,
        zh: `无预算的噪声，问 64 次：${patient.free.at(-1)}% 得知`,
      },
    ],
  }
}

/** The attack, the same for all: ask for both tables, subtract, and say what follows with odds of nineteen to one. */
function attack(
  town: Town,
  publish: Publisher,
  options: { readonly epsilon: number | undefined; readonly repeats: number },
): 'right' | 'wrong' | 'unsure' {
  let odds = 0
  for (let turn = 0; turn < options.repeats; turn++) {
    const [all, others] = QUERIES.map((query) => publish(town.rows, query))
    if (typeof all !== 'number' || typeof others !== 'number') continue
    odds += logOdds(all - others, options.epsilon)
  }
  if (Math.abs(odds) < CERTAIN) return 'unsure'
  return odds > 0 === town.ill ? 'right' : 'wrong'
}

// How much likelier the difference is if she is ill: certain without noise, else by the noise's own distribution.
function logOdds(difference: number, epsilon: number | undefined): number {
  if (epsilon === undefined) return difference >= 1 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
  return Math.log(noisePair(difference - 1, epsilon) / noisePair(difference, epsilon))
}

// Probability, up to a factor, that the difference of two discrete Laplace variables is d.
function noisePair(d: number, epsilon: number): number {
  const size = Math.abs(d)
  const q = Math.exp(-epsilon)
  return q ** size * (size + (1 + q * q) / (1 - q * q))
}

function makeTown(size: number, ill: boolean, random: (length: number) => Uint8Array): Town {
  const rows = Array.from({ length: size }, (_, at): JoinedRow => {
    const isTarget = at === 0
    const isIll = isTarget ? ill : below(3, random) === 0
    return new Map([
      ['health', { ill: isIll ? 'yes' : 'no' }],
      ['civil', { resident: 'yes', below90: isTarget ? 'no' : 'yes' }],
    ])
  })
  return { rows, ill }
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)
