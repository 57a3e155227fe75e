// A small state for the tests: a registrar, an audit log, four departments, three trustees, a purpose authority.

import { concatBytes, type RandomBytes, uintBytes, utf8 } from '#ctid/base'
import {
  type Group,
  generateSigner,
  hmacSha256,
  type Point,
  type Scalar,
  type Signer,
  sha512,
} from '#ctid/crypto'
import {
  ANCHOR,
  type Ceremony,
  type ConversionBatch,
  type ConversionLog,
  type ConversionLogOptions,
  createTrustee,
  type Directory,
  type GatewayOptions,
  type Grant,
  holdCeremony,
  type Journal,
  makeDirectory,
  makeRequest,
  memoryJournal,
  openConversionLog,
  publishReceiverKey,
  signGrant,
  type Trustee,
  trusteeShares,
} from '#ctid/pseudonym'

export const NOW = 1_800_000_000
export const DEPARTMENTS = ['health', 'transport', 'civil', 'market'] as const

/** Reproducible bytes: SHA-512 over a seed and a counter. */
export function seededRandom(seed: string): RandomBytes {
  let counter = 0
  let pool = new Uint8Array()
  return (length) => {
    while (pool.length < length)
      pool = concatBytes(pool, sha512(concatBytes(utf8(seed), uintBytes(counter++, 6))))
    const out = pool.slice(0, length)
    pool = pool.slice(length)
    return out
  }
}

export type World = {
  readonly group: Group
  readonly random: RandomBytes
  readonly ceremony: Ceremony
  readonly directory: Directory
  readonly authority: Signer
  readonly signers: ReadonlyMap<string, Signer>
  /** y of every receiving sector. */
  readonly receiverKeys: ReadonlyMap<string, Scalar>
  readonly logSigner: Signer
  readonly logJournal: Journal
  readonly journals: readonly Journal[]
  readonly trustees: readonly Trustee[]
  readonly log: ConversionLog
  now: number
  gateway(overrides?: Partial<GatewayOptions>): GatewayOptions
  grant(from: string, to: string, changes?: Partial<Grant>): Promise<string>
  request(
    from: string,
    to: string,
    points: readonly Point[],
    more?: { grant?: string; payloads?: Uint8Array[]; fields?: string[]; nowSeconds?: number },
  ): Promise<ConversionBatch>
  trustee(id: number, journal?: Journal): Trustee
  openLog(journal: Journal): ConversionLog
}

export async function makeWorld(
  group: Group,
  options: {
    seed?: string
    threshold?: number
    count?: number
    /** Enrolment in the audit log, and health to transport only. */
    small?: boolean
    /** Pairs of sectors beyond those below. */
    morePairs?: readonly [from: string, to: string][]
    publish?: ConversionLogOptions['publish'] & {}
  } = {},
): Promise<World> {
  const { seed = 'world', threshold = 2, count = 3, publish } = options
  const random = seededRandom(seed)
  const receivers = ['audit', 'purpose.1', ...DEPARTMENTS]
  const allPairs = [
    ...receivers.filter((id) => id !== 'purpose.1').map((id): [string, string] => [ANCHOR, id]),
    ...DEPARTMENTS.map((id): [string, string] => [id, 'audit']),
    ['health', 'transport'],
    ['transport', 'civil'],
    ['health', 'civil'],
    ['health', 'purpose.1'],
    ['transport', 'purpose.1'],
    ...(options.morePairs ?? []),
  ] as [string, string][]
  const pairs = options.small
    ? allPairs.filter(([from, to]) =>
        ['anchor>audit', 'health>audit', 'health>transport'].includes(`${from}>${to}`),
      )
    : allPairs
  const ceremony = holdCeremony(group, { threshold, count, sectors: receivers, pairs, random })
  const receiverKeys = new Map(receivers.map((id) => [id, group.randomScalar(random)]))
  const signers = new Map<string, Signer>()
  for (const id of [ANCHOR, ...receivers]) signers.set(id, await generateSigner())
  const authority = await generateSigner()
  const logSigner = await generateSigner()
  const directory = makeDirectory(group, ceremony, {
    audit: 'audit',
    log: logSigner.publicJwk,
    epochSeconds: 2_592_000,
    authorities: [authority.publicJwk],
    parties: new Map(
      [...signers].map(([id, { publicJwk: signer }]) => {
        const secret = receiverKeys.get(id)
        return [id, { signer, ...(secret && publishReceiverKey(group, id, secret, { random })) }]
      }),
    ),
  })
  const logJournal = memoryJournal()
  const journals = Array.from({ length: count }, () => memoryJournal())
  const clock = () => world.now
  const openLog = (journal: Journal): ConversionLog =>
    openConversionLog(group, {
      directory,
      secretKey: receiverKeys.get('audit') as Scalar,
      indexKey: hmacSha256(utf8('tests'), utf8('audit index key')),
      signer: logSigner,
      journal,
      clock,
      random,
      ...(publish && { publish }),
    })
  const log = openLog(logJournal)
  const trustee = (id: number, journal: Journal = journals[id - 1] as Journal): Trustee =>
    createTrustee(group, { id, directory, shares: trusteeShares(ceremony, id), journal, clock, random })
  let serial = 0
  const world: World = {
    group,
    random,
    ceremony,
    directory,
    authority,
    signers,
    receiverKeys,
    logSigner,
    logJournal,
    journals,
    trustees: [],
    log,
    openLog,
    now: NOW,
    gateway: (overrides = {}) => ({
      directory,
      trustees: world.trustees,
      log,
      nowSeconds: world.now,
      random,
      ...overrides,
    }),
    grant: (from, to, changes = {}) =>
      signGrant(
        {
          requester: 'Institute of Public Health',
          purpose: { code: 'study', text: { en: 'Study of commuting and asthma', zh: '通勤与哮喘研究' } },
          from,
          to,
          fields: [],
          count: 1_000,
          notBefore: NOW - 3_600,
          notAfter: NOW + 86_400,
          serial: `g-${++serial}`,
          ...changes,
        },
        authority,
      ),
    request: async (from, to, points, more = {}) =>
      makeRequest(group, points, {
        directory,
        grant: more.grant ?? (await world.grant(from, to)),
        signer: signers.get(from) as Signer,
        nowSeconds: more.nowSeconds ?? world.now,
        random,
        ...(more.payloads && { payloads: more.payloads }),
        ...(more.fields && { fields: more.fields }),
      }),
    trustee,
  }
  ;(world.trustees as Trustee[]).push(...journals.map((_, i) => trustee(i + 1)))
  return world
}

/** Anchors of synthetic persons: what K·H2G(identity) would give. */
export function syntheticAnchors(group: Group, count: number, seed = 'people'): Point[] {
  return Array.from({ length: count }, (_, i) => group.hashToGroup(utf8(`${seed}-${i}`), utf8('tests')))
}

/** The straight formula with every key in one hand: what no deployment can compute, and tests compare with. */
export function oracle(world: World, anchor: Point, sector: string): Point {
  const { group, ceremony } = world
  const shared = ceremony.sectors.get(sector)
  if (!shared) throw new Error('no such sector')
  return group.multiply(openAll(group, shared.shares), anchor)
}

/** Interpolates a secret from all its shares with plain scalar arithmetic (independent of the library's functions). */
export function openAll(
  group: Group,
  shares: readonly { readonly id: number; readonly secret: Scalar }[],
): Scalar {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const toBig = (bytes: Uint8Array) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  const mod = (value: bigint) => ((value % order) + order) % order
  const power = (base: bigint, exponent: bigint): bigint => {
    let result = 1n
    for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b))
      if (e & 1n) result = mod(result * b)
    return result
  }
  let total = 0n
  for (const { id, secret } of shares) {
    let coefficient = 1n
    for (const { id: other } of shares) {
      if (other === id) continue
      coefficient = mod(coefficient * BigInt(other) * power(BigInt(other - id), order - 2n))
    }
    total = mod(total + coefficient * toBig(secret))
  }
  const bytes = new Uint8Array(32)
  for (let i = 0, rest = total; i < 32; i++, rest >>= 8n) bytes[i] = Number(rest & 255n)
  return group.parseScalar(bytes)
}

export function receiverOf(world: World, sector: string): Scalar {
  const key = world.receiverKeys.get(sector)
  if (!key) throw new Error('no such receiver')
  return key
}
