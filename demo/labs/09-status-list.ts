// Lab 09: who learns what from asking whether a credential still stands: the issuer from the question, the verifier later.
import { DAY, fromBase64url, HOUR } from '#ctid/base'
import { importVerifyKey } from '#ctid/crypto'
import {
  createStatusChecker,
  createStatusList,
  decodeStatusList,
  encodeStatusList,
  getStatus,
  type IndexAllocator,
  memoryIndexAllocator,
  STATUS_INVALID,
  setStatus,
  signStatusToken,
} from '#ctid/status'
import { keyId, type TrustedSigner } from '#ctid/trust'
import { breathe, type Figure, isNumber, type Lab, type LabContext, percent, plain, timed } from './lab.ts'
import {
  colourList,
  type ListedColour,
  type LookUp,
  listedColour,
  placesInTurn,
  statusService,
} from './naive/status-by-url.ts'
import { NOON } from './scene.ts'
import { below, pick, seeded, seededSigner } from './seed.ts'

export const lab: Lab = {
  id: '09',
  name: 'status-list',
  title: { en: 'What the status list tells', zh: '状态列表泄露了什么' },
  question: {
    en: 'A gate must know whether a credential was revoked. Whom does it tell that you are standing there?',
    zh: '闸机要知道凭证是否已吊销。它为此告诉了谁“你正站在这里”？',
  },
  incident: {
    en: 'Online status checks gave certificate authorities a log of who read which site; browsers have given them up for lists.',
    zh: '在线状态查询让证书机构掌握谁在访问哪个网站；浏览器已弃用而改用列表。',
  },
  mechanism: {
    naive: [
      { en: 'gate asks: is number 17 valid?', zh: '闸机问：17 号有效吗？' },
      { en: 'issuer notes place and time', zh: '签发机构记下时间地点' },
    ],
    ours: [
      { en: 'gate fetches the whole list by the clock', zh: '闸机按时取回整份列表' },
      { en: 'looks in it alone', zh: '自行查看' },
      { en: 'no colour in it', zh: '其中没有颜色' },
    ],
    attack: {
      en: 'the issuer reads its log; a verifier reads along later',
      zh: '签发机构读日志；核验方事后跟读',
    },
  },
  run,
  lesson: {
    en: 'A question is information. Fetching a list of everybody, at times that have nothing to do with you, asks nothing. And what stands in a public list may be read by all who ever saw an index: so revocation may stand there, a colour may not. Indices drawn at random, with the free ones as decoys, keep even the number of copies.',
    zh: '提问本身就是信息。在与你无关的时刻取回所有人的列表，等于什么也没问。公开列表中的内容，凡见过序号的人都能一直读：所以可以放吊销，不可以放颜色。序号随机抽取、空位充作诱饵，连签发数量也读不出。',
  },
  limits: {
    en: 'Whoever saw a copy sees when that copy is revoked, until it expires. The size of the compressed list tells about how many are. An issuer with one customer has a list of one.',
    zh: '见过某副本的人能看到该副本何时被吊销，直到过期。压缩后的列表大小透露吊销的大致数量。只有一位客户的签发机构，列表里也只有一人。',
  },
  exercises: [
    {
      question: {
        en: 'A list has 2^17 entries of one bit. How many bytes is it before compression?',
        zh: '一份列表有 2^17 个 1 比特条目，压缩前多少字节？',
      },
      hint: { en: 'Eight entries a byte.', zh: '每字节八个条目。' },
      check: (answer) => isNumber(answer, 16_384),
    },
    {
      question: {
        en: 'A gate fetches the list every hour and sees 40 people in that hour. How many requests does the issuer see?',
        zh: '闸机每小时取一次列表，这一小时有 40 人通过。签发机构看到几次请求？',
      },
      hint: { en: 'The clock asks, not the people.', zh: '发问的是时钟，不是人。' },
      check: (answer) => isNumber(answer, 1),
    },
  ],
  references: [
    'draft-ietf-oauth-status-list, section 12 (privacy)',
    'EUDI ARF, VCR_15 to VCR_18',
    'Langley: Revocation checking and Chrome’s CRL, 2012',
  ],
}

const GATES = ['library', 'clinic', 'station', 'court']
const LIST = 1 << 17
const TTL = HOUR

async function run({ seed, scale, log, signal }: LabContext) {
  const people = scale === 'full' ? 400 : 40
  const days = 14
  const random = seeded(`lab09/${seed}`)
  const issuer = seededSigner(`lab09/issuer/${seed}`)
  const visits = Array.from({ length: people * 3 }, () => ({
    who: below(people, random),
    gate: pick(GATES, random),
    at: NOON + below(10 * HOUR, random),
  })).sort((a, b) => a.at - b.at)

  // The issuer's log, by both designs, for the same day.
  const service = statusService()
  const naive = await timed(() => {
    for (const { who, gate, at } of visits) service.ask(who, gate, at)
    return readLog(service.log, () => (path) => [Number(path.split('/').pop())])
  })
  const places = await memoryIndexAllocator({ listSize: LIST, random }).allocate(people)
  await breathe(signal)
  const ours = await listDay({ visits, issuer, places, signal })
  log({
    en: `${visits.length} showings in a day: ${naive.value} traced by address, ${ours.traced} by list (${ours.log.length} fetches)`,
    zh: `一天 ${visits.length} 次出示：按地址追踪到 ${naive.value} 次，按列表 ${ours.traced} 次（共取 ${ours.log.length} 次）`,
  })

  // A verifier that once saw everybody's index and reads along for two weeks.
  const history: ListedColour[][] = Array.from({ length: days }, () =>
    Array.from({ length: people }, () =>
      pick<ListedColour>(['green', 'green', 'green', 'yellow', 'red'], random),
    ),
  )
  const coloured = history.map((colours) => colourList(colours))
  const revoked = new Map<number, number>()
  for (let who = 0; who < people; who += 10) revoked.set(who, 1 + below(days - 1, random))
  const published = await Promise.all(
    Array.from({ length: days }, async (_, day) => {
      const list = createStatusList(LIST, 1)
      for (const [who, since] of revoked)
        if (day >= since) setStatus(list, places[who]?.index ?? 0, STATUS_INVALID)
      return decodeStatusList(await encodeStatusList(list))
    }),
  )
  const followed = { naive: [] as number[], ours: [] as number[], revocations: 0 }
  for (let day = 0; day < days; day++) {
    const right = Array.from({ length: people }, (_, who) => who).filter((who) => {
      const list = coloured[day]
      return list && listedColour(list, who) === history[day]?.[who]
    })
    followed.naive.push(percent(right.length, people))
    // Ours shows valid or not. A reader of colours can guess no better than "not revoked": what he reads changes with no colour.
    const bits = (at: number) =>
      Array.from({ length: people }, (_, who) => {
        const list = published[at]
        return list ? getStatus(list, places[who]?.index ?? 0) : 0
      })
    const now = bits(day)
    const before = bits(Math.max(0, day - 1))
    const told = now.filter((bit, who) => bit !== before[who] && !revoked.has(who)).length
    followed.ours.push(percent(told, people))
    followed.revocations += now.filter((bit, who) => bit !== before[who] && revoked.get(who) === day).length
  }

  const shares = [0, 0.001, 0.01, 0.05, 0.2, 0.5]
  const sizes: number[] = []
  for (const share of shares) {
    const list = createStatusList(LIST, 1)
    for (let i = 0; i < share * LIST; i++) setStatus(list, below(LIST, random), STATUS_INVALID)
    sizes.push(fromBase64url((await encodeStatusList(list)).lst as string).length)
  }
  // An onlooker fetches a copy of his own each day and takes the largest index he has had for the number issued so far.
  const perDay = people * 10
  const issued = Array.from({ length: days }, (_, day) => (day + 1) * perDay)
  const counted = async (allocator: IndexAllocator) => {
    const largest: number[] = []
    for (const _ of issued) {
      const own = (await allocator.allocate(perDay)).at(-1)?.index ?? 0
      largest.push(Math.max(own + 1, largest.at(-1) ?? 0))
    }
    return largest
  }
  const inTurn = await counted(placesInTurn())
  const drawn = await counted(memoryIndexAllocator({ listSize: LIST, random }))

  const alone = await listDay({
    visits: visits.slice(0, 20).map((visit) => ({ ...visit, who: 0 })),
    issuer,
    places: places.slice(0, 1),
    signal,
  })

  const figures: Figure[] = [
    {
      id: 'lab09-traced',
      type: 'bar',
      title: { en: 'What the issuer and a curious verifier learn', zh: '签发机构与好奇的核验方能得知多少' },
      xTitle: { en: 'attack', zh: '攻击' },
      yTitle: { en: 'per cent', zh: '百分比' },
      x: [
        { en: 'showings traced by the issuer', zh: '被签发机构追踪的出示' },
        { en: 'colours followed, last day', zh: '被跟读的颜色，最后一天' },
      ],
      series: [
        {
          name: { en: 'address for each, colour in the list', zh: '逐个地址、列表含颜色' },
          values: [percent(naive.value, visits.length), followed.naive.at(-1) ?? 0],
        },
        {
          name: { en: 'ours', zh: '本设计' },
          values: [percent(ours.traced, visits.length), followed.ours.at(-1) ?? 0],
        },
      ],
    },
    {
      id: 'lab09-size',
      type: 'line',
      title: { en: 'Size of the compressed list of 2^17', zh: '2^17 条目列表压缩后的大小' },
      xTitle: { en: 'revoked, per cent', zh: '吊销百分比' },
      yTitle: { en: 'bytes', zh: '字节' },
      x: shares.map((share) => plain(100 * share)),
      series: [{ name: { en: 'bytes', zh: '字节' }, values: sizes }],
    },
    {
      id: 'lab09-issued',
      type: 'line',
      title: {
        en: 'Copies issued so far, read from the index of one’s own copy',
        zh: '从自己副本的序号读出的累计签发数',
      },
      xTitle: { en: 'day', zh: '天' },
      yTitle: { en: 'copies', zh: '副本' },
      x: issued.map((_, day) => plain(day + 1)),
      series: [
        { name: { en: 'issued in truth', zh: '实际签发' }, values: issued },
        { name: { en: 'read, numbered in turn', zh: '读出：依次编号' }, values: inTurn },
        {
          name: { en: 'read, ours (drawn among decoys)', zh: '读出：本设计（混于诱饵）' },
          values: drawn,
        },
      ],
    },
  ]
  const sum = (list: readonly number[]) => list.reduce((total, one) => total + one, 0)
  const readAlong = (list: readonly number[]) => Math.round((sum(list) * people) / 100)
  return {
    naive: {
      successes: naive.value + readAlong(followed.naive),
      trials: visits.length + people * days,
      seconds: naive.seconds,
      note: { en: 'showings traced and colours followed', zh: '被追踪的出示与被跟读的颜色' },
    },
    ours: {
      successes: ours.traced + readAlong(followed.ours),
      trials: visits.length + people * days,
      seconds: ours.seconds,
      note: {
        en: `the same day and fortnight; ${ours.log.length} list fetches`,
        zh: `同一天与同两周；共取列表 ${ours.log.length} 次`,
      },
    },
    figures,
    stillWorks: [
      {
        en: `whoever saw a copy saw its revocation: ${followed.revocations} of ${revoked.size}`,
        zh: `见过副本的人看到其吊销：${revoked.size} 例中 ${followed.revocations} 例`,
      },
      {
        en: `a list with one person in it tells which gates are hers: ${alone.traced} of ${alone.log.length} fetches`,
        zh: `只有一人的列表暴露她到过的闸机：${alone.log.length} 次获取中 ${alone.traced} 次`,
      },
    ],
  }
}

/** The attack on a log: a line tells of a person when only one can be meant. Returns how many do. */
function readLog(log: readonly LookUp[], meantBy: () => (path: string) => readonly number[]): number {
  const meant = meantBy()
  return log.filter(({ path }) => meant(path).length === 1).length
}

// Our gates through the same day: each keeps a checked list until its time is over.
async function listDay(options: {
  readonly visits: readonly { readonly who: number; readonly gate: string; readonly at: number }[]
  readonly issuer: ReturnType<typeof seededSigner>
  readonly places: readonly { readonly list: number; readonly index: number }[]
  readonly signal: AbortSignal | undefined
}) {
  const { visits, issuer, places } = options
  const uri = 'https://issuer.example/status/0'
  const trusted: TrustedSigner = {
    id: 'https://issuer.example',
    kid: keyId(issuer.publicJwk),
    publicJwk: issuer.publicJwk,
    verifyKey: await importVerifyKey(issuer.publicJwk),
    speaksFor: () => true,
  }
  const list = createStatusList(LIST, 1)
  const log: LookUp[] = []
  let now = NOON
  const gates = new Map(
    GATES.map((gate) => [
      gate,
      createStatusChecker({
        clock: () => now,
        fetchToken: async (path) => {
          log.push({ at: now, gate, path })
          return signStatusToken(list, issuer, {
            uri,
            now,
            expiresInSeconds: DAY,
            ttlSeconds: TTL,
            kid: trusted.kid,
          })
        },
      }),
    ]),
  )
  const { seconds } = await timed(async () => {
    for (const { who, gate, at } of visits) {
      now = at
      await gates.get(gate)?.check({ uri, index: places[who]?.index ?? 0 }, trusted)
    }
  })
  await breathe(options.signal)
  // The issuer knows whose places are in the list that was fetched.
  const traced = readLog(log, () => () => places.map((_, who) => who))
  return { log, traced, seconds }
}
