// RFC 9497 with ristretto255-SHA512: domain separation, blinding, Finalize and key derivation, over either backend.
// Tokens use the group element before Finalize; Finalize is here so that the RFC's vectors run through the same code.
import { CtidError, concatBytes, framed, uintBytes, utf8 } from '../base/index.ts'
import { type Group, type Point, type Scalar, sha512 } from '../crypto/index.ts'

/** Protocol modes of RFC 9497 section 3.1 that are linear in the key, so that shares can be combined. */
export type OprfMode = 'oprf' | 'voprf'

const MODE_BYTES = { oprf: 0, voprf: 1 } as const
const MAX_INPUT = 65_535

/** contextString of RFC 9497 section 3.1. */
export function contextString(mode: OprfMode): Uint8Array {
  return concatBytes(utf8('OPRFV1-'), uintBytes(MODE_BYTES[mode], 1), utf8('-ristretto255-SHA512'))
}

const GROUP_DST = {
  oprf: concatBytes(utf8('HashToGroup-'), contextString('oprf')),
  voprf: concatBytes(utf8('HashToGroup-'), contextString('voprf')),
}

/**
 * HashToGroup of RFC 9497 section 4.1: the element an input stands for. About 30 µs (sodium).
 *
 * @throws {CtidError} `ERR_TOKEN_INPUT` unless the input has 1 to 65,535 bytes
 */
export function inputElement(group: Group, input: Uint8Array, mode: OprfMode = 'voprf'): Point {
  if (input.length === 0 || input.length > MAX_INPUT) throw new CtidError('ERR_TOKEN_INPUT')
  return group.hashToGroup(input, GROUP_DST[mode])
}

/** Client: Blind of RFC 9497 section 3.3.1 with a given blind. */
export function blindInput(group: Group, input: Uint8Array, blind: Scalar, mode: OprfMode = 'voprf'): Point {
  return group.multiply(blind, inputElement(group, input, mode))
}

/** Client: Finalize of RFC 9497 section 3.3.1, the 64-byte PRF output. Not used for tokens: it could never be rotated. */
export function finalize(group: Group, input: Uint8Array, blind: Scalar, evaluated: Point): Uint8Array {
  const unblinded = group.multiply(group.scalarInvert(blind), evaluated)
  return sha512(concatBytes(framed(input, unblinded), utf8('Finalize')))
}

/** DeriveKeyPair of RFC 9497 section 3.2.1. Evaluators' shares come from a key ceremony instead. */
export function deriveKeyPair(
  group: Group,
  seed: Uint8Array,
  info: Uint8Array,
  mode: OprfMode,
): { readonly secret: Scalar; readonly publicKey: Point } {
  const dst = concatBytes(utf8('DeriveKeyPair'), contextString(mode))
  // The RFC's counter guards against a zero scalar, which hashToScalar refuses; the chance is 2^-252.
  const secret = group.hashToScalar(concatBytes(seed, framed(info), uintBytes(0, 1)), dst)
  return { secret, publicKey: group.multiplyBase(secret) }
}
