// COSE_Sign1 (RFC 9052 section 4.2) with ES256: write ours, read ours strictly, and read foreign ones for other rooms.
import { CtidError, concatBytes, fromBase64url, type MaybePromise, utf8 } from '../base/index.ts'
import {
  jwkThumbprint,
  type P256PublicJwk,
  type Signer,
  type VerifyKey,
  verifyEs256,
} from '../crypto/index.ts'
import { bytesHead, type CborMap, type CborValue, readCbor, readCborMap, writeCbor } from './cbor.ts'

/** Header label of the algorithm (RFC 9052 section 3.1). */
export const COSE_ALG = 1
/** Header label of critical headers. We implement none, so its presence is a refusal. */
const COSE_CRIT = 2
/** Header label of the key identifier. */
export const COSE_KID = 4
/** Algorithm identifier of ES256 (RFC 9053 section 2.1). */
export const ES256 = -7

const TAG_SIGN1 = 0xd2 // tag 18
const TAG_CWT = [0xd8, 0x3d] as const // tag 61, RFC 8392 section 6
const EMPTY = new Uint8Array(0)
/** An array of four whose first item is the text "Signature1". */
const SIGNATURE1 = concatBytes(Uint8Array.of(0x84, 0x6a), utf8('Signature1'))

/** A decoded COSE_Sign1. Nothing in it has been verified. */
export type Sign1 = {
  /** The protected header as it was signed. */
  readonly protectedBytes: Uint8Array
  readonly protectedHeader: CborMap
  readonly unprotectedHeader: CborMap
  readonly payload: Uint8Array
  readonly signature: Uint8Array
  /** Whether tag 18 was there. */
  readonly tagged: boolean
}

export type DecodeSign1Options = {
  /** Longest accepted input in bytes. Default 4,096. */
  readonly maxBytes?: number
  /** Tag 18 must be there (default), or may be missing. */
  readonly tag?: 'required' | 'optional'
  /** Accept the CWT tag 61 before tag 18. Default false. */
  readonly allowCwtTag?: boolean
  /** `shortest` (default) as we write; `any` for foreign producers, see {@link readCbor}. */
  readonly encoding?: 'shortest' | 'any'
}

/**
 * Reads a COSE_Sign1 with an attached payload. Refuses other tags, trailing bytes, duplicate labels in a header or
 * across both headers (RFC 9052 section 3), critical headers, and detached payloads. Headers keep integer and text
 * labels. About 3 microseconds.
 *
 * @throws {CtidError} `ERR_QR_TOO_LARGE`, `ERR_QR_CBOR`, `ERR_QR_COSE`
 */
export function decodeSign1(bytes: Uint8Array, options: DecodeSign1Options = {}): Sign1 {
  const { maxBytes = 4096, encoding = 'shortest' } = options
  if (bytes.length > maxBytes) throw new CtidError('ERR_QR_TOO_LARGE')
  let start = 0
  if (options.allowCwtTag === true && bytes[0] === TAG_CWT[0] && bytes[1] === TAG_CWT[1]) start = 2
  const tagged = bytes[start] === TAG_SIGN1
  if (tagged) start++
  else if (options.tag !== 'optional' || start > 0) throw new CtidError('ERR_QR_COSE', { detail: 'tag 18' })

  const parts = readCbor(bytes.subarray(start), { maxBytes, encoding })
  if (!Array.isArray(parts) || parts.length !== 4)
    throw new CtidError('ERR_QR_COSE', { detail: 'four parts' })
  const [protectedBytes, unprotectedHeader, payload, signature] = parts as CborValue[]
  if (
    !(protectedBytes instanceof Uint8Array) ||
    !(unprotectedHeader instanceof Map) ||
    !(payload instanceof Uint8Array) ||
    !(signature instanceof Uint8Array)
  ) {
    throw new CtidError('ERR_QR_COSE', { detail: 'types of the parts' })
  }
  const protectedHeader: CborMap =
    protectedBytes.length === 0 ? new Map() : readCborMap(protectedBytes, { maxBytes, encoding })
  for (const label of unprotectedHeader.keys()) {
    if (protectedHeader.has(label)) throw new CtidError('ERR_QR_COSE', { detail: 'label in both headers' })
  }
  if (protectedHeader.has(COSE_CRIT) || unprotectedHeader.has(COSE_CRIT)) {
    throw new CtidError('ERR_QR_COSE', { detail: 'critical header' })
  }
  return { protectedBytes, protectedHeader, unprotectedHeader, payload, signature, tagged }
}

/** The bytes that are signed: Sig_structure with context "Signature1" (RFC 9052 section 4.4). */
export function signatureInput(
  message: Pick<Sign1, 'protectedBytes' | 'payload'>,
  externalAad: Uint8Array = EMPTY,
): Uint8Array<ArrayBuffer> {
  const { protectedBytes } = message
  // An empty map counts as no protected header and is signed as the empty string.
  const isEmpty = protectedBytes.length === 1 && protectedBytes[0] === 0xa0
  const signedHeader = isEmpty ? EMPTY : protectedBytes
  const { payload } = message
  return concatBytes(
    SIGNATURE1,
    bytesHead(signedHeader.length),
    signedHeader,
    bytesHead(externalAad.length),
    externalAad,
    bytesHead(payload.length),
    payload,
  )
}

export type SignSign1Options = {
  /** Key identifier for the protected header. */
  readonly kid?: Uint8Array
  /** Bytes that are signed but not carried (RFC 9052 section 4.3). */
  readonly externalAad?: Uint8Array
}

/** Signs a payload with ES256: tag 18, algorithm and kid in the protected header, empty unprotected header. */
export async function signSign1(
  payload: Uint8Array,
  signer: Signer,
  options: SignSign1Options = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const header = new Map<number, CborValue>([[COSE_ALG, ES256]])
  if (options.kid) header.set(COSE_KID, options.kid)
  const protectedBytes = writeCbor(header)
  const signature = await signer.sign(signatureInput({ protectedBytes, payload }, options.externalAad))
  const body = writeCbor([protectedBytes, new Map(), payload, signature])
  const out = new Uint8Array(body.length + 1)
  out[0] = TAG_SIGN1
  out.set(body, 1)
  return out
}

/**
 * Whether the signature is ES256 by `key` over this message. False also when the protected header does not name
 * ES256: an algorithm outside the signature is an attacker's choice.
 */
export function verifySign1(
  message: Sign1,
  key: VerifyKey,
  options: { readonly externalAad?: Uint8Array } = {},
): MaybePromise<boolean> {
  if (message.protectedHeader.get(COSE_ALG) !== ES256) return false
  return verifyEs256(key, signatureInput(message, options.externalAad), message.signature)
}

/** The 8-byte key identifier of an issuer's key: the first 8 bytes of its RFC 7638 SHA-256 thumbprint. */
export function coseKid(jwk: P256PublicJwk): Uint8Array {
  return fromBase64url(jwkThumbprint(jwk)).subarray(0, 8)
}

/** Name of what is signed, as external data: the same bytes signed for another purpose do not verify here. */
export const signedAs = {
  attestation: utf8('ctid/attestation/1'),
  code: utf8('ctid/code/1'),
} as const
