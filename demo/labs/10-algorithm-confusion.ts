// Lab 10: forgeries against a checker that lets the token say how to check it, and the same forgeries against ours.
import { p256 } from '@noble/curves/nist.js'
import { fromBase64url, type JsonObject, toBase64url, utf8 } from '#ctid/base'
import { issueCredential, verifyCredential } from '#ctid/credential'
import { hmacSha256, importVerifyKey } from '#ctid/crypto'
import { decodeBase45, encodeBase45, makeCode, PREFIX } from '#ctid/qr'
import { encodeHeader, keyId, signEncoded, type TrustedSigner } from '#ctid/trust'
import { verifyCode } from '#ctid/verifier'
import { breathe, type Figure, isWord, type Lab, type LabContext, timed } from './lab.ts'
import { type Checker, lenientChecker, onceByText } from './naive/lenient-jwt.ts'
import { makeStaticCode, verifyStaticCode } from './naive/static-code.ts'
import { attest, NOON, openGate } from './scene.ts'
import { seeded, seededSigner } from './seed.ts'

const VCT = 'https://ctid.example/credentials/lab/1'

export const lab: Lab = {
  id: '10',
  name: 'algorithm-confusion',
  title: { en: 'Algorithm confusion and friends', zh: '算法混淆及其同类' },
  question: {
    en: 'A signed token states in its own header how its signature is to be checked. Whom does the checker obey?',
    zh: '一个签名令牌在自己的头部写明如何验证签名。验证者听谁的？',
  },
  incident: {
    en: '"alg: none" and HS256-with-the-public-key were found in most JWT libraries in 2015 and return with each new one.',
    zh: '2015 年，多数 JWT 库都被发现存在 “alg: none” 与“用公钥作 HS256 密钥”的缺陷；此后每有新库，几乎都要重演一次。',
  },
  mechanism: {
    naive: [
      { en: 'token', zh: '令牌' },
      { en: 'its header says how', zh: '头部说怎么验' },
      { en: 'checked that way', zh: '照办' },
    ],
    ours: [
      { en: 'verifier decides: ES256, type, key', zh: '验证者决定：ES256、类型、密钥' },
      { en: 'token', zh: '令牌' },
      { en: 'everything in it accounted for', zh: '其中每一项都有着落' },
    ],
    attack: { en: 'forged tokens, and honest ones bent a little', zh: '伪造的令牌，以及稍加扭曲的真令牌' },
  },
  run,
  lesson: {
    en: 'What is to be checked must not choose the check. One algorithm per key, a closed set of keys, the expected type said by the verifier; and whatever is in the token and not understood, referenced or unique is a reason to refuse. A signature is no serial number: it can be changed into another that also verifies.',
    zh: '被检查者不能挑选检查方式。一把密钥一种算法，密钥集合封闭，期望的类型由验证者指定；令牌里凡是看不懂、没有被引用、不唯一的内容，都是拒绝的理由。签名不是序列号：它可以被改成另一个同样有效的签名。',
  },
  limits: {
    en: 'The list is what we know; it is the regression suite, not a proof. A stolen issuer key (lab 11) needs no trick at all.',
    zh: '这份清单只是我们所知的；它是回归测试，不是证明。若签发密钥失窃（实验 11），什么花招都不需要。',
  },
  exercises: [
    {
      question: {
        en: 'The header says HS256 and the checker obeys. Which key does the forger use: private, public or none?',
        zh: '头部写 HS256，验证者照办。伪造者用哪把密钥：private（私钥）、public（公钥）还是 none（不用）？',
      },
      hint: {
        en: 'The one that the checker holds, and everybody else too.',
        zh: '验证者手里那把，也是人人都有的那把。',
      },
      check: (answer) => isWord(answer, 'public', 'the public key', 'public key', '公钥'),
    },
    {
      question: {
        en: 'A JSON text has two members "over_18": false, then true. What does JSON.parse say: true, false or an error?',
        zh: '一段 JSON 中先后有两个 "over_18"：false、true。JSON.parse 得到 true、false 还是报错？',
      },
      hint: { en: 'The last one wins, silently.', zh: '后者悄悄覆盖前者。' },
      check: (answer) => isWord(answer, 'true', '真'),
    },
  ],
  references: [
    'RFC 8725, JSON Web Token Best Current Practices',
    'RFC 9901, SD-JWT, section 7',
    'RFC 7515 section 4.1.11 (crit)',
  ],
}

type Forgery = {
  readonly name: Figure['title']
  forge(turn: number): Promise<string>
  wins(claims: JsonObject): boolean
}

async function run({ seed, scale, log, signal }: LabContext) {
  const turns = scale === 'full' ? 50 : 3
  const random = seeded(`lab10/${seed}`)
  const issuer = seededSigner(`lab10/issuer/${seed}`)
  const thief = seededSigner(`lab10/thief/${seed}`)
  const checkers: Readonly<Record<'naive' | 'ours', Checker>> = {
    naive: lenientChecker(issuer.publicJwk),
    ours: await ownChecker(issuer),
  }
  const base = { vct: VCT, exp: NOON + 86_400 }
  const grown = { ...base, over_18: true }
  const honest = () =>
    issueCredential({ ...base, over_18: false }, { signer: issuer }, { disclosable: [['over_18']], random })
  const encode = (value: unknown) =>
    toBase64url(utf8(typeof value === 'string' ? value : JSON.stringify(value)))
  const isGrown = (claims: JsonObject) => claims['over_18'] === true

  const forgeries: Forgery[] = [
    {
      name: { en: 'alg: none', zh: 'alg: none' },
      forge: async () => `${encode({ alg: 'none', typ: 'dc+sd-jwt' })}.${encode(grown)}.~`,
      wins: isGrown,
    },
    {
      name: { en: 'HS256 with public key', zh: '以公钥作 HS256' },
      forge: async () => {
        const input = `${encode({ alg: 'HS256', typ: 'dc+sd-jwt' })}.${encode(grown)}`
        return `${input}.${toBase64url(hmacSha256(utf8(JSON.stringify(issuer.publicJwk)), utf8(input)))}~`
      },
      wins: isGrown,
    },
    {
      name: { en: 'own key in header', zh: '头部自带密钥' },
      forge: async () => {
        const header = encodeHeader('dc+sd-jwt', { jwk: { ...thief.publicJwk } })
        return `${await signEncoded(header, JSON.stringify(grown), thief)}~`
      },
      wins: isGrown,
    },
    {
      name: { en: 'unknown crit', zh: '未知 crit' },
      // The issuer limits a token by an extension; a checker that does not know it must not take the token.
      forge: async () => {
        const header = encodeHeader('dc+sd-jwt', { crit: ['test-only'], 'test-only': true })
        return `${await signEncoded(header, JSON.stringify(grown), issuer)}~`
      },
      wins: isGrown,
    },
    {
      name: { en: 'duplicate claim', zh: '重复声明' },
      // A careless issuer pastes a typed name into its template: the name closes its quotes and adds a member.
      forge: async (turn) => {
        const typed = `N${turn}","over_18":true,"nick":"x`
        const text = `{"vct":"${VCT}","exp":${base.exp},"over_18":false,"name":"${typed}"}`
        return `${await signEncoded(encodeHeader('dc+sd-jwt'), text, issuer)}~`
      },
      wins: isGrown,
    },
    {
      name: { en: 'unreferenced disclosure', zh: '未被引用的披露' },
      forge: async () =>
        `${(await honest()).split('~')[0]}~${encode([toBase64url(random(16)), 'over_18', true])}~`,
      wins: isGrown,
    },
    {
      name: { en: 'another kind of token', zh: '别种令牌' },
      // Signed by the right key for another purpose: a status list is no credential.
      forge: async () =>
        `${await signEncoded(encodeHeader('statuslist+jwt'), JSON.stringify({ ...grown, sub: 'list' }), issuer)}~`,
      wins: isGrown,
    },
  ]

  const rows = { naive: [] as number[], ours: [] as number[] }
  const seconds = { naive: 0, ours: 0 }
  for (const { name, forge, wins } of forgeries) {
    await breathe(signal)
    const count = { naive: 0, ours: 0 }
    for (let turn = 0; turn < turns; turn++) {
      const text = await forge(turn)
      for (const side of ['naive', 'ours'] as const) {
        const { value: claims, seconds: spent } = await timed(() => checkers[side](text))
        if (claims && wins(claims)) count[side]++
        seconds[side] += spent
      }
    }
    rows.naive.push(count.naive)
    rows.ours.push(count.ours)
    log({
      en: `${name.en}: naive ${count.naive}/${turns}, ours ${count.ours}/${turns}`,
      zh: `${name.zh}：朴素 ${count.naive}/${turns}，本设计 ${count.ours}/${turns}`,
    })
  }
  // Both must accept what is honest, or the comparison says nothing.
  for (const side of ['naive', 'ours'] as const) {
    if ((await checkers[side](await honest()))?.['over_18'] !== false)
      throw new Error(`${side} must accept honest tokens`)
  }

  const twice = await useTwice({ seed, turns, issuer })
  const names = [
    ...forgeries.map(({ name }) => name),
    { en: 'signature bent, used twice', zh: '改形签名，用两次' },
  ]
  const naive = [...rows.naive, twice.naive]
  const ours = [...rows.ours, twice.ours]
  const figures: Figure[] = [
    {
      id: 'lab10-matrix',
      type: 'heat',
      title: { en: `Forgeries accepted of ${turns}`, zh: `${turns} 次伪造中被接受的次数` },
      xTitle: { en: 'design', zh: '设计' },
      yTitle: { en: 'forgery', zh: '伪造方式' },
      x: [
        { en: 'naive', zh: '朴素设计' },
        { en: 'ours', zh: '本设计' },
      ],
      series: names.map((name, at) => ({ name, values: [naive[at] ?? 0, ours[at] ?? 0] })),
    },
  ]
  return {
    naive: {
      successes: sum(naive),
      trials: turns * names.length,
      seconds: seconds.naive,
      note: {
        en: `${names.length} ways to forge or to use twice`,
        zh: `${names.length} 种伪造或重复使用的办法`,
      },
    },
    ours: {
      successes: sum(ours),
      trials: turns * names.length,
      seconds: seconds.ours,
      note: { en: 'the same texts', zh: '同样的文本' },
    },
    figures,
    stillWorks: [
      {
        en: `the bent signature itself verifies, as ECDSA has it (${twice.verified} of ${turns}); ours counts the handle, not the signature`,
        zh: `改形后的签名本身依然有效，这是 ECDSA 的性质（${turns} 次中 ${twice.verified} 次）；本设计记的是句柄，不是签名`,
      },
    ],
  }
}

async function ownChecker(issuer: ReturnType<typeof seededSigner>): Promise<Checker> {
  const trusted: TrustedSigner = {
    id: 'https://issuer.example',
    kid: keyId(issuer.publicJwk),
    publicJwk: issuer.publicJwk,
    verifyKey: await importVerifyKey(issuer.publicJwk),
    speaksFor: () => true,
  }
  return async (text) => {
    const report = await verifyCredential(text, {
      now: NOON,
      resolveIssuer: () => trusted,
      expectedTypes: [VCT],
      keyBinding: 'none',
    })
    return report.ok ? report.credential.claims : undefined
  }
}

// ECDSA: (r, s) and (r, n − s) both verify. Whoever remembers used tickets by text or signature admits the second.
async function useTwice(scene: { seed: string; turns: number; issuer: ReturnType<typeof seededSigner> }) {
  const { seed, turns, issuer } = scene
  const count = { naive: 0, ours: 0, verified: 0 }
  for (let turn = 0; turn < turns; turn++) {
    const ticket = await makeStaticCode(issuer, { handle: `ticket-${turn}`, exp: NOON + 600 })
    const [body = '', signature = ''] = ticket.split('.')
    const bent = `${body}.${toBase64url(bend(fromBase64url(signature)))}`
    const gate = onceByText((text) => verifyStaticCode(text, issuer, NOON))
    if ((await gate(ticket)) && (await gate(bent))) count.naive++

    const holder = seededSigner(`lab10/holder/${seed}/${turn}`)
    const code = await makeCode(await attest(issuer, holder), holder, { now: NOON })
    const bytes = decodeBase45(code, PREFIX.dynamic.length)
    bytes.set(bend(bytes.subarray(-64)), bytes.length - 64)
    const bentCode = PREFIX.dynamic + encodeBase45(bytes)
    const ourGate = openGate(issuer, () => NOON)
    if (!(await verifyCode(code, ourGate)).ok) throw new Error('the honest code must pass')
    const second = await verifyCode(bentCode, ourGate)
    if (second.ok) count.ours++
    if (second.checks.find(({ name }) => name === 'holder-signature')?.result === 'passed') count.verified++
  }
  return count
}

function bend(signature: Uint8Array): Uint8Array {
  const { r, s } = p256.Signature.fromBytes(signature)
  return new p256.Signature(r, p256.Point.Fn.ORDER - s).toBytes()
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)
