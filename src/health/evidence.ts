// Evidence: one dated finding about one pseudonym, signed by a source within its scope. Nothing else moves a status.
import {
  CtidError,
  framed,
  fromBase64url,
  HOUR,
  isJsonObject,
  type JsonObject,
  MINUTE,
  type RandomBytes,
  toBase64url,
} from '../base/index.ts'
import { type Signer, sha256 } from '../crypto/index.ts'
import { keyId, parseJws, signJws, type UnverifiedJws, verifyJws } from '../trust/index.ts'
import { type Finding, parseFinding } from './evidence-class.ts'
import { coversRegion, type Source, type SourceLookup } from './sources.ts'

/** What a source signs. Times are Unix seconds. */
export type EvidenceClaims = {
  /** The person's pseudonym in the health sector, 32 bytes as base64url. Never the token, never a name. */
  readonly subject: string
  /** When the finding was made: specimen taken, contact ended, border crossed. Not after `issuedAt`. */
  readonly at: number
  readonly issuedAt: number
  readonly expiresAt: number
  readonly region: string
  /** How far `at` and the place may be off. */
  readonly precision: { readonly seconds: number; readonly metres?: number }
} & Finding

/** Evidence whose signature, scope and times were checked. Only {@link verifyEvidence} makes one. */
export type Evidence = EvidenceClaims & {
  /** {@link commitmentOf} its text: what logs and statuses carry in its place. */
  readonly commitment: string
  /** Id of the source; both officers of a manual entry, joined by `+`. */
  readonly source: string
  /** The signed text. Opens the commitment. */
  readonly text: string
}

export const EVIDENCE_TYP = 'health-evidence+jwt'
const MAX_LENGTH = 8192
const SKEW_SECONDS = 5 * MINUTE
/** Longest life of a manual entry. */
export const MANUAL_LIFE_SECONDS = 72 * HOUR

/** Commitment to a signed text: SHA-256 with domain. Hiding, because each text holds 16 random bytes and a signature. */
export function commitmentOf(text: string): string {
  return toBase64url(sha256(framed('ctid/health-evidence/1', text)))
}

/** Source: signs a finding. `sourceId` is its id in the register. */
export function signEvidence(
  claims: EvidenceClaims,
  signer: Signer,
  options: { readonly sourceId: string; readonly random: RandomBytes },
): Promise<string> {
  return signText(claims, signer, options.sourceId, toBase64url(options.random(16)))
}

/**
 * Two officers: sign one manual entry together. Each signs the same bytes; the entry is both texts joined by `~`.
 */
export async function signManualEntry(
  claims: EvidenceClaims & { readonly class: 'manual' },
  officers: readonly [Signer, Signer],
  options: { readonly random: RandomBytes },
): Promise<string> {
  const id = toBase64url(options.random(16))
  return (await Promise.all(officers.map((signer) => signText(claims, signer, 'manual', id)))).join('~')
}

function signText(claims: EvidenceClaims, signer: Signer, iss: string, jti: string): Promise<string> {
  const payload = {
    iss,
    sub: claims.subject,
    iat: claims.issuedAt,
    exp: claims.expiresAt,
    jti,
    at: claims.at,
    region: claims.region,
    precision: claims.precision,
    class: claims.class,
    data: claims.data,
  }
  return signJws(payload as unknown as JsonObject, signer, {
    typ: EVIDENCE_TYP,
    header: { kid: keyId(signer.publicJwk) },
  })
}

export type VerifyEvidenceOptions = {
  readonly sources: SourceLookup
  /** Unix seconds. */
  readonly now: number
  /** Whose evidence it must be. Absent: anybody's (auditor). */
  readonly expectedSubject?: string
  /** Accept what has expired since; it counts for nothing, but an auditor must be able to open it. Default false. */
  readonly acceptExpired?: boolean
}

/**
 * Anyone: checks a signed text and returns the evidence.
 *
 * @throws {CtidError} `ERR_HEALTH_EVIDENCE` (form), `ERR_HEALTH_SOURCE` (unknown, out of scope), `ERR_HEALTH_SIGNATURE`,
 * `ERR_HEALTH_TIME` (future, expired, too long a life), `ERR_HEALTH_MANUAL_ENTRY`, and those of `parseJws`
 */
export async function verifyEvidence(text: string, options: VerifyEvidenceOptions): Promise<Evidence> {
  if (text.length > MAX_LENGTH) throw new CtidError('ERR_HEALTH_EVIDENCE', { detail: 'too large' })
  const texts = text.split('~')
  const signed = texts.map((one) => parseJws(one, { expectedTyp: EVIDENCE_TYP, maxLength: MAX_LENGTH }))
  const first = signed[0] as UnverifiedJws
  const claims = parseClaims(first.payload)
  if (claims.class === 'manual') requireSameStatement(texts)
  else if (signed.length !== 1) throw new CtidError('ERR_HEALTH_EVIDENCE', { detail: 'two signatures' })
  const sources: Source[] = []
  for (const jws of signed) sources.push(await checkSigner(jws, claims, options.sources))
  if (claims.class === 'manual') requireTwoOffices(sources)
  else if (first.payload['iss'] !== sources[0]?.id)
    throw new CtidError('ERR_HEALTH_SOURCE', { detail: 'another name' })
  checkTimes(claims, sources, options)
  if (options.expectedSubject !== undefined && claims.subject !== options.expectedSubject)
    throw new CtidError('ERR_HEALTH_EVIDENCE', { detail: 'another person' })
  const names = sources.map(({ id }) => id).sort()
  return { ...claims, text, commitment: commitmentOf(text), source: names.join('+') }
}

function requireSameStatement(texts: readonly string[]): void {
  const payloads = texts.map((text) => text.split('.')[1])
  if (payloads.length !== 2 || payloads[0] !== payloads[1])
    throw new CtidError('ERR_HEALTH_MANUAL_ENTRY', { detail: 'two signatures' })
}

function requireTwoOffices(sources: readonly Source[]): void {
  if (new Set(sources.map(({ office }) => office)).size !== 2)
    throw new CtidError('ERR_HEALTH_MANUAL_ENTRY', { detail: 'two offices' })
}

async function checkSigner(
  jws: UnverifiedJws,
  claims: EvidenceClaims,
  sources: SourceLookup,
): Promise<Source> {
  const kid = jws.header['kid']
  const found = typeof kid === 'string' ? await sources(kid) : undefined
  if (!found) throw new CtidError('ERR_HEALTH_SOURCE', { detail: 'unknown key' })
  const { source, key, verifyKey } = found
  if (!(await verifyJws(jws, verifyKey))) throw new CtidError('ERR_HEALTH_SIGNATURE')
  if (!source.classes.includes(claims.class)) throw new CtidError('ERR_HEALTH_SOURCE', { detail: 'class' })
  if (!coversRegion(source, claims.region)) throw new CtidError('ERR_HEALTH_SOURCE', { detail: 'region' })
  if (claims.issuedAt < key.notBefore || claims.issuedAt >= key.notAfter)
    throw new CtidError('ERR_HEALTH_SOURCE', { detail: 'key not in force' })
  return source
}

function checkTimes(
  claims: EvidenceClaims,
  sources: readonly Source[],
  options: VerifyEvidenceOptions,
): void {
  const { at, issuedAt, expiresAt } = claims
  const life = Math.min(
    ...sources.map((source) => source.maxLifeSeconds),
    claims.class === 'manual' ? MANUAL_LIFE_SECONDS : Number.POSITIVE_INFINITY,
  )
  if (at > issuedAt || issuedAt > options.now + SKEW_SECONDS)
    throw new CtidError('ERR_HEALTH_TIME', { detail: 'future' })
  if (expiresAt <= issuedAt || expiresAt - issuedAt > life)
    throw new CtidError('ERR_HEALTH_TIME', { detail: 'life' })
  if (expiresAt <= options.now && options.acceptExpired !== true)
    throw new CtidError('ERR_HEALTH_TIME', { detail: 'expired' })
}

const MEMBERS = ['iss', 'sub', 'iat', 'exp', 'jti', 'at', 'region', 'precision', 'class', 'data']

function parseClaims(payload: JsonObject): EvidenceClaims {
  const { iss, sub, iat, exp, jti, at, region, precision } = payload
  const isForm =
    Object.keys(payload).length === MEMBERS.length &&
    MEMBERS.every((name) => Object.hasOwn(payload, name)) &&
    typeof iss === 'string' &&
    isBytes(sub, 32) &&
    isBytes(jti, 16) &&
    [iat, exp, at].every(isTime) &&
    typeof region === 'string' &&
    /^(\d{6}|[A-Z]{2})$/.test(region) &&
    isPrecision(precision)
  if (!isForm) throw new CtidError('ERR_HEALTH_EVIDENCE', { detail: 'members' })
  const finding = parseFinding(payload['class'], payload['data'])
  return {
    subject: sub,
    at: at as number,
    issuedAt: iat as number,
    expiresAt: exp as number,
    region,
    precision: precision as EvidenceClaims['precision'],
    ...finding,
  }
}

function isBytes(value: unknown, length: number): value is string {
  if (typeof value !== 'string') return false
  try {
    return fromBase64url(value).length === length
  } catch {
    return false
  }
}

// 2020-01-01 to 2100-01-01: a health finding has no business outside.
function isTime(value: unknown): boolean {
  return (
    Number.isSafeInteger(value) && (value as number) >= 1_577_836_800 && (value as number) <= 4_102_444_800
  )
}

function isPrecision(value: unknown): boolean {
  if (!isJsonObject(value)) return false
  const { seconds, metres, ...rest } = value
  const isCount = (one: unknown): boolean => Number.isSafeInteger(one) && (one as number) >= 0
  return isCount(seconds) && (metres === undefined || isCount(metres)) && Object.keys(rest).length === 0
}
