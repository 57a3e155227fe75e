// Lab 05: an official is told to turn depositors red. With a login, with a signing key, with a source's key: what happens, who sees.
import { DAY, toBase64url } from '#ctid/base'
import type { Signer } from '#ctid/crypto'
import {
  agreesWith,
  derivationDigest,
  derive,
  type Evidence,
  type EvidenceClaims,
  type EvidenceClass,
  findAnomalies,
  type RuleSet,
  recordDerivation,
  replay,
  type Source,
  type SourceRegister,
  signEvidence,
  signManualEntry,
  signRuleSet,
  sourceLookup,
  teachingEdition,
  verifyEvidence,
} from '#ctid/health'
import { keyId } from '#ctid/trust'
import { breathe, type Figure, isNumber, isWord, type Lab, type LabContext, timed } from './lab.ts'
import { colourTable } from './naive/painted-colour.ts'
import { seeded, seededSigner } from './seed.ts'

/** 2026-11-24T00:00:00Z */
const NOW = 1_795_478_400
const REGION = '330000'

export const lab: Lab = {
  id: '05',
  name: 'painted-colour',
  title: { en: 'The colour painted by hand', zh: '手工涂上的颜色' },
  question: {
    en: 'Bank depositors are on their way to protest. An official is told to turn their health codes red. Can he? Who will know?',
    zh: '储户正赶去维权。官员接到指示，要把他们的健康码变红。他做得到吗？谁会知道？',
  },
  incident: {
    en: 'Henan, June 2022: 1,317 people turned red by order, 446 of them by scanning site codes in Zhengzhou; five officials were punished. It happened again three weeks later.',
    zh: '2022 年 6 月河南：1317 人被违规赋红码，其中 446 人系在郑州扫场所码；五名官员受处分。三周后再次发生。',
  },
  mechanism: {
    naive: [
      { en: 'official', zh: '官员' },
      { en: 'setColour(person, red)', zh: 'setColour(某人, 红)' },
      { en: 'red', zh: '红' },
    ],
    ours: [
      { en: 'evidence signed by its source', zh: '来源签名的证据' },
      { en: 'published rules, clock', zh: '公布的规则、时钟' },
      { en: 'derive', zh: '推导' },
      { en: 'replayed by anyone', zh: '任何人可重放' },
    ],
    attack: { en: 'each key in the house is misused in turn', zh: '依次滥用体系内的每一把钥匙' },
  },
  run,
  lesson: {
    en: 'Where a colour can be set, it will be. Here it can only follow: without a source’s key nothing makes red; a red signed without evidence is refused by the wallet and found by the replay; with a source’s key red is possible, under that source’s name, in a number everyone can count.',
    zh: '颜色只要能设，就会有人设。在这里颜色只能推出：没有来源的密钥，什么都变不红；没有证据而签出的红码，会被卡包拒绝、被重放查出；有了来源的密钥可以变红，但署着该来源之名，数量人人可数。',
  },
  limits: {
    en: 'A source that lies is not prevented, only exposed: its people stay red until relief or appeal. A burst below the threshold, or one that shares an invented place, is not reported. Whoever runs the whole state can also ignore the report.',
    zh: '撒谎的来源无法事先阻止，只能使其暴露：当事人在救济或申诉之前仍是红码。低于阈值的突增，或伪造共同地点的突增，不会被报告。掌握整个国家机器的人也可以无视报告。',
  },
  exercises: [
    {
      question: {
        en: '1,317 people were turned red, 446 of them at sites in Zhengzhou. How many from afar?',
        zh: '1317 人被赋红码，446 人是在郑州扫码。其余远程的有多少？',
      },
      hint: { en: 'Subtract.', zh: '相减。' },
      check: (answer) => isNumber(answer, 871),
    },
    {
      question: {
        en: 'With which key is red possible in our design: login, signing or source?',
        zh: '在本设计中，拿到哪把钥匙能变红：login（登录）、signing（签发）还是 source（来源）？',
      },
      hint: { en: 'Colour follows from evidence. Who signs evidence?', zh: '颜色由证据推出。谁签证据？' },
      check: (answer) => isWord(answer, 'source', 'the source', '来源', '来源密钥'),
    },
  ],
  references: [
    'Sixth Tone 1010729, Reuters 2022-06-22 (Henan)',
    'National Health Commission, 2022-06-24: no code for reasons outside epidemic control',
  ],
}

type Role = 'login' | 'signing-key' | 'source-key'
const ROLES: Readonly<Record<Role, Figure['title']>> = {
  login: { en: 'database login', zh: '数据库登录' },
  'signing-key': { en: 'signing key', zh: '签发密钥' },
  'source-key': { en: 'key of one source', zh: '某来源密钥' },
}

/** A system an official can try to misuse: how many end up red, and how many of those cases anybody else can find out. */
type System = {
  misuse(role: Role): Promise<{ readonly red: number; readonly found: number; readonly how: Figure['title'] }>
}

async function run({ seed, scale, log, signal }: LabContext) {
  const count = scale === 'full' ? 1317 : 24
  const systems: Readonly<Record<'naive' | 'ours', System>> = {
    naive: painted(count),
    ours: await derived({ seed, count, pause: () => breathe(signal) }),
  }
  const roles = Object.keys(ROLES) as Role[]
  const results = {
    naive: [] as number[],
    ours: [] as number[],
    found: [] as number[],
    seconds: { naive: 0, ours: 0 },
  }
  const unnoticed = { naive: 0, ours: 0 }
  for (const role of roles) {
    for (const side of ['naive', 'ours'] as const) {
      const { value, seconds } = await timed(() => systems[side].misuse(role))
      results[side].push(value.red)
      if (side === 'ours') results.found.push(value.found)
      results.seconds[side] += seconds
      unnoticed[side] += Math.max(0, value.red - value.found)
      log({
        en: `${side}, ${ROLES[role].en}: ${value.red} of ${count} red; ${value.how.en}`,
        zh: `${side === 'naive' ? '朴素设计' : '本设计'}，${ROLES[role].zh}：${count} 人中 ${value.red} 人变红；${value.how.zh}`,
      })
    }
  }
  const bySource = results.ours.at(-1) ?? 0
  const figures: Figure[] = [
    {
      id: 'lab05-red',
      type: 'bar',
      title: { en: `People turned red, of ${count}`, zh: `${count} 人中被变红的人数` },
      xTitle: { en: 'what the official has', zh: '官员拥有' },
      yTitle: { en: 'people', zh: '人数' },
      x: roles.map((role) => ROLES[role]),
      series: [
        { name: { en: 'naive: red', zh: '朴素：变红' }, values: results.naive },
        { name: { en: 'ours: red', zh: '本设计：变红' }, values: results.ours },
        { name: { en: 'ours: cases found out', zh: '本设计：被查出' }, values: results.found },
      ],
    },
  ]
  return {
    naive: {
      successes: unnoticed.naive,
      trials: roles.length * count,
      seconds: results.seconds.naive,
      note: { en: 'red and nobody can show it', zh: '变红且无人能证明' },
    },
    ours: {
      successes: unnoticed.ours,
      trials: roles.length * count,
      seconds: results.seconds.ours,
      note: {
        en: 'red and nobody can show it, three keys misused',
        zh: '变红且无人能证明，三把钥匙均被滥用',
      },
    },
    figures,
    stillWorks: [
      {
        en: `with a source’s key ${bySource} of ${count} did turn red, under its name: ${results.found.at(-1)} in the anomaly report`,
        zh: `用来源密钥确有 ${count} 人中的 ${bySource} 人变红，署其名：异常报告列出 ${results.found.at(-1)} 人`,
      },
    ],
  }
}

function painted(count: number): System {
  return {
    misuse: async (role) => {
      const table = colourTable()
      // Every key of the house ends at the same button.
      for (let n = 0; n < count; n++) table.setColour(`${role}-${n}`, 'red')
      const red = Array.from({ length: count }, (_, n) => table.colourOf(`${role}-${n}`)).filter(
        (one) => one === 'red',
      )
      return { red: red.length, found: table.trail.length, how: { en: 'no trail', zh: '没有痕迹' } }
    },
  }
}

const SOURCES: readonly (readonly [id: string, classes: readonly EvidenceClass[]])[] = [
  ['lab', ['test']],
  ['tracing', ['contact', 'stay']],
  ['intake', ['symptom', 'residence', 'trip']],
]
const OFFICERS = [
  ['officer-a', 'district-1'],
  ['officer-b', 'district-1'],
] as const

async function derived(options: {
  seed: string
  count: number
  pause: () => Promise<void>
}): Promise<System> {
  const { seed, count, pause } = options
  const random = seeded(`lab05/${seed}`)
  const signers = new Map<string, Signer>()
  const entry = (
    id: string,
    more: Pick<Source, 'kind' | 'classes'> & { readonly office?: string },
  ): Source => {
    const signer = seededSigner(`lab05/${seed}/${id}`)
    signers.set(id, signer)
    const key = { kid: keyId(signer.publicJwk), jwk: signer.publicJwk, notBefore: 0, notAfter: NOW * 2 }
    return {
      id,
      name: { en: id, zh: id },
      regions: ['CN'],
      maxLifeSeconds: 60 * DAY,
      keys: [key],
      ...more,
    } as Source
  }
  const register: SourceRegister = {
    format: 'ctid-health-sources/1',
    version: 1,
    previous: null,
    sources: [
      ...SOURCES.map(([id, classes]) => entry(id, { kind: 'source', classes })),
      ...OFFICERS.map(([id, office]) => entry(id, { kind: 'officer', classes: ['manual'], office })),
    ],
  }
  const sources = sourceLookup(register)
  const rules: RuleSet = teachingEdition(NOW)
  const officials = seededSigner(`lab05/${seed}/officials`)
  const signerOf = (id: string): Signer => signers.get(id) as Signer
  const accept = (text: string): Promise<Evidence> =>
    verifyEvidence(text, { sources, now: NOW + DAY, acceptExpired: true })
  const claimsOf = (n: number, finding: Pick<EvidenceClaims, 'class' | 'data'>, at = NOW): EvidenceClaims =>
    ({
      subject: toBase64url(Uint8Array.from({ length: 32 }, (_, i) => (n >> (8 * (i % 4))) & 255)),
      at,
      issuedAt: at,
      expiresAt: at + 40 * DAY,
      region: REGION,
      precision: { seconds: 0 },
      ...finding,
    }) as EvidenceClaims
  const sign = async (source: string, claims: EvidenceClaims, by = signerOf(source)) =>
    signEvidence(claims, by, { sourceId: source, random })
  const contact = { class: 'contact', data: { kind: 'close' } } as const
  const declaration = (n: number) =>
    sign('intake', claimsOf(n, { class: 'symptom', data: { state: 'none' } }))

  // With a login, there is no button; what can be entered by hand takes two officers of two offices, and is never red.
  const login = async () => {
    let red = 0
    for (let n = 0; n < count; n++) {
      const { subject, at, issuedAt, region, precision } = claimsOf(n, contact)
      const data = { reason: 'contact-notice-by-telephone' } as const
      const manual = { subject, at, issuedAt, region, precision, class: 'manual', data } as const
      const entered = await signManualEntry(
        { ...manual, expiresAt: NOW + 2 * DAY },
        [signerOf('officer-a'), signerOf('officer-b')],
        { random },
      )
      const evidence = [await accept(await declaration(n)), ...(await taken(entered, accept))]
      if (derive(evidence, rules, NOW).colour === 'red') red++
      if (n % 20 === 0) await pause()
    }
    return {
      red,
      found: red,
      how: { en: 'two officers of one office are refused', zh: '同一机关的两名官员被拒' },
    }
  }

  // With the key that signs statuses and rules: forged evidence, a rule for everybody, or simply a red assertion.
  const signingKey = async () => {
    const everybody = { ...rules, rules: [{ ...rules.rules[0], when: true }] } as unknown as RuleSet
    const published = await signRuleSet(everybody, officials).then(
      () => true,
      () => false,
    )
    let red = 0
    let caught = 0
    const records = []
    const openings: string[] = []
    for (let n = 0; n < count; n++) {
      const declared = await accept(await declaration(n))
      const forged = await taken(await sign('tracing', claimsOf(n, contact), officials), accept)
      const honest = derive([declared, ...forged], published ? everybody : rules, NOW)
      const ordered = { ...honest, colour: 'red' as const, until: NOW + 7 * DAY }
      // The wallet derives for itself, and makes no code of a status that does not follow.
      if (agreesWith({ ...ordered }, [declared, ...forged], rules, NOW).agrees) red++
      records.push(recordDerivation(ordered, random))
      openings.push(declared.text)
      if (n % 20 === 0) await pause()
    }
    const bundle = { ruleSets: [rules], records, digests: records.map(derivationDigest), openings }
    caught = (await replay(bundle, sources)).findings.filter(
      ({ what }) => what === 'colour-does-not-follow',
    ).length
    return {
      red,
      found: caught,
      how: {
        en: `the wallets refuse; the replay finds ${caught}`,
        zh: `卡包拒绝；重放查出 ${caught} 例`,
      },
    }
  }

  // With a source's key the evidence is genuine, and so is the name under it.
  const sourceKey = async () => {
    const all: Evidence[] = []
    let red = 0
    for (let n = 0; n < count; n++) {
      // Depositors from all over the country, each from another county.
      const area = String(110_000 + ((n * 101) % 540_000))
      const residence = claimsOf(n, { class: 'residence', data: { area } }, NOW - 3 * DAY)
      const own = [
        await accept(await sign('intake', residence)),
        await accept(await sign('tracing', claimsOf(n, contact, NOW + n))),
      ]
      if (derive(own, rules, NOW + 3600).colour === 'red') red++
      all.push(...own)
      if (n % 20 === 0) await pause()
    }
    const report = findAnomalies(all)
    const found = report.reduce((sum, { people }) => sum + people, 0)
    const [first] = report
    const what = first ? `${first.source}, ${first.reason}, ${first.people}` : '–'
    return { red, found, how: { en: `the anomaly report names ${what}`, zh: `异常报告点名 ${what}` } }
  }
  return { misuse: (role) => ({ login, 'signing-key': signingKey, 'source-key': sourceKey })[role]() }
}

async function taken(text: string, accept: (text: string) => Promise<Evidence>): Promise<Evidence[]> {
  try {
    return [await accept(text)]
  } catch {
    return []
  }
}
