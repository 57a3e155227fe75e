// The text in the square: a dynamic code (the holder signs attestation, half minute, challenge and audience),
// a paper form (the attestation alone), or an online token. One prefix each; everything after it is base45.
import { CtidError, equalBytes, utf8 } from '../base/index.ts'
import { compressPoint, jwkToPoint, type Signer, sha256 } from '../crypto/index.ts'
import { type Attestation, parseAttestation, uint } from './attestation.ts'
import { decodeBase45, encodeBase45 } from './base45.ts'
import { type CborValue, readClaims, writeCbor } from './cbor.ts'
import { type Sign1, signedAs, signSign1 } from './cose.ts'
import { readOwnSign1 } from './own-sign1.ts'

/** Prefixes, all in the QR alphanumeric alphabet; the digit is the version of the format. */
export const PREFIX = { dynamic: 'CTD1:', paper: 'CTP1:', online: 'CTO1:' } as const
export type CodeForm = keyof typeof PREFIX

/** Length of a time step in seconds. */
export const STEP_SECONDS = 30
/** Longest text that is looked at: well above the largest code we make (version 15-M holds 600). */
export const MAX_CODE_LENGTH = 800
const MAX_CODE_BYTES = 600

// Labels of the holder's map: ours, except the nonce (label 10, RFC 9711).
const CHALLENGE = 10
const ATTESTATION = -8
const STEP = -9
const AUDIENCE = -10

export type DynamicCode = {
  readonly form: 'dynamic'
  readonly attestation: Attestation
  /** Unix seconds divided by {@link STEP_SECONDS}, rounded down. */
  readonly step: number
  readonly challenge: Uint8Array | undefined
  /** {@link audienceHash} of the verifier for whom the code was made. */
  readonly audience: Uint8Array | undefined
  readonly message: Sign1
}
export type PaperCode = { readonly form: 'paper'; readonly attestation: Attestation }
export type OnlineCode = { readonly form: 'online'; readonly secret: Uint8Array }
/** A code that was read but not verified. */
export type ParsedCode = DynamicCode | PaperCode | OnlineCode

export type MakeCodeOptions = {
  /** Unix seconds. */
  readonly now: number
  /** What the verifier showed: 8 to 32 bytes. */
  readonly challenge?: Uint8Array
  /** Name of the verifier, as it calls itself. Only 8 bytes of a hash of it travel. */
  readonly audience?: string
  /** Default {@link STEP_SECONDS}. Both sides must use the same. */
  readonly stepSeconds?: number
}

/**
 * Holder: makes the dynamic code of this half minute.
 *
 * @throws {CtidError} `ERR_QR_CLAIMS` when the attestation names another key or none, the challenge is not 8 to 32 bytes, or the time is
 * none; those of `parseAttestation`
 */
export async function makeCode(
  attestation: Uint8Array,
  holder: Signer,
  options: MakeCodeOptions,
): Promise<string> {
  const { now, challenge, audience, stepSeconds = STEP_SECONDS } = options
  const { holderKey } = parseAttestation(attestation)
  if (!holderKey || !equalBytes(holderKey, compressPoint(jwkToPoint(holder.publicJwk)))) {
    throw new CtidError('ERR_QR_CLAIMS', { detail: 'attestation of another key' })
  }
  const map = new Map<number, CborValue>()
  if (challenge) map.set(CHALLENGE, requireChallenge(challenge))
  map.set(ATTESTATION, attestation)
  map.set(STEP, uint(Math.floor(now / stepSeconds), 0xffff_ffff, 'time step'))
  if (audience !== undefined) map.set(AUDIENCE, audienceHash(audience))
  const message = await signSign1(writeCbor(map), holder, { externalAad: signedAs.code })
  return PREFIX.dynamic + encodeBase45(message)
}

/**
 * The paper form of an attestation without holder key: static, so of low assurance.
 *
 * @throws {CtidError} `ERR_QR_CLAIMS` for one with a holder key, and those of `parseAttestation`
 */
export function makePaperCode(attestation: Uint8Array): string {
  requirePaper(parseAttestation(attestation))
  return PREFIX.paper + encodeBase45(attestation)
}

/** First 8 bytes of SHA-256 over the verifier's name. */
export function audienceHash(name: string): Uint8Array {
  return sha256(utf8(`ctid/audience/1:${name}`)).subarray(0, 8)
}

/** Which of the three forms a text has, by its prefix; `undefined` if none, also for what is no text at all. */
export function codeForm(text: unknown): CodeForm | undefined {
  if (typeof text !== 'string') return undefined
  if (text.startsWith(PREFIX.dynamic)) return 'dynamic'
  if (text.startsWith(PREFIX.paper)) return 'paper'
  return text.startsWith(PREFIX.online) ? 'online' : undefined
}

/**
 * Reads a code strictly: prefix, size, base45, CBOR, COSE, claims. It verifies no signature and no time.
 * About 10 microseconds.
 *
 * @throws {CtidError} `ERR_QR_TOO_LARGE`, `ERR_QR_FORM`, `ERR_QR_BASE45`, `ERR_QR_CBOR`, `ERR_QR_COSE`, `ERR_QR_CLAIMS`
 */
export function parseCode(text: string): ParsedCode {
  const form = codeForm(text)
  if (form === undefined) throw new CtidError('ERR_QR_FORM')
  if (text.length > MAX_CODE_LENGTH) throw new CtidError('ERR_QR_TOO_LARGE')
  const bytes = decodeBase45(text, PREFIX[form].length)
  if (form === 'dynamic') return parseDynamic(bytes)
  if (form === 'paper') return { form, attestation: requirePaper(parseAttestation(bytes)) }
  if (bytes.length !== 32) throw new CtidError('ERR_QR_CLAIMS', { detail: 'length of the online token' })
  return { form, secret: bytes }
}

function parseDynamic(bytes: Uint8Array): DynamicCode {
  const [message] = readOwnSign1(bytes, 'no kid', MAX_CODE_BYTES)
  const map = readClaims(message.payload, MAX_CODE_BYTES)
  const inner = map.get(ATTESTATION)
  const challenge = map.get(CHALLENGE)
  const audience = map.get(AUDIENCE)
  const expected = 2 + (challenge === undefined ? 0 : 1) + (audience === undefined ? 0 : 1)
  if (map.size !== expected || !(inner instanceof Uint8Array)) {
    throw new CtidError('ERR_QR_CLAIMS', { detail: 'set of labels' })
  }
  if (audience !== undefined && !(audience instanceof Uint8Array && audience.length === 8)) {
    throw new CtidError('ERR_QR_CLAIMS', { detail: 'audience' })
  }
  const attestation = parseAttestation(inner)
  if (!attestation.holderKey) throw new CtidError('ERR_QR_CLAIMS', { detail: 'holder key missing' })
  return {
    form: 'dynamic',
    attestation,
    step: uint(map.get(STEP), 0xffff_ffff, 'time step'),
    challenge: challenge === undefined ? undefined : requireChallenge(challenge),
    audience,
    message,
  }
}

function requireChallenge(value: CborValue): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length < 8 || value.length > 32) {
    throw new CtidError('ERR_QR_CLAIMS', { detail: 'challenge' })
  }
  return value
}

function requirePaper(attestation: Attestation): Attestation {
  if (attestation.holderKey) throw new CtidError('ERR_QR_CLAIMS', { detail: 'paper form with a holder key' })
  return attestation
}
