// The prime-order group ristretto255 (RFC 9496): branded bytes in and out, one interface, two backends.
// The backends give identical bytes; noble runs everywhere, sodium is constant-time by design and 8 times faster.
import type { Brand, RandomBytes } from '../base/index.ts'

/** 32 little-endian bytes, canonical (below the group order), not zero. */
export type Scalar = Brand<Uint8Array, 'Scalar'>

/** 32 bytes: the canonical encoding of a group element other than the identity. */
export type Point = Brand<Uint8Array, 'Point'>

/**
 * Group operations. Everything throws `CtidError` `ERR_CRYPTO_POINT` or `ERR_CRYPTO_SCALAR` when a result would be
 * the identity or zero: no honest run meets these, so they are refused instead of represented.
 */
export interface Group {
  readonly name: 'noble' | 'sodium'
  /** Checks outside bytes: canonical, on the curve, not the identity. */
  parsePoint(bytes: Uint8Array): Point
  /** Checks outside bytes: canonical, not zero. */
  parseScalar(bytes: Uint8Array): Scalar
  /** hash_to_ristretto255 with expand_message_xmd and SHA-512 (RFC 9380 appendix B). */
  hashToGroup(message: Uint8Array, dst: Uint8Array): Point
  /** hash_to_field into the scalars, as RFC 9497 section 4.1 defines HashToScalar for ristretto255-SHA512. */
  hashToScalar(message: Uint8Array, dst: Uint8Array): Scalar
  /** Uniform non-zero scalar from 64 random bytes. */
  randomScalar(random: RandomBytes): Scalar
  multiply(scalar: Scalar, point: Point): Point
  multiplyBase(scalar: Scalar): Point
  add(a: Point, b: Point): Point
  subtract(a: Point, b: Point): Point
  scalarAdd(a: Scalar, b: Scalar): Scalar
  scalarSubtract(a: Scalar, b: Scalar): Scalar
  scalarMultiply(a: Scalar, b: Scalar): Scalar
  scalarInvert(a: Scalar): Scalar
  scalarNegate(a: Scalar): Scalar
}

/** Small positive integer as a scalar (share identifiers); throws `RangeError` for any other number. */
export function scalarFromInt(value: number): Scalar {
  if (!Number.isSafeInteger(value) || value <= 0) throw new RangeError('share ids are positive integers')
  const out = new Uint8Array(32)
  for (let i = 0, rest = value; rest > 0; i++, rest = Math.floor(rest / 256)) out[i] = rest % 256
  return out as Scalar
}
