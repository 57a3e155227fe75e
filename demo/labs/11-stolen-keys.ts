// Lab 11: each key is stolen in turn. What does it open, alone and with the database; and what is it worth after rotation?
import { equalBytes, framed, toHex } from '#ctid/base'
import { lagrangeAtZero, type Scalar, type Share } from '#ctid/crypto'
import { canonicalIdentity, type LegalRecord, syntheticPeople } from '#ctid/identity'
import { makeCode } from '#ctid/qr'
import { createVaultKey, localVault } from '#ctid/registry'
import {
  deriveAnchors,
  generateSectorKeys,
  inputElement,
  localEvaluator,
  runCeremony,
  runRefresh,
  sectorPoint,
  sectorToken,
} from '#ctid/token'
import { trustListLookup, type VerifyContext, verifyCode } from '#ctid/verifier'
import { rewrap, sealRecord, unsealRecord } from '../../src/registry/vault.ts'
import { breathe, type Figure, isNumber, isWord, type Lab, type LabContext, percent, timed } from './lab.ts'
import { acceptsCode, labelOf, makeCodeOf, openName, sealName } from './naive/one-key-file.ts'
import { attest, NOON, openGate, trustIn } from './scene.ts'
import { below, seeded, seededSigner } from './seed.ts'

export const lab: Lab = {
  id: '11',
  name: 'stolen-keys',
  title: { en: 'Stolen keys', zh: '失窃的钥匙' },
  question: {
    en: 'A key is gone, and a copy of the database with it. How bad is it, and for how long?',
    zh: '一把密钥丢了，数据库副本也一起没了。有多糟？会糟多久？',
  },
  incident: {
    en: 'In October 2021 valid EU certificates for invented people appeared; gates accepted them for days, for nobody could withdraw one key’s work without everybody’s.',
    zh: '2021 年 10 月出现了虚构人物的有效欧盟证书；闸机连续数日照收，因为要撤掉一把密钥的签发，就得撤掉所有人的。',
  },
  mechanism: {
    naive: [
      { en: 'one key file', zh: '一个密钥文件' },
      { en: 'labels, names, codes', zh: '标签、姓名、码' },
    ],
    ours: [
      { en: 'shares / vault / issuer / device', zh: '份额／保险库／签发／设备' },
      { en: 'each opens one thing', zh: '各开一处' },
      { en: 'each can be replaced', zh: '各可更换' },
    ],
    attack: {
      en: 'steal one key and the database, do all the harm it allows',
      zh: '偷一把密钥和数据库，做尽它所能之恶',
    },
  },
  run,
  lesson: {
    en: 'Keys will be stolen; a design decides what one theft is worth. Keys that do one thing bound the harm, shares make a single theft worth nothing, and rotation without plaintext ends what remains. Practise it before you need it.',
    zh: '密钥总会失窃；设计决定一次失窃值多少。各司其职的密钥限定了损害，份额使单次失窃一文不值，无需明文的轮换终结余下的影响。要在用到之前先演练。',
  },
  limits: {
    en: 'The vault key with a copy of the database made before the rotation opens those records for ever: keep the key in a hardware module. An issuer key forges until verifiers have the new trust list. Two shares of one epoch are the whole key.',
    zh: '保险库密钥加上轮换之前的数据库副本，可永久打开那些记录：应把密钥放进硬件模块。签发密钥在核验方拿到新信任列表之前一直能伪造。同一周期的两份份额就是整把密钥。',
  },
  exercises: [
    {
      question: {
        en: 'Shares are 2 of 3 and refreshed each week. A thief takes share 1 this week, share 2 next week. How many people can he name?',
        zh: '份额三取二，每周刷新。窃贼本周偷到 1 号，下周偷到 2 号。他能认出几个人？',
      },
      hint: { en: 'They lie on different polynomials.', zh: '它们不在同一条多项式上。' },
      check: (answer) => isNumber(answer, 0) || isWord(answer, 'none', 'nobody', '零', '没有'),
    },
    {
      question: {
        en: 'Which stolen key still hurts after rotation, if the thief also kept an old copy of the database: share, vault, issuer or device?',
        zh: '如果窃贼还留着旧数据库副本，哪把失窃密钥在轮换后仍有害：份额、保险库、签发还是设备？',
      },
      hint: {
        en: 'Which key opens something that he already has?',
        zh: '哪把钥匙打开的是他已经拿到手的东西？',
      },
      check: (answer) => isWord(answer, 'vault', 'the vault', 'vault key', '保险库', '保险库密钥'),
    },
  ],
  references: [
    'Herzberg et al.: Proactive Secret Sharing, CRYPTO 1995',
    'NIST SP 800-57 part 1, key compromise',
  ],
}

type Harm = 'read' | 'named' | 'pretended'
const HARMS: Readonly<Record<Harm, Figure['title']>> = {
  read: { en: 'records read', zh: '记录被读' },
  named: { en: 'tokens named', zh: '标识被认出' },
  pretended: { en: 'codes forged', zh: '码被伪造' },
}
/** A theft: for each person, which harms succeed. */
type Theft = {
  readonly name: Figure['title']
  harm(person: number): Promise<Readonly<Record<Harm, boolean>>>
}

async function run(context: LabContext) {
  const { seed, scale, log, signal } = context
  const people = syntheticPeople({ seed: `lab11/${seed}`, count: scale === 'full' ? 120 : 16 })
    .filter((record) => record.documentType === 'resident-id')
    .slice(0, scale === 'full' ? 80 : 10)
  const naive = await oneKeyFile(people, seed)
  const { before, after } = await separateKeys(people, context)

  const measure = async (theft: Theft) => {
    const count = { read: 0, named: 0, pretended: 0, all: 0 }
    const { seconds } = await timed(async () => {
      for (const at of people.keys()) {
        await breathe(signal)
        const harms = await theft.harm(at)
        for (const harm of Object.keys(HARMS) as Harm[]) if (harms[harm]) count[harm]++
        if (harms.read && harms.named && harms.pretended) count.all++
      }
    })
    log({
      en: `${theft.name.en}: ${count.read} read, ${count.named} named, ${count.pretended} forged, of ${people.length}`,
      zh: `${theft.name.zh}：${people.length} 人中，被读 ${count.read}、被认出 ${count.named}、被伪造 ${count.pretended}`,
    })
    return { name: theft.name, count, seconds }
  }
  const stolenFile = await measure(naive)
  const stolen: Awaited<ReturnType<typeof measure>>[] = []
  for (const theft of before) stolen.push(await measure(theft))
  const later: typeof stolen = []
  for (const theft of after) later.push(await measure(theft))
  const worst = (count: Record<Harm, number>) =>
    percent(Math.max(count.read, count.named, count.pretended), people.length)
  const single = stolen.slice(0, -1)
  const figures: Figure[] = [
    {
      id: 'lab11-opens',
      type: 'heat',
      title: { en: 'Per cent of people harmed, database stolen too', zh: '受害人百分比（数据库同时失窃）' },
      xTitle: { en: 'harm', zh: '损害' },
      yTitle: { en: 'stolen', zh: '失窃' },
      x: Object.values(HARMS),
      series: [stolenFile, ...stolen].map(({ name, count }) => ({
        name,
        values: (Object.keys(HARMS) as Harm[]).map((harm) => percent(count[harm], people.length)),
      })),
    },
    {
      id: 'lab11-rotation',
      type: 'bar',
      title: { en: 'Worst harm before and after rotation', zh: '轮换前后的最大损害' },
      xTitle: { en: 'stolen', zh: '失窃' },
      yTitle: { en: 'per cent of people', zh: '占人数百分比' },
      x: later.map(({ name }) => name),
      series: [
        {
          name: { en: 'before', zh: '轮换前' },
          values: later.map((_, at) => worst((stolen[at + 1] ?? stolenFile).count)),
        },
        { name: { en: 'after', zh: '轮换后' }, values: later.map(({ count }) => worst(count)) },
      ],
    },
  ]
  const [, share, vault, issuer, device, shares] = stolen
  return {
    naive: {
      successes: stolenFile.count.all,
      trials: people.length,
      seconds: stolenFile.seconds,
      note: { en: 'read, named and impersonated by one theft', zh: '一次失窃即被读取、认出并冒充' },
    },
    ours: {
      successes: single.reduce((sum, { count }) => sum + count.all, 0),
      trials: people.length * single.length,
      seconds: single.reduce((sum, { seconds }) => sum + seconds, 0),
      note: {
        en: `the same by any of ${single.length} single thefts`,
        zh: `${single.length} 种单次失窃中任一种达到同样后果`,
      },
    },
    figures,
    stillWorks: [
      {
        en: `one share names ${share?.count.named}; two of one epoch name ${shares?.count.named} of ${people.length}`,
        zh: `一份份额认出 ${share?.count.named} 人；同一周期两份认出 ${people.length} 人中的 ${shares?.count.named} 人`,
      },
      {
        en: `until rotation: vault key reads ${vault?.count.read}, issuer key forges ${issuer?.count.pretended}, a device pretends to be ${device?.count.pretended}`,
        zh: `轮换之前：保险库密钥读出 ${vault?.count.read} 份记录，签发密钥伪造 ${issuer?.count.pretended} 人，一台设备冒充 ${device?.count.pretended} 人`,
      },
    ],
  }
}

/** Guesses about one person: the true number among others of the same day and county. */
function guesses(record: LegalRecord, random: (length: number) => Uint8Array): LegalRecord[] {
  const others = syntheticPeople({ seed: toHex(random(8)), count: 10 }).filter(
    (one) => one.documentType === 'resident-id',
  )
  return [...others, record]
}

async function oneKeyFile(people: readonly LegalRecord[], seed: string): Promise<Theft> {
  const random = seeded(`lab11/naive/${seed}`)
  const file = { secret: random(32) }
  const database = await Promise.all(
    people.map(async ({ documentNumber, name }) => ({
      label: labelOf(file, documentNumber),
      name: await sealName(file, name, random),
    })),
  )
  return {
    name: { en: 'naive: the key file', zh: '朴素：密钥文件' },
    harm: async (at) => {
      const [record, row] = [people[at], database[at]]
      if (!record || !row) throw new Error('no such person')
      const named = guesses(record, random).find((guess) =>
        equalBytes(labelOf(file, guess.documentNumber), row.label),
      )
      return {
        read: (await openName(file, row.name)) === record.name,
        named: named?.documentNumber === record.documentNumber,
        pretended: acceptsCode(file, makeCodeOf(file, row.label, 7), 7),
      }
    },
  }
}

async function separateKeys(people: readonly LegalRecord[], { seed, group }: LabContext) {
  const random = seeded(`lab11/ours/${seed}`)
  const { keySet, shares } = runCeremony({ threshold: 2, count: 3, group, random })
  const sector = generateSectorKeys(group, { version: 1, random })
  const evaluators = shares.map((share) => localEvaluator(share, { group, random }))
  const { anchors } = await deriveAnchors(people.map(canonicalIdentity), {
    evaluators,
    keySet,
    group,
    random,
  })
  const tokens = anchors.map((anchor) =>
    sectorToken(sector.tokenKey, sectorPoint(group, sector.x, anchor), { keyVersion: 1 }),
  )
  const refreshed = runRefresh(keySet, shares, { group, random })
  const vaultKeys = [createVaultKey(random), createVaultKey(random)] as const
  const [oldVault, newVault] = [localVault([vaultKeys[0]], { random }), localVault(vaultKeys, { random })]
  const entries = people.map((_, at) => framed('entry', String(at)))
  const rows = await Promise.all(
    people.map((record, at) =>
      sealRecord({ ...record }, oldVault, { entry: entries[at] as Uint8Array, version: 1, random }),
    ),
  )
  const rewrapped = await Promise.all(
    rows.map(async (row, at) => ({ ...row, ...(await rewrap(row, newVault, entries[at] as Uint8Array)) })),
  )
  const issuer = seededSigner(`lab11/issuer/${seed}`)
  const thief = seededSigner(`lab11/thief/${seed}`)
  const victim = seededSigner(`lab11/device/${seed}`)
  const clock = () => NOON
  const answer = { issuedAt: NOON - 60, expiresAt: NOON + 3600 }

  // A thief's best with what he has. The sector keys of the registry are always his: they lie beside the database.
  const names = (key: Scalar) => (at: number) => {
    const found = guesses(people[at] as LegalRecord, random).find((guess) => {
      const anchor = group.multiply(key, inputElement(group, canonicalIdentity(guess)))
      const token = sectorToken(sector.tokenKey, sectorPoint(group, sector.x, anchor), { keyVersion: 1 })
      return equalBytes(token, tokens[at] ?? new Uint8Array(32))
    })
    return found?.documentNumber === people[at]?.documentNumber
  }
  const reads = (vaultKey: (typeof vaultKeys)[number], table: typeof rows) => async (at: number) => {
    const stolenVault = localVault([vaultKey], { random })
    return unsealRecord(table[at] as (typeof rows)[number], stolenVault, entries[at] as Uint8Array).then(
      (record) => record['name'] === people[at]?.name,
      () => false,
    )
  }
  const forges = (by: typeof issuer, gate: () => VerifyContext) => async () => {
    const code = await makeCode(await attest(by, thief, { handle: random(16) }), thief, { now: NOON })
    return (await verifyCode(code, gate())).ok
  }
  const gate = () => openGate(issuer, clock)
  const ofDevice = await attest(issuer, victim, {
    handle: random(16),
    status: { list: 1, index: below(1000, random) },
  })
  const shows = (state: 'valid' | 'suspended') => async (at: number) => {
    if (at !== 0) return false // one device is one person
    const code = await makeCode(ofDevice, victim, { now: NOON })
    return (
      await verifyCode(code, openGate(issuer, clock, { status: { status: () => ({ state, ...answer }) } }))
    ).ok
  }
  const randomKey = group.randomScalar(random)
  const theft = (
    name: Figure['title'],
    can: {
      reads?: (at: number) => Promise<boolean>
      names?: (at: number) => boolean
      pretends?: (at: number) => Promise<boolean>
    },
  ): Theft => ({
    name,
    // What a thief has no key for he tries all the same, with keys of his own.
    harm: async (at) => ({
      read: await (can.reads ?? reads(createVaultKey(random), rows))(at),
      named: (can.names ?? names(randomKey))(at),
      pretended: await (can.pretends ?? forges(thief, gate))(at),
    }),
  })
  const combine = (parts: readonly Share[]) => {
    const weights = lagrangeAtZero(
      group,
      parts.map(({ id }) => id),
    )
    return parts
      .map(({ id, secret }) => group.scalarMultiply(weights.get(id) as Scalar, secret))
      .reduce((sum, part) => group.scalarAdd(sum, part))
  }
  const [first, second] = shares as [Share, Share]
  const mixed = [first, refreshed.shares[1] as Share]
  const withdrawn = () => ({ ...gate(), trust: trustListLookup(trustIn(issuer, { withdrawn: true })) })

  const before = [
    theft({ en: 'database and registry keys', zh: '数据库与登记库密钥' }, {}),
    theft({ en: 'one evaluator share', zh: '一份求值份额' }, { names: names(first.secret) }),
    theft({ en: 'vault key', zh: '保险库密钥' }, { reads: reads(vaultKeys[0], rows) }),
    theft({ en: 'issuer key', zh: '签发密钥' }, { pretends: forges(issuer, gate) }),
    theft({ en: 'one device', zh: '一台设备' }, { pretends: shows('valid') }),
    theft(
      { en: 'two shares of one epoch', zh: '同周期两份份额' },
      { names: names(combine([first, second])) },
    ),
  ]
  const after = [
    theft({ en: 'one evaluator share', zh: '一份求值份额' }, { names: names(combine(mixed)) }),
    theft({ en: 'vault key', zh: '保险库密钥' }, { reads: reads(vaultKeys[0], rewrapped) }),
    theft({ en: 'issuer key', zh: '签发密钥' }, { pretends: forges(issuer, withdrawn) }),
    theft({ en: 'one device', zh: '一台设备' }, { pretends: shows('suspended') }),
  ]
  return { before, after }
}
