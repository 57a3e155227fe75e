// Lab 01: reverse hashed ID numbers by trying them all; then a label whose key no one holds.
import { fromUtf8, utf8 } from '#ctid/base'
import { lagrangeAtZero, type Scalar, type Share } from '#ctid/crypto'
import { canonicalIdentity, syntheticPeople } from '#ctid/identity'
import {
  deriveAnchors,
  generateSectorKeys,
  inputElement,
  localEvaluator,
  runCeremony,
  sectorPoint,
  sectorToken,
  spend,
} from '#ctid/token'
import { type Reversal, reverse, type Unknown } from './guess.ts'
import { type Figure, isNumber, type Lab, type LabContext } from './lab.ts'
import { type LabelDesign, type Loot, plainHashes } from './naive/plain-hash.ts'
import { seeded } from './seed.ts'

// Area codes in use or once in use, times birth dates of a century, times sequence numbers (GB 11643).
const AREAS = 6500
const WHOLE_SPACE = AREAS * 36_525 * 999
const ALLOWANCE = { burst: 100, perHour: 200 }

export const lab: Lab = {
  id: '01',
  name: 'hash-is-not-anonymity',
  title: { en: 'A hash is not anonymity', zh: '哈希不等于匿名' },
  question: {
    en: 'A service stores only hashes of ID numbers and calls them irreversible. Its database leaks. Who is in it?',
    zh: '某服务只存身份证号的哈希值，称其“不可逆”。数据库泄露了。里面都是谁？',
  },
  incident: {
    en: 'The published code of a real integrator computes its person key as an unsalted SM3 of the 18-digit number.',
    zh: '一家真实集成商公开的代码，用 18 位身份证号的无盐 SM3 作为人员主键。',
  },
  mechanism: {
    naive: [
      { en: 'ID number', zh: '身份证号' },
      { en: 'hash', zh: '哈希' },
      { en: 'database', zh: '数据库' },
    ],
    ours: [
      { en: 'ID number', zh: '身份证号' },
      { en: 'blinded', zh: '盲化' },
      { en: '2 of 3 evaluators', zh: '三方求值机构取二' },
      { en: 'token', zh: '标识' },
      { en: 'database', zh: '数据库' },
    ],
    attack: {
      en: 'whoever has the database tries every number and compares',
      zh: '拿到数据库的人逐个试遍所有号码并比对',
    },
  },
  run,
  lesson: {
    en: 'The secret was never in the hash but in the number, and numbers are few. A salt makes nobody search longer for one person; a pepper or one key falls with the machine that holds it. Our key exists only in parts: one part computes labels that match nothing.',
    zh: '秘密不在哈希里，而在号码里，而号码太少。盐不会让人为寻找某一个人多花时间；胡椒或单一密钥会随所在机器一同失守。我们的密钥只以份额存在：单独一份算出的标签与任何记录都对不上。',
  },
  limits: {
    en: 'Two evaluators together, or whoever steals two shares of one epoch, can do everything the naive thief did, only slower.',
    zh: '两家求值机构合谋，或有人偷到同一周期的两份密钥份额，就能做到朴素设计下窃贼能做的一切，只是慢一些。',
  },
  exercises: [
    {
      question: {
        en: 'You know the county and the birth date of a person. How many ID numbers are left to try?',
        zh: '已知某人的县区和出生日期，还剩多少个身份证号要试？',
      },
      hint: {
        en: 'Three digits of sequence; the check digit follows from the rest.',
        zh: '三位顺序码；校验位由其余各位决定。',
      },
      check: (answer) => isNumber(answer, 999) || isNumber(answer, 1000),
    },
    {
      question: {
        en: 'A salt stands beside each hash. By what factor does it lengthen the search for one given person?',
        zh: '每个哈希旁都存有盐。寻找指定的一个人，搜索时间变为原来的几倍？',
      },
      hint: { en: 'The thief has the salt too.', zh: '窃贼同样拿到了盐。' },
      check: (answer) => isNumber(answer, 1),
    },
  ],
  references: [
    'GB 11643-1999 (ID numbers); GB/T 32905-2016 (SM3)',
    'RFC 9497, Oblivious Pseudorandom Functions',
    'Article 29 Working Party, Opinion 05/2014 on Anonymisation Techniques',
  ],
}

async function run(context: LabContext) {
  const { seed, scale, log, signal } = context
  const victims = syntheticPeople({ seed: `lab01/${seed}`, count: 60 })
    .filter((record) => record.documentType === 'resident-id')
    .slice(0, scale === 'full' ? 10 : 3)
    .map((record) => utf8(record.documentNumber))
  const naive = plainHashes(seeded(`lab01/secrets/${seed}`))
  const ours = await thresholdLabel(context)

  // Step one: birth date and prefecture known, 100 counties × 999 numbers. A full run: every area code in use.
  const rates = new Map<LabelDesign, number>()
  const found = new Map<string, number>()
  const key = (design: LabelDesign, loot: Loot) => `${design.name.en}/${loot}`
  const spent = { naive: 0, ours: 0 }
  const attack = async (design: LabelDesign, loot: Loot, unknown: (id: string) => Unknown) => {
    let hits = 0
    for (const id of victims) {
      const stored = await design.store(id)
      const result: Reversal = await reverse(design, stored, { loot, unknown: unknown(fromUtf8(id)), signal })
      if (result.found === fromUtf8(id)) hits++
      if (result.tried > 0) rates.set(design, result.tried / Math.max(result.seconds, 1e-6))
      if (loot === 'database' || loot === 'one-share')
        spent[design === ours ? 'ours' : 'naive'] += result.seconds
    }
    found.set(key(design, loot), hits)
    log({
      en: `${design.name.en}, thief has ${LOOT[loot].en}: ${hits} of ${victims.length} people found`,
      zh: `${design.name.zh}，窃贼拥有${LOOT[loot].zh}：${victims.length} 人中找到 ${hits} 人`,
    })
  }
  for (const design of naive) {
    for (const loot of ['database', 'application'] as const) await attack(design, loot, prefecture)
  }
  // Against ours the thief is told more, for each guess costs him more: all but 200 sequence numbers.
  for (const loot of ['database', 'application', 'one-share', 'two-shares'] as const)
    await attack(ours, loot, nearly)

  const online = guessesInDay()
  const plainHash = naive[0] as LabelDesign
  const everything = [...naive, ours]
  const hits = (design: LabelDesign, loot: Loot) => found.get(key(design, loot)) ?? 0
  const figures: Figure[] = [
    {
      id: 'lab01-hours',
      type: 'bar',
      title: { en: 'Hours of one core to try all 2^38 numbers', zh: '单核试遍 2^38 个号码所需小时数' },
      xTitle: { en: 'how the label is made, and what was stolen', zh: '标签的算法与失窃之物' },
      yTitle: { en: 'hours', zh: '小时' },
      logScale: true,
      timed: true,
      x: [
        ...naive.map((design) => design.name),
        { en: 'ours, 2 shares stolen', zh: '本设计，失窃两份' },
        { en: 'ours, online', zh: '本设计，在线猜测' },
      ],
      series: [
        {
          name: { en: 'hours', zh: '小时' },
          values: [
            ...everything.map((design) => WHOLE_SPACE / (rates.get(design) ?? 1) / 3600),
            (WHOLE_SPACE * 24) / online,
          ],
        },
      ],
    },
    {
      id: 'lab01-found',
      type: 'heat',
      title: { en: 'People found', zh: '被找到的人数' },
      xTitle: { en: 'what the thief has', zh: '窃贼拥有' },
      yTitle: { en: 'design', zh: '设计' },
      x: Object.values(LOOT),
      series: everything.map((design) => ({
        name: design.name,
        values: (Object.keys(LOOT) as Loot[]).map((loot) => found.get(key(design, loot)) ?? null),
      })),
    },
    {
      id: 'lab01-known',
      type: 'line',
      title: {
        en: 'Seconds to find one person, by what is already known',
        zh: '按已知信息计，找到一个人所需秒数',
      },
      xTitle: { en: 'already known', zh: '已知' },
      yTitle: { en: 'seconds', zh: '秒' },
      logScale: true,
      timed: true,
      x: KNOWN.map(({ name }) => name),
      series: [
        { name: plainHash.name, values: KNOWN.map(({ left }) => left / (rates.get(plainHash) ?? 1)) },
        {
          name: { en: 'ours, online', zh: '本设计，在线' },
          values: KNOWN.map(({ left }) => (left * 86_400) / online),
        },
      ],
    },
  ]
  return {
    naive: {
      successes: hits(plainHash, 'database'),
      trials: victims.length,
      seconds: spent.naive,
      note: {
        en: 'SM3, database stolen, birth date and prefecture known',
        zh: 'SM3，数据库失窃，已知出生日期与地市',
      },
    },
    ours: {
      successes: hits(ours, 'database') + hits(ours, 'application') + hits(ours, 'one-share'),
      trials: 3 * victims.length,
      seconds: spent.ours,
      note: {
        en: 'database, registry keys and one share stolen, all but 200 numbers told',
        zh: '数据库、登记库密钥与一份份额失窃，且只剩 200 个号码未知',
      },
    },
    figures,
    stillWorks: [
      {
        en: `with two shares of one epoch the thief found ${hits(ours, 'two-shares')} of ${victims.length}`,
        zh: `拥有同一周期的两份份额时，窃贼找到 ${victims.length} 人中的 ${hits(ours, 'two-shares')} 人`,
      },
      {
        en: `a registrar that cheats may ask online: ${online} guesses a day, each counted; with county and birth date known that is ${((999 / online) * 24).toFixed(1)} hours`,
        zh: `作弊的登记窗口可在线猜测：每天 ${online} 次，次次计数；若已知县区与生日，需 ${((999 / online) * 24).toFixed(1)} 小时`,
      },
    ],
  }
}

const LOOT: Readonly<Record<Loot, Figure['title']>> = {
  database: { en: 'database', zh: '数据库' },
  application: { en: '+ application keys', zh: '+ 应用密钥' },
  'one-share': { en: '+ one share', zh: '+ 一份份额' },
  'two-shares': { en: '+ two shares', zh: '+ 两份份额' },
}

const KNOWN = [
  { name: { en: 'county, birth date', zh: '县区、生日' }, left: 999 },
  { name: { en: 'prefecture, birth date', zh: '地市、生日' }, left: 99_900 },
  { name: { en: 'birth date', zh: '生日' }, left: AREAS * 999 },
  { name: { en: 'birth year', zh: '出生年' }, left: AREAS * 999 * 365 },
  { name: { en: 'nothing', zh: '一无所知' }, left: WHOLE_SPACE },
]

const ORDERS = Array.from({ length: 999 }, (_, i) => i + 1)

function prefecture(id: string): Unknown {
  const areas = Array.from({ length: 100 }, (_, i) => id.slice(0, 4) + String(i).padStart(2, '0'))
  return { areas, birth: id.slice(6, 14), orders: ORDERS }
}

function nearly(id: string): Unknown {
  const order = Number(id.slice(14, 17))
  return {
    areas: [id.slice(0, 6)],
    birth: id.slice(6, 14),
    orders: ORDERS.filter((one) => Math.abs(one - order) <= 100),
  }
}

// Ours, in the same shape: the token of the registry, with all keys of the registry assumed stolen too.
async function thresholdLabel({ seed, group }: LabContext): Promise<LabelDesign> {
  const random = seeded(`lab01/ours/${seed}`)
  const { keySet, shares } = runCeremony({ threshold: 2, count: 3, group, random })
  const sector = generateSectorKeys(group, { version: 1, random })
  const evaluators = shares.map((share) => localEvaluator(share, { group, random }))
  const identityOf = (id: Uint8Array) =>
    canonicalIdentity({ documentType: 'resident-id', issuingState: 'CHN', documentNumber: fromUtf8(id) })
  const labelOf = (key: Scalar, id: Uint8Array) => {
    const anchor = group.multiply(key, inputElement(group, identityOf(id)))
    return sectorToken(sector.tokenKey, sectorPoint(group, sector.x, anchor), { keyVersion: 1 })
  }
  const weights = lagrangeAtZero(group, [1, 2])
  const part = (share: Share) => group.scalarMultiply(weights.get(share.id) as Scalar, share.secret)
  const [first, second] = shares as [Share, Share]
  const keys: Readonly<Record<Loot, Scalar>> = {
    // Without a share there is no better key than a guessed one.
    database: group.randomScalar(random),
    application: group.randomScalar(random),
    'one-share': part(first),
    'two-shares': group.scalarAdd(part(first), part(second)),
  }
  return {
    name: { en: 'ours (2 of 3)', zh: '本设计（三取二）' },
    store: async (id) => {
      const { anchors } = await deriveAnchors([identityOf(id)], { evaluators, keySet, group, random })
      const [anchor] = anchors
      if (!anchor) throw new Error('no anchor')
      return { label: sectorToken(sector.tokenKey, sectorPoint(group, sector.x, anchor), { keyVersion: 1 }) }
    },
    guesser: (_, loot) => (guess) => labelOf(keys[loot], guess),
  }
}

// What the evaluators' own budget lets one registrar ask in a day: asked as often as it answers.
function guessesInDay(): number {
  let bucket: Parameters<typeof spend>[0]
  let allowed = 0
  for (let now = 0; now < 86_400; ) {
    const spending = spend(bucket, 1, { allowance: ALLOWANCE, now })
    bucket = spending.bucket
    if (spending.allowed) allowed++
    else now += spending.retryAfterSeconds
  }
  return allowed
}
