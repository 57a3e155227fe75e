// Lab 04: two verifiers put their diaries together. What in a presentation is a serial number, and what is left with copies.
import { DAY, fromBase64url, fromUtf8, type JsonObject, parseJsonObject, utf8 } from '#ctid/base'
import {
  asProvenKey,
  CTID_FILE,
  ctidFileClaims,
  disclosablePaths,
  issueCredential,
  parseSdJwt,
  presentCredential,
} from '#ctid/credential'
import { hmacSha256, type Signer } from '#ctid/crypto'
import { type IssuedCopy, type IssuerDeps, issueCopies, memoryLedger } from '#ctid/issuer'
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
import { NOON } from './scene.ts'
import { below, seeded, seededSigner } from './seed.ts'

export const lab: Lab = {
  id: '04',
  name: 'verifier-diary',
  title: { en: 'The verifier diary', zh: '核验方的日记' },
  question: {
    en: 'A cinema and a clinic each see only "over 18". They compare their logs. Can they find out who visited both?',
    zh: '影院和诊所各自只看到“已满 18 岁”。他们比对日志，能否发现谁两处都去过？',
  },
  incident: {
    en: 'Every signed credential shown twice is the same bytes twice; EU wallet rules therefore demand batches of once-only copies.',
    zh: '同一凭证出示两次，就是同样的字节出现两次；欧盟钱包规则因此要求成批的一次性副本。',
  },
  mechanism: {
    naive: [
      { en: 'one credential', zh: '一份凭证' },
      { en: 'cinema', zh: '影院' },
      { en: 'clinic', zh: '诊所' },
    ],
    ours: [
      { en: 'batch of copies', zh: '一批副本' },
      { en: 'copy 1: cinema', zh: '副本一：影院' },
      { en: 'copy 2: clinic', zh: '副本二：诊所' },
    ],
    attack: {
      en: 'both keep everything they saw and look for equal values',
      zh: '双方保存所见的一切，寻找相同的值',
    },
  },
  run,
  lesson: {
    en: 'Hiding the name does not hide the person: a salt, a hash, a key, a list index, a signature are each as good as a number. Selective disclosure alone gives no unlinkability; it takes another copy for each showing, with nothing in common with the last.',
    zh: '藏起姓名并没有藏起人：盐、哈希、公钥、列表序号、签名，个个都等于一个编号。仅有选择性披露不等于不可关联；每次出示都要用另一份副本，与上一份毫无共同之处。',
  },
  limits: {
    en: 'Issuer and verifier together link every showing: the issuer made the copies. When the batch is used up and copies are shown again, linking returns. A document about to expire lends its date to the copy. What is disclosed on purpose links as ever.',
    zh: '签发机构与核验方合谋可以关联每一次出示：副本本就由其制作。一批用完后重复使用，关联又会出现。临近到期的证件会把自己的日期带进副本。主动披露的内容照样可以关联。',
  },
  exercises: [
    {
      question: {
        en: 'A batch has 10 copies, used in turn. You make 20 visits. With how many other visits can one visit be linked?',
        zh: '一批 10 份副本轮流使用，你出示了 20 次。其中一次能与另外几次相关联？',
      },
      hint: { en: 'Each copy is shown twice.', zh: '每份副本出示两次。' },
      check: (answer) => isNumber(answer, 1),
    },
    {
      question: {
        en: 'Cinema and clinic fail to link. Whom must they bring in to succeed?',
        zh: '影院与诊所关联不上。他们再拉上谁就能成功？',
      },
      hint: { en: 'Who made the copies?', zh: '副本是谁制作的？' },
      check: (answer) => isWord(answer, 'issuer', 'the issuer', '签发机构', '签发者', '发证机构'),
    },
  ],
  references: [
    'EUDI Architecture and Reference Framework, ISSU_35 to ISSU_57',
    'RFC 9901 section 10.1, unlinkability',
  ],
}

/** One line of a diary: what a verifier keeps of a showing, and (for judging only) who it was. */
type Entry = { readonly who: number; readonly seen: ReadonlyMap<string, string> }

async function run({ seed, scale, log, signal }: LabContext) {
  const people = scale === 'full' ? 100 : 12
  const random = seeded(`lab04/${seed}`)
  const issuer = seededSigner(`lab04/issuer/${seed}`)
  const subjects = Array.from({ length: people }, (_, i) => subjectOf(i, random))

  const diaries = { naive: [[], []] as Entry[][], ours: [[], []] as Entry[][] }
  const made = new Map<string, number>()
  for (const [who, subject] of subjects.entries()) {
    await breathe(signal)
    const holder = seededSigner(`lab04/${seed}/${who}`)
    const one = await issueStatic(subject, issuer, holder, who, random)
    const copies = await issueBatch(subject, { issuer, seed, who, count: 2, random })
    for (const copy of copies) made.set(copy.holderKey.x, who)
    for (const place of [0, 1]) {
      diaries.naive[place]?.push({ who, seen: await shown(one) })
      diaries.ours[place]?.push({ who, seen: await shown((copies[place] as IssuedCopy).credential) })
    }
  }
  const results = {
    naive: await timed(() => link(diaries.naive)),
    ours: await timed(() => link(diaries.ours)),
  }
  log({
    en: `${people} people at both places: ${results.naive.value.total} linked with one credential, ${results.ours.value.total} with copies`,
    zh: `${people} 人两处都去过：单一凭证关联出 ${results.naive.value.total} 人，副本关联出 ${results.ours.value.total} 人`,
  })

  const collusion = (diaries.ours[0] ?? []).filter(
    ({ who, seen }) => made.get(seen.get('holder key') ?? '') === who,
  ).length
  const reuse = await linkedByReuse({
    seed,
    issuer,
    random,
    visits: VISITS,
    batches: scale === 'full' ? [1, 10, 50] : [1, 5, 10],
  })
  const ending = await linkedByExpiry({ seed, issuer, random, people: Math.min(people, 12) })

  const fields = [...results.naive.value.byField.keys()]
  const figures: Figure[] = [
    {
      id: 'lab04-fields',
      type: 'bar',
      title: { en: 'People linked by one field alone', zh: '仅凭单个字段关联出的人' },
      xTitle: { en: 'field of the presentation', zh: '出示内容中的字段' },
      yTitle: { en: 'per cent', zh: '百分比' },
      x: fields.map((field) => FIELD_WORDS[field] ?? plain(field)),
      series: [
        {
          name: { en: 'one credential', zh: '单一凭证' },
          values: fields.map((field) => percent(results.naive.value.byField.get(field) ?? 0, people)),
        },
        {
          name: { en: 'one-time copies', zh: '一次性副本' },
          values: fields.map((field) => percent(results.ours.value.byField.get(field) ?? 0, people)),
        },
      ],
    },
    {
      id: 'lab04-reuse',
      type: 'line',
      title: {
        en: 'Pairs of visits that can be linked, by size of the batch',
        zh: '可被关联的出示对，按批量大小',
      },
      xTitle: { en: 'visits', zh: '出示次数' },
      yTitle: { en: 'per cent of pairs', zh: '占总对数百分比' },
      x: VISITS.map(plain),
      series: reuse.map(({ size, shares }) => ({
        name: { en: `batch of ${size}`, zh: `每批 ${size} 份` },
        values: shares,
      })),
    },
  ]
  return {
    naive: {
      successes: results.naive.value.total,
      trials: people,
      seconds: results.naive.seconds,
      note: {
        en: 'people linked across two verifiers, one credential',
        zh: '跨两家核验方被关联的人，单一凭证',
      },
    },
    ours: {
      successes: results.ours.value.total,
      trials: people,
      seconds: results.ours.seconds,
      note: { en: 'the same visits, a copy for each', zh: '同样的出示，每次一份副本' },
    },
    figures,
    stillWorks: [
      {
        en: `issuer and verifier together: ${collusion} of ${people} identified`,
        zh: `签发机构与核验方合谋：${people} 人中识别出 ${collusion} 人`,
      },
      {
        en: `document about to expire, its date in the copy: ${ending.linked} of ${ending.people} linked`,
        zh: `证件临近到期、日期带入副本：${ending.people} 人中关联出 ${ending.linked} 人`,
      },
    ],
  }
}

const VISITS = [2, 5, 10, 20, 40]
const FIELD_WORDS: Readonly<Record<string, Figure['title']>> = {
  signature: { en: 'signature', zh: '签名' },
  'holder key': { en: 'holder key', zh: '持有人公钥' },
  'status index': { en: 'status index', zh: '状态序号' },
  'hash 1': { en: 'hashes', zh: '哈希' },
  salt: { en: 'salt', zh: '盐' },
  times: { en: 'times', zh: '时间' },
}

function subjectOf(at: number, random: (length: number) => Uint8Array): JsonObject {
  const birthDate = `${1950 + below(50, random)}-0${1 + below(9, random)}-1${below(10, random)}`
  return ctidFileClaims(
    { documentType: 'resident-id', issuingState: 'CHN', name: `测${at}`, birthDate },
    { now: NOON },
  )
}

// The naive issuer: the same library and the same claims, but one credential for everything.
async function issueStatic(
  subject: JsonObject,
  issuer: Signer,
  holder: Signer,
  who: number,
  random: (length: number) => Uint8Array,
): Promise<string> {
  const claims = {
    vct: CTID_FILE.vct,
    iat: NOON,
    exp: NOON + 180 * DAY,
    status: { status_list: { idx: who, uri: 'https://issuer.example/status/1' } },
    ...subject,
  }
  return issueCredential(
    claims,
    { signer: issuer },
    { disclosable: disclosablePaths(subject), holderKey: holder.publicJwk, random },
  )
}

async function issueBatch(
  subject: JsonObject,
  options: {
    readonly issuer: Signer
    readonly seed: string
    readonly who: number
    readonly count: number
    readonly random: (length: number) => Uint8Array
    readonly documentExpiresAt?: number
  },
): Promise<readonly IssuedCopy[]> {
  const { issuer, seed, who, count, random, documentExpiresAt } = options
  // Enrolled at different hours of one day.
  const deps: IssuerDeps = {
    key: { signer: issuer },
    issuerId: 'https://issuer.example',
    statusListBase: 'https://issuer.example/status/',
    ledger: memoryLedger({ random, listSize: 1 << 20 }),
    linkKey: random(32),
    clock: () => NOON + (who % 500) * 97,
    random,
  }
  const keys = Array.from({ length: count }, (_, i) =>
    asProvenKey(seededSigner(`lab04/${seed}/${who}/${i}`).publicJwk),
  )
  return issueCopies(
    {
      subjectId: hmacSha256(utf8('lab04'), utf8(`${seed}/${who}`)),
      profile: CTID_FILE,
      subject,
      attestation: { kind: 'person', assurance: 'substantial' },
      ...(documentExpiresAt === undefined ? {} : { documentExpiresAt }),
    },
    keys,
    deps,
  )
}

/** What a verifier sees and may keep when only "over 18" is disclosed. */
async function shown(credential: string): Promise<Map<string, string>> {
  const text = await presentCredential(credential, { disclose: [['age_equal_or_over', '18']] })
  const { issuerJwt, disclosures } = parseSdJwt(text)
  const [, body = '', signature = ''] = issuerJwt.split('.')
  const payload = parseJsonObject(fromUtf8(fromBase64url(body)))
  const status = (payload['status'] as JsonObject)['status_list'] as JsonObject
  const seen = new Map<string, string>([
    ['signature', signature],
    ['holder key', String(((payload['cnf'] as JsonObject)['jwk'] as JsonObject)['x'])],
    ['status index', `${status['uri']}#${status['idx']}`],
    ['hash 1', JSON.stringify(payload['_sd'])],
    ['times', `${payload['iat']}-${payload['exp']}`],
  ])
  const [disclosure] = disclosures
  if (disclosure) seen.set('salt', disclosure.encoded)
  return seen
}

/** The attack: two entries are one person when some value stands once in each diary and is the same. */
function link([here = [], there = []]: readonly Entry[][]) {
  const byField = new Map<string, number>()
  const linked = new Set<number>()
  for (const field of here[0]?.seen.keys() ?? []) {
    const index = (entries: readonly Entry[]) => {
      const found = new Map<string, Entry[]>()
      for (const entry of entries) {
        const value = entry.seen.get(field) ?? ''
        found.set(value, [...(found.get(value) ?? []), entry])
      }
      return found
    }
    const theirs = index(there)
    let right = 0
    for (const [value, [mine, ...others]] of index(here)) {
      const [match, ...more] = theirs.get(value) ?? []
      if (mine && match && others.length === 0 && more.length === 0 && match.who === mine.who) {
        right++
        linked.add(mine.who)
      }
    }
    byField.set(field, right)
  }
  return { byField, total: linked.size }
}

// One person with a batch used in turn: which share of all pairs of visits show the same signature?
async function linkedByReuse(options: {
  readonly seed: string
  readonly issuer: Signer
  readonly random: (length: number) => Uint8Array
  readonly visits: readonly number[]
  readonly batches: readonly number[]
}) {
  const { seed, issuer, random, visits, batches } = options
  const subject = subjectOf(1, random)
  return Promise.all(
    batches.map(async (size) => {
      const copies = await issueBatch(subject, { issuer, seed, who: 10_000 + size, count: size, random })
      const signatures = await Promise.all(
        copies.map(async ({ credential }) => (await shown(credential)).get('signature')),
      )
      const shares = visits.map((count) => {
        const diary = Array.from({ length: count }, (_, visit) => signatures[visit % size])
        let pairs = 0
        for (const [i, one] of diary.entries())
          for (const other of diary.slice(i + 1)) if (one === other) pairs++
        return percent(pairs, (count * (count - 1)) / 2)
      })
      return { size, shares }
    }),
  )
}

// People whose document ends within six months, each on another day: the copy may not outlive it.
async function linkedByExpiry(options: {
  readonly seed: string
  readonly issuer: Signer
  readonly random: (length: number) => Uint8Array
  readonly people: number
}) {
  const { seed, issuer, random, people } = options
  const diaries: Entry[][] = [[], []]
  for (let who = 0; who < people; who++) {
    const documentExpiresAt = NOON + (10 + 7 * who) * DAY
    const copies = await issueBatch(subjectOf(who, random), {
      issuer,
      seed,
      who: 20_000 + who,
      count: 2,
      random,
      documentExpiresAt,
    })
    for (const place of [0, 1])
      diaries[place]?.push({ who, seen: await shown((copies[place] as IssuedCopy).credential) })
  }
  return { linked: link(diaries).total, people }
}
