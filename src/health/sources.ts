// Who may sign evidence, for which classes and regions: the register of sources, and how it may grow.
import {
  CtidError,
  canonicalJson,
  exactMembers,
  type Json,
  type JsonObject,
  toHex,
  utf8,
} from '../base/index.ts'
import {
  importVerifyKey,
  type P256PublicJwk,
  parsePublicJwk,
  type Signer,
  sha256,
  type VerifyKey,
} from '../crypto/index.ts'
import { keyId, parseJws, signJws, verifyJws } from '../trust/index.ts'
import { EVIDENCE_CLASSES, type EvidenceClass } from './evidence-class.ts'
import type { Text } from './rule-set.ts'

/** A key of a source. In force for evidence issued at `notBefore <= iat < notAfter` (Unix seconds). */
export type SourceKey = {
  readonly kid: string
  readonly jwk: P256PublicJwk
  readonly notBefore: number
  readonly notAfter: number
}

/** A laboratory, clinic, border post …; or an officer, whose key signs manual entries and nothing else. */
export type Source = {
  readonly id: string
  readonly name: Text
  readonly kind: 'source' | 'officer'
  /** The body an officer belongs to. Two signatures from one office count as one. */
  readonly office?: string
  readonly classes: readonly EvidenceClass[]
  /** Regions it may speak for; a code covers its subdivisions (`330000` covers `330106`, `CN` all of them), `*` all. */
  readonly regions: readonly string[]
  /** Longest life of a piece of evidence, in seconds. */
  readonly maxLifeSeconds: number
  readonly keys: readonly SourceKey[]
}

export type SourceRegister = {
  readonly format: 'ctid-health-sources/1'
  readonly version: number
  /** {@link sourceRegisterHash} of the version before; null in the first. */
  readonly previous: string | null
  readonly sources: readonly Source[]
}

/** A register as it travels: signed by its publisher, endorsed by sources already in it. */
export type SignedRegister = { readonly register: string; readonly endorsements: readonly string[] }

const REGISTER_TYP = 'health-sources+jwt'
const ENDORSEMENT_TYP = 'health-sources-endorsement+jwt'

/** SHA-256 of the register in canonical JSON, hexadecimal. */
export function sourceRegisterHash(register: SourceRegister): string {
  return toHex(sha256(utf8(canonicalJson(register as unknown as Json))))
}

/** Publisher: signs a register. */
export async function signSourceRegister(register: SourceRegister, signer: Signer): Promise<string> {
  const payload = JSON.parse(canonicalJson(register as unknown as Json)) as JsonObject
  parseSourceRegister(payload)
  return await signJws(payload, signer, { typ: REGISTER_TYP, header: { kid: keyId(signer.publicJwk) } })
}

/** A source of the version before: endorses the next version. */
export async function endorseSourceRegister(next: SourceRegister, signer: Signer): Promise<string> {
  const payload = { register: sourceRegisterHash(next) }
  return await signJws(payload, signer, { typ: ENDORSEMENT_TYP, header: { kid: keyId(signer.publicJwk) } })
}

/**
 * Anyone: accepts the first register by its hash, known beforehand, and each later one only from the one before.
 * The publisher alone can take sources away, never add or widen one: that needs a source already in the register. So
 * whoever holds every office's key, but no source's, cannot make themself a source.
 *
 * @throws {CtidError} `ERR_HEALTH_SIGNATURE`, `ERR_HEALTH_SOURCE`, and those of `parseJws`
 */
export async function openSourceRegister(
  signed: SignedRegister,
  options: {
    readonly publisher: P256PublicJwk
    readonly previous: SourceRegister | { readonly firstHash: string }
  },
): Promise<SourceRegister> {
  const jws = parseJws(signed.register, { expectedTyp: REGISTER_TYP, maxLength: 1_048_576 })
  if (!(await verifyJws(jws, await importVerifyKey(options.publisher))))
    throw new CtidError('ERR_HEALTH_SIGNATURE')
  const register = parseSourceRegister(jws.payload)
  const { previous } = options
  if ('firstHash' in previous) {
    if (sourceRegisterHash(register) !== previous.firstHash) throw refuse('not the first register')
    return register
  }
  if (register.version !== previous.version + 1 || register.previous !== sourceRegisterHash(previous))
    throw refuse('not the next register')
  if (isReduction(register, previous)) return register
  for (const endorsement of signed.endorsements) {
    const one = parseJws(endorsement, { expectedTyp: ENDORSEMENT_TYP, maxLength: 4096 })
    const key = previous.sources
      .filter(({ kind }) => kind === 'source')
      .flatMap(({ keys }): readonly SourceKey[] => keys)
      .find(({ kid }) => kid === one.header['kid'])
    if (!key || one.payload['register'] !== sourceRegisterHash(register)) continue
    if (await verifyJws(one, await importVerifyKey(key.jwk))) return register
  }
  throw refuse('no source of the register endorses the change')
}

function isReduction(next: SourceRegister, previous: SourceRegister): boolean {
  const known = new Map(
    previous.sources.map((source) => [source.id, canonicalJson(source as unknown as Json)]),
  )
  return next.sources.every((source) => known.get(source.id) === canonicalJson(source as unknown as Json))
}

/** Strict form of a register. @throws {CtidError} `ERR_HEALTH_SOURCE`, `ERR_CRYPTO_KEY` */
export function parseSourceRegister(value: Json): SourceRegister {
  const { format, version, previous, sources } = members(value, ['format', 'version', 'previous', 'sources'])
  const isForm =
    format === 'ctid-health-sources/1' &&
    isCount(version) &&
    (previous === null || isText(previous, /^[0-9a-f]{64}$/)) &&
    Array.isArray(sources) &&
    sources.every(isSource)
  if (!isForm) throw refuse('form of the register')
  const register = value as unknown as SourceRegister
  const kids = register.sources.flatMap((source) => source.keys.map((key: SourceKey) => key.kid))
  const ids = register.sources.map((source) => source.id)
  if (new Set(kids).size !== kids.length || new Set(ids).size !== ids.length) throw refuse('an id twice')
  return register
}

const SOURCE = ['id', 'name', 'kind', 'classes', 'regions', 'maxLifeSeconds', 'keys']

function isSource(value: Json): boolean {
  const { id, name, kind, office, classes, regions, maxLifeSeconds, keys } = members(value, SOURCE, [
    'office',
  ])
  const { en, zh } = members(name, ['en', 'zh'])
  return (
    isText(id, /^[a-z][a-z0-9.-]{1,60}$/) &&
    isText(en) &&
    isText(zh) &&
    (office === undefined || isText(office)) &&
    (kind === 'source' || (kind === 'officer' && office !== undefined)) &&
    Array.isArray(classes) &&
    classes.every((one) => EVIDENCE_CLASSES.includes(one as EvidenceClass)) &&
    (kind === 'officer') === classes.includes('manual') &&
    (kind === 'source' || classes.length === 1) &&
    Array.isArray(regions) &&
    regions.every((region) => isText(region, /^(\*|(?!00)\d{6}|[A-Z]{2})$/)) &&
    isCount(maxLifeSeconds) &&
    maxLifeSeconds > 0 &&
    Array.isArray(keys) &&
    keys.every(isKey)
  )
}

function isKey(value: Json): boolean {
  const { kid, jwk, notBefore, notAfter } = members(value, ['kid', 'jwk', 'notBefore', 'notAfter'])
  const isTerm = isCount(notBefore) && isCount(notAfter) && notBefore < notAfter
  return isTerm && kid === keyId(parsePublicJwk(jwk))
}

function isText(value: Json | undefined, pattern = /^/): value is string {
  return typeof value === 'string' && pattern.test(value)
}

function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function members(
  value: Json | undefined,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  return exactMembers(value, { required, optional }, () => refuse('form of the register'))
}

/** Whether a source may speak for a region. */
export function coversRegion(source: Source, region: string): boolean {
  return source.regions.some(
    (one) =>
      one === '*' ||
      one === region ||
      (one === 'CN' && /^\d/.test(region)) ||
      region.startsWith(one.replace(/(00)+$/, '')),
  )
}

/** A source and its key by `kid`, imported once. */
export type SourceLookup = (
  kid: string,
) => Promise<{ readonly source: Source; readonly key: SourceKey; readonly verifyKey: VerifyKey } | undefined>

/** Look-up over one register that keeps imported keys. */
export function sourceLookup(register: SourceRegister): SourceLookup {
  const entries = new Map(
    register.sources.flatMap((source) =>
      source.keys.map((key): [string, { source: Source; key: SourceKey }] => [key.kid, { source, key }]),
    ),
  )
  const imported = new Map<string, VerifyKey>()
  return async (kid) => {
    const entry = entries.get(kid)
    if (!entry) return undefined
    const verifyKey = imported.get(kid) ?? (await importVerifyKey(entry.key.jwk))
    imported.set(kid, verifyKey)
    return { ...entry, verifyKey }
  }
}

function refuse(detail: string): CtidError {
  return new CtidError('ERR_HEALTH_SOURCE', { detail })
}
