// EU Digital COVID Certificates: `HC1:` text to a typed certificate, and who may have signed it.
// eHealth Network, "Technical Specifications for EU Digital COVID Certificates", volumes 1 and 3; schema 1.3.
import { decode } from 'cborg'
import { CtidError, equalBytes, type JsonObject } from '../../base/index.ts'
import {
  type CborMap,
  type CborValue,
  COSE_ALG,
  COSE_KID,
  decodeBase45,
  type Sign1,
  signatureInput,
} from '../../qr/index.ts'
import { inflate } from './inflate.ts'

/** Test, vaccination, recovery: the member of the certificate that holds the event. */
export type DccKind = 't' | 'v' | 'r'

/** The COSE_Sign1 around it, as far as a signature check needs it. */
export type DccMessage = Pick<
  Sign1,
  'protectedBytes' | 'protectedHeader' | 'unprotectedHeader' | 'payload' | 'signature'
>

/** A decoded certificate. Nothing in it has been verified. */
export type Dcc = {
  /** Claim 1, the issuing country as the code says it; may be absent. */
  readonly issuer: string | undefined
  /** Claims 6 and 4, Unix seconds. */
  readonly issuedAt: number | undefined
  readonly expiresAt: number | undefined
  /** Claim -260, member 1: the certificate as JSON. */
  readonly hcert: JsonObject
  readonly kinds: readonly DccKind[]
  readonly kid: Uint8Array | undefined
  /** COSE algorithm: -7 (ES256) or -37 (PS256). */
  readonly algorithm: number | undefined
  readonly message: DccMessage
}

/** A key that may sign certificates, from a document signer certificate (`./document-signer.ts`) or a published list. */
export type DccKey = {
  /** First 8 bytes of the SHA-256 of the DER certificate. */
  readonly kid: Uint8Array
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array
  readonly keyType: 'P-256' | 'P-384' | 'RSA'
  /** What the certificate's extended key usage allows; all three where it names none of ours. */
  readonly kinds: readonly DccKind[]
  /** ISO 3166 alpha-2 of the certificate's subject or of the list's entry. */
  readonly country: string
  /** Unix seconds. */
  readonly notBefore: number
  readonly notAfter: number
}

const PREFIX = 'HC1:'
/** Longest text a QR code can hold in alphanumeric mode (version 40-L). */
const MAX_TEXT = 4296
const MAX_BYTES = 65_536
const MAX_DEPTH = 12
const KINDS = ['t', 'v', 'r'] as const

/**
 * Holder or verifier: reads the text of a code. Accepts what genuine issuers made: no tag, tag 18, tag 61 before it;
 * longer CBOR heads than needed; times as floats.
 *
 * @throws {CtidError} `ERR_HEALTH_CERTIFICATE`
 */
export async function decodeDcc(text: string): Promise<Dcc> {
  if (text.length > MAX_TEXT) throw refuse('too long')
  if (!text.startsWith(PREFIX)) throw refuse('prefix')
  const compressed = reading('base45', () => decodeBase45(text, PREFIX.length))
  const bytes = await inflate(compressed, { format: 'zlib', maxBytes: MAX_BYTES })
  const message = reading('COSE', () => readMessage(bytes))
  const claims = reading('CBOR', () => readMap(message.payload))
  const container = claims.get(-260)
  const inner = container instanceof Map ? (container as CborMap).get(1) : undefined
  if (!(inner instanceof Map)) throw refuse('no certificate inside')
  const hcert = toJson(inner, 0) as JsonObject
  const kid = header(message, COSE_KID)
  const algorithm = header(message, COSE_ALG)
  return {
    issuer: textOrNone(claims.get(1)),
    issuedAt: numberOrNone(claims.get(6)),
    expiresAt: numberOrNone(claims.get(4)),
    hcert,
    kinds: KINDS.filter((kind) => isFilledList(hcert[kind])),
    kid: kid instanceof Uint8Array ? kid : undefined,
    algorithm: typeof algorithm === 'number' ? algorithm : undefined,
    message,
  }
}

// CBOR as issuers wrote it: longer heads, indefinite lengths, floats, and the date tags of RFC 8949 section 3.4.
const LENIENT = {
  useMaps: true,
  rejectDuplicateMapKeys: true,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  tags: {
    0: (inner: () => unknown) => inner(),
    1: (inner: () => unknown) => new Date(Number(inner()) * 1000).toISOString(),
  },
}

// The qr room's own reader refuses a label that stands in both headers; here the protected one wins, because
// genuine certificates carry the kid twice.
function readMessage(bytes: Uint8Array): DccMessage {
  let start = bytes[0] === 0xd8 && bytes[1] === 0x3d ? 2 : 0
  if (bytes[start] === 0xd2) start++
  const parts: unknown = decode(bytes.subarray(start), LENIENT)
  if (!Array.isArray(parts) || parts.length !== 4) throw refuse('four parts')
  const [protectedBytes, unprotectedHeader, payload, signature] = parts as unknown[]
  if (
    !(protectedBytes instanceof Uint8Array) ||
    !(unprotectedHeader instanceof Map) ||
    !(payload instanceof Uint8Array) ||
    !(signature instanceof Uint8Array)
  )
    throw refuse('types of the parts')
  const protectedHeader: CborMap = protectedBytes.length === 0 ? new Map() : readMap(protectedBytes)
  return { protectedBytes, protectedHeader, unprotectedHeader, payload, signature }
}

function readMap(bytes: Uint8Array): CborMap {
  const map: unknown = decode(bytes, LENIENT)
  if (!(map instanceof Map)) throw refuse('not a map')
  return map as CborMap
}

function refuse(detail: string): CtidError {
  return new CtidError('ERR_HEALTH_CERTIFICATE', { detail })
}

function reading<T>(part: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new CtidError('ERR_HEALTH_CERTIFICATE', { detail: part, cause })
  }
}

// The signed header speaks first: what stands outside the signature is anybody's choice.
function header(message: DccMessage, label: number): CborValue | undefined {
  return message.protectedHeader.get(label) ?? message.unprotectedHeader.get(label)
}

function textOrNone(value: CborValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function numberOrNone(value: CborValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function isFilledList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0
}

function toJson(value: CborValue, depth: number): unknown {
  if (depth > MAX_DEPTH) throw refuse('nesting')
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (Array.isArray(value)) return value.map((item: CborValue) => toJson(item, depth + 1))
  if (value instanceof Map) {
    const members: [string, unknown][] = []
    for (const [name, member] of value as CborMap) {
      if (typeof name !== 'string') throw refuse('member name')
      members.push([name, toJson(member, depth + 1)])
    }
    return Object.fromEntries(members)
  }
  throw refuse('type of a member')
}

/** How the checks of a certificate came out. All true: it may be believed. */
export type DccReport = {
  /** A key with the certificate's `kid` is known. Protected header first. */
  readonly key: DccKey | undefined
  readonly signature: boolean
  /** The key may sign every kind of event in the certificate. */
  readonly usage: boolean
  /** `issuedAt` is not in the future and `expiresAt` not in the past. */
  readonly fresh: boolean
  /** The document signer certificate was valid when it signed. */
  readonly keyInForce: boolean
}

/**
 * Verifier: checks a certificate against the keys it trusts at time `now` (Unix seconds). The `kid` must name the
 * key: without that, a withdrawn key could be passed off under another's name.
 */
export async function checkDcc(dcc: Dcc, keys: readonly DccKey[], now: number): Promise<DccReport> {
  const { kid } = dcc
  let key: DccKey | undefined
  let signature = false
  for (const candidate of keys) {
    if (!kid || !equalBytes(candidate.kid, kid)) continue
    // Eight bytes may collide by chance: the signature decides which of the keys it is.
    key ??= candidate
    if (!(await verifyDccSignature(dcc, candidate))) continue
    key = candidate
    signature = true
    break
  }
  return {
    key,
    signature,
    usage: key !== undefined && isUsageAllowed(dcc, key),
    fresh: isFresh(dcc, now),
    keyInForce:
      key !== undefined &&
      dcc.issuedAt !== undefined &&
      key.notBefore <= dcc.issuedAt &&
      dcc.issuedAt <= key.notAfter,
  }
}

/** Whether the certificate is within its time: `issuedAt <= now <= expiresAt`, both present. */
export function isFresh(dcc: Dcc, now: number): boolean {
  const { issuedAt, expiresAt } = dcc
  return issuedAt !== undefined && expiresAt !== undefined && issuedAt <= now && now <= expiresAt
}

/** Whether the key's extended usage covers every kind of event in the certificate. */
export function isUsageAllowed(dcc: Dcc, key: DccKey): boolean {
  return dcc.kinds.every((kind) => key.kinds.includes(kind))
}

// COSE algorithms (RFC 9053): the curve is not part of ES256, and some issuers sign it with a P-384 key.
const IMPORT = {
  'P-256': { name: 'ECDSA', namedCurve: 'P-256' },
  'P-384': { name: 'ECDSA', namedCurve: 'P-384' },
  RSA: { name: 'RSA-PSS', hash: 'SHA-256' },
} as const
const VERIFY = {
  '-7': { name: 'ECDSA', hash: 'SHA-256' },
  '-37': { name: 'RSA-PSS', saltLength: 32 },
} as const

/** Whether the signature verifies under the key. The algorithm must fit the key's type. */
export async function verifyDccSignature(dcc: Dcc, key: DccKey): Promise<boolean> {
  const algorithm = dcc.algorithm === -7 || dcc.algorithm === -37 ? dcc.algorithm : undefined
  if (algorithm === undefined || (algorithm === -37) !== (key.keyType === 'RSA')) return false
  try {
    const imported = await globalThis.crypto.subtle.importKey(
      'spki',
      new Uint8Array(key.spki),
      IMPORT[key.keyType],
      false,
      ['verify'],
    )
    return await globalThis.crypto.subtle.verify(
      VERIFY[`${algorithm}`],
      imported,
      new Uint8Array(dcc.message.signature),
      signatureInput(dcc.message),
    )
  } catch {
    return false
  }
}
