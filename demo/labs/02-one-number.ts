// Lab 02: three departments lose their databases. Join them by number, by pseudonym, and by what else stands in the rows.
import { toHex } from '#ctid/base'
import type { Point } from '#ctid/crypto'
import { canonicalIdentity, syntheticPeople } from '#ctid/identity'
import {
  deriveAnchors,
  generateSectorKeys,
  localEvaluator,
  runCeremony,
  sectorPoint,
  sectorToken,
} from '#ctid/token'
import { breathe, type Figure, isNumber, isWord, type Lab, type LabContext, percent, timed } from './lab.ts'
import { filedUnderNumber } from './naive/one-number.ts'
import { below, pick, seeded } from './seed.ts'

/** A leaked row: the identifier it is filed under, and attributes in a fixed order. */
export type Row = { readonly id: string; readonly shown: readonly string[] }

export const lab: Lab = {
  id: '02',
  name: 'one-number',
  title: { en: 'One number for everything', zh: '一个号码走天下' },
  question: {
    en: 'A hospital, a bank and a railway lose their tables. How much of one life can be put together from them?',
    zh: '医院、银行、铁路的数据表泄露了。能从中拼出一个人多少生活？',
  },
  incident: {
    en: 'Governor Weld’s hospital record was found in 1997 by postcode, birth date and sex: no number was needed.',
    zh: '1997 年，州长韦尔德的住院记录被人凭邮编、出生日期和性别找到：根本不需要编号。',
  },
  mechanism: {
    naive: [
      { en: 'one national number', zh: '同一个号码' },
      { en: 'hospital, bank, railway', zh: '医院、银行、铁路' },
      { en: 'one table', zh: '一张总表' },
    ],
    ours: [
      { en: 'anchor', zh: '锚点' },
      { en: 'another key per sector', zh: '每部门一把密钥' },
      { en: 'unrelated pseudonyms', zh: '互不相干的假名' },
      { en: 'predicates instead of values', zh: '谓词代替原值' },
    ],
    attack: {
      en: 'join on the identifier; where that fails, on the attributes',
      zh: '按标识连接；不行就按属性连接',
    },
  },
  run,
  lesson: {
    en: 'A pseudonym per sector takes the handle away, and is not enough: birth date, sex and district together are nearly a name. What is not collected cannot be joined: "over 18, from this province" serves the purpose and leaves a crowd to stand in.',
    zh: '分部门的假名拿走了把手，但还不够：生日、性别、区县合在一起几乎就是姓名。没有收集的就无法连接：“已满 18 岁、本省”已够用，还留下一群人可以藏身。',
  },
  limits: {
    en: 'A shared telephone number, photograph or address joins again, whatever the pseudonym. Predicates shrink crowds too when there are many of them. The converter can join on purpose, in sight of the citizen.',
    zh: '共同的手机号、照片或住址会再次连接起来，与假名无关。谓词多了同样会缩小人群。转换方可以依规连接，但在居民看得见之处。',
  },
  exercises: [
    {
      question: {
        en: '36,525 birth dates, 2 sexes, 40 districts: how many combinations are there?',
        zh: '36,525 个生日、2 种性别、40 个区县：共有多少种组合？',
      },
      hint: {
        en: 'Multiply, and compare with the number of people in a city.',
        zh: '相乘，再与一座城市的人口比较。',
      },
      check: (answer) => isNumber(answer, 36_525 * 2 * 40),
    },
    {
      question: {
        en: 'Two tables have different pseudonyms but both hold the mobile number. Can they be joined: yes or no?',
        zh: '两张表的假名不同，但都有手机号。能连接吗：能还是不能？',
      },
      hint: { en: 'The mobile number is a number for everything too.', zh: '手机号也是“走天下”的号码。' },
      check: (answer) => isWord(answer, 'yes', '能', '可以'),
    },
  ],
  references: [
    'Sweeney, k-anonymity: a model for protecting privacy, 2002',
    'Camenisch, Lehmann: (Un)linkable Pseudonyms for Governmental Databases, CCS 2015',
  ],
}

const DEPARTMENTS: readonly Figure['title'][] = [
  { en: 'hospital', zh: '医院' },
  { en: 'bank', zh: '银行' },
  { en: 'railway', zh: '铁路' },
]
const PAIRS: readonly (readonly [number, number])[] = [
  [0, 1],
  [0, 2],
  [1, 2],
]
const ATTRIBUTES: readonly Figure['title'][] = [
  { en: 'none', zh: '无' },
  { en: '+ sex', zh: '+ 性别' },
  { en: '+ district', zh: '+ 区县' },
  { en: '+ birth year', zh: '+ 出生年' },
  { en: '+ birth date', zh: '+ 生日' },
  { en: '+ occupation', zh: '+ 职业' },
]

type Person = {
  readonly number: string
  readonly exact: readonly string[]
  readonly predicates: readonly string[]
}
type Design = 'number' | 'exact' | 'predicates'

async function run({ seed, scale, group, log, signal }: LabContext) {
  const count = scale === 'full' ? 3000 : 240
  const random = seeded(`lab02/${seed}`)
  const town = makeTown(count, seed, random)
  const present = DEPARTMENTS.map(() => town.map(() => below(10, random) < 7))

  // Ours: anchors by the evaluators, then another key for each department.
  const { keySet, shares } = runCeremony({ threshold: 2, count: 3, group, random })
  const evaluators = shares.map((share) => localEvaluator(share, { group, random }))
  const identities = town.map(({ number }) =>
    canonicalIdentity({ documentType: 'resident-id', issuingState: 'CHN', documentNumber: number }),
  )
  const anchors: Point[] = []
  for (let at = 0; at < identities.length; at += 256) {
    await breathe(signal)
    const batch = await deriveAnchors(identities.slice(at, at + 256), { evaluators, keySet, group, random })
    anchors.push(...batch.anchors)
  }
  const pseudonyms = DEPARTMENTS.map(() => {
    const { x, tokenKey } = generateSectorKeys(group, { version: 1, random })
    return anchors.map((anchor) =>
      toHex(sectorToken(tokenKey, sectorPoint(group, x, anchor), { keyVersion: 1 })),
    )
  })
  log({ en: `${count} people, three departments, pseudonyms made`, zh: `${count} 人，三个部门，假名已生成` })

  const rowOf = (design: Design, department: number, at: number): Row => {
    const person = town[at] as Person
    if (design === 'number') return filedUnderNumber(person)
    return { id: pseudonyms[department]?.[at] ?? '', shown: person[design] }
  }
  const table = (design: Design, department: number): Map<number, Row> =>
    new Map(town.flatMap((_, at) => (present[department]?.[at] ? [[at, rowOf(design, department, at)]] : [])))

  const joined = {} as Record<Design, { right: number; both: number; rates: number[]; seconds: number }>
  for (const design of ['number', 'exact', 'predicates'] as const) {
    await breathe(signal)
    const total = { right: 0, both: 0, rates: [] as number[], seconds: 0 }
    for (const [one, other] of PAIRS) {
      const [left, right] = [table(design, one), table(design, other)]
      const { value, seconds } = await timed(() => join(left, right))
      const both = [...left.keys()].filter((at) => right.has(at)).length
      total.right += value
      total.both += both
      total.rates.push(percent(value, both))
      total.seconds += seconds
    }
    joined[design] = total
    log({
      en: `${design}: ${total.right} of ${total.both} joined`,
      zh: `${DESIGN_WORDS[design].zh}：${total.both} 对中连接 ${total.right} 对`,
    })
  }

  const groups = ATTRIBUTES.map((_, used) => {
    const sizes = new Map<string, number>()
    for (const { exact } of town) {
      const key = exact.slice(0, used).join('|')
      sizes.set(key, (sizes.get(key) ?? 0) + 1)
    }
    const within = (limit: number) =>
      [...sizes.values()].filter((size) => size < limit).reduce((sum, size) => sum + size, 0)
    return { alone: percent(within(2), count), few: percent(within(5), count) }
  })
  const figures: Figure[] = [
    {
      id: 'lab02-joined',
      type: 'bar',
      title: { en: 'Rows of the same person joined', zh: '同一人的记录被连接的比例' },
      xTitle: { en: 'two departments', zh: '两个部门' },
      yTitle: { en: 'per cent', zh: '百分比' },
      x: PAIRS.map(([one, other]) => ({
        en: `${DEPARTMENTS[one]?.en} + ${DEPARTMENTS[other]?.en}`,
        zh: `${DEPARTMENTS[one]?.zh}+${DEPARTMENTS[other]?.zh}`,
      })),
      series: (['number', 'exact', 'predicates'] as const).map((design) => ({
        name: DESIGN_WORDS[design],
        values: joined[design].rates,
      })),
    },
    {
      id: 'lab02-crowd',
      type: 'line',
      title: { en: 'How soon one stands alone', zh: '多快就会形单影只' },
      xTitle: { en: 'exact attributes in the row', zh: '记录中的精确属性' },
      yTitle: { en: 'per cent of people', zh: '占人数百分比' },
      x: ATTRIBUTES,
      series: [
        { name: { en: 'unique', zh: '独一无二' }, values: groups.map(({ alone }) => alone) },
        {
          name: { en: 'in a group below five', zh: '所在群体不足五人' },
          values: groups.map(({ few }) => few),
        },
      ],
    },
  ]
  return {
    naive: {
      successes: joined.number.right,
      trials: joined.number.both,
      seconds: joined.number.seconds,
      note: { en: 'pairs of rows joined by the number', zh: '凭号码连接的记录对' },
    },
    ours: {
      successes: joined.predicates.right,
      trials: joined.predicates.both,
      seconds: joined.predicates.seconds,
      note: {
        en: 'pseudonym per sector, only age band and province shown',
        zh: '分部门假名，仅示年龄段与省份',
      },
    },
    figures,
    stillWorks: [
      {
        en: `pseudonyms beside exact birth date, sex, district and occupation: ${joined.exact.right} of ${joined.exact.both} joined`,
        zh: `假名旁仍写精确生日、性别、区县、职业：${joined.exact.both} 对中连接 ${joined.exact.right} 对`,
      },
    ],
  }
}

const DESIGN_WORDS: Readonly<Record<Design, Figure['title']>> = {
  number: { en: 'one number', zh: '同一号码' },
  exact: { en: 'pseudonyms + exact attributes', zh: '假名+精确属性' },
  predicates: { en: 'pseudonyms + predicates', zh: '假名+谓词' },
}

/** The attack: equal identifiers first; else attribute rows that are unique on both sides. Counts the right ones. */
function join(left: ReadonlyMap<number, Row>, right: ReadonlyMap<number, Row>): number {
  const byId = index(right, ({ id }) => id)
  const byShown = index(right, ({ shown }) => shown.join('|'))
  const crowd = index(left, ({ shown }) => shown.join('|'))
  let found = 0
  for (const [who, row] of left) {
    const key = row.shown.join('|')
    const named = byId.get(row.id)
    const matches = named ?? (crowd.get(key)?.length === 1 ? byShown.get(key) : undefined)
    if (matches?.length === 1 && matches[0] === who) found++
  }
  return found
}

function index(rows: ReadonlyMap<number, Row>, keyOf: (row: Row) => string): Map<string, number[]> {
  const found = new Map<string, number[]>()
  for (const [who, row] of rows) found.set(keyOf(row), [...(found.get(keyOf(row)) ?? []), who])
  return found
}

function makeTown(count: number, seed: string, random: (length: number) => Uint8Array): Person[] {
  const numbers = syntheticPeople({ seed: `lab02/${seed}`, count: Math.ceil(count * 1.4) })
    .filter((record) => record.documentType === 'resident-id')
    .slice(0, count)
  return numbers.map(({ documentNumber }) => {
    const birth = documentNumber.slice(6, 14)
    const sex = Number(documentNumber[16]) % 2 === 1 ? 'M' : 'F'
    const district = `d${below(40, random)}`
    const occupation = pick(['farm', 'shop', 'school', 'office', 'works', 'care', 'none', 'road'], random)
    return {
      number: documentNumber,
      exact: [sex, district, birth.slice(0, 4), birth, occupation],
      predicates: [Number(birth.slice(0, 4)) <= 2007 ? 'over 18' : 'under 18', 'this province'],
    }
  })
}
