// ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381): a keyed hash with proofs. One input has one output, whoever holds the key.
import { ed25519 } from '@noble/curves/ed25519.js'
import { CtidError, concatBytes, equalBytes } from '../base/index.ts'
import { sha512 } from '../crypto/index.ts'

const { Point } = ed25519
type EdwardsPoint = InstanceType<typeof Point>

const SUITE = 0x03
const PROOF_LENGTH = 80
const ORDER = Point.Fn.ORDER

/** A key pair that evaluates and proves. */
export type VrfKey = {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** Proof for an input: 80 bytes. Deterministic. About 5 ms. */
  prove(input: Uint8Array): Uint8Array
}

/** Key from a 32-byte seed, as for Ed25519 (RFC 9381 section 5.5). Use the seed for nothing else. */
export function vrfKey(seed: Uint8Array): VrfKey {
  if (seed.length !== 32) throw new CtidError('ERR_LOG_VRF', { detail: 'seed' })
  const { scalar, prefix, pointBytes } = ed25519.utils.getExtendedPublicKey(seed)
  const publicKey = new Uint8Array(pointBytes)
  return {
    publicKey,
    prove(input) {
      const hash = encodeToCurve(publicKey, input)
      const hashBytes = hash.toBytes()
      const gamma = hash.multiply(scalar)
      // Nonce by RFC 9381 section 5.4.2.2, as Ed25519 makes it.
      const nonce = littleEndian(sha512(concatBytes(prefix, hashBytes))) % ORDER
      const challenge = challengeOf([
        publicKey,
        hashBytes,
        gamma.toBytes(),
        Point.BASE.multiply(nonce).toBytes(),
        hash.multiply(nonce).toBytes(),
      ])
      const response = Point.Fn.create(nonce + littleEndian(challenge) * scalar)
      return concatBytes(gamma.toBytes(), challenge, Point.Fn.toBytes(response))
    },
  }
}

/**
 * Output of a proof without verifying it (RFC 9381 section 5.2): 64 bytes.
 *
 * @throws {CtidError} `ERR_LOG_VRF` when malformed
 */
export function vrfOutput(proof: Uint8Array): Uint8Array {
  return outputOf(decodeProof(proof).gamma)
}

/**
 * Verifies a proof and returns the 64-byte output (RFC 9381 section 5.3 with validate_key). About 7 ms.
 *
 * @throws {CtidError} `ERR_LOG_VRF` on a malformed or small-order key, or a proof that does not verify
 */
export function vrfVerify(publicKey: Uint8Array, input: Uint8Array, proof: Uint8Array): Uint8Array {
  const key = decodePoint(publicKey)
  // Without this check a small-order key would have the same output for every input (section 5.6.1).
  if (key.isSmallOrder()) throw new CtidError('ERR_LOG_VRF', { detail: 'key' })
  const { gamma, challenge, response } = decodeProof(proof)
  const c = littleEndian(challenge)
  const hash = encodeToCurve(publicKey, input)
  const u = Point.BASE.multiplyUnsafe(response).subtract(key.multiplyUnsafe(c))
  const v = hash.multiplyUnsafe(response).subtract(gamma.multiplyUnsafe(c))
  const expected = challengeOf([publicKey, hash.toBytes(), gamma.toBytes(), u.toBytes(), v.toBytes()])
  if (!equalBytes(expected, challenge)) throw new CtidError('ERR_LOG_VRF', { detail: 'proof' })
  return outputOf(gamma)
}

// Try and increment, RFC 9381 section 5.4.1.1. Which attempt succeeds depends on the input: verifiers know it anyway.
function encodeToCurve(publicKey: Uint8Array, input: Uint8Array): EdwardsPoint {
  for (let counter = 0; counter < 256; counter++) {
    const hash = sha512(
      concatBytes(Uint8Array.of(SUITE, 1), publicKey, input, Uint8Array.of(counter, 0)),
    ).subarray(0, 32)
    const point = tryPoint(hash)?.clearCofactor()
    if (point && !point.is0()) return point
  }
  throw new CtidError('ERR_LOG_VRF', { detail: 'input' })
}

// RFC 9381 section 5.4.3, challenge of 16 bytes.
function challengeOf(points: readonly Uint8Array[]): Uint8Array {
  return sha512(concatBytes(Uint8Array.of(SUITE, 2), ...points, Uint8Array.of(0))).slice(0, 16)
}

function outputOf(gamma: EdwardsPoint): Uint8Array {
  return sha512(concatBytes(Uint8Array.of(SUITE, 3), gamma.clearCofactor().toBytes(), Uint8Array.of(0)))
}

function decodeProof(proof: Uint8Array): { gamma: EdwardsPoint; challenge: Uint8Array; response: bigint } {
  if (proof.length !== PROOF_LENGTH) throw new CtidError('ERR_LOG_VRF', { detail: 'proof length' })
  const response = littleEndian(proof.subarray(48))
  if (response >= ORDER) throw new CtidError('ERR_LOG_VRF', { detail: 'proof scalar' })
  return { gamma: decodePoint(proof.subarray(0, 32)), challenge: proof.slice(32, 48), response }
}

function decodePoint(bytes: Uint8Array): EdwardsPoint {
  const point = tryPoint(bytes)
  if (point === undefined) throw new CtidError('ERR_LOG_VRF', { detail: 'point' })
  return point
}

// Strict decoding (RFC 8032 section 5.1.3): canonical encodings only.
function tryPoint(bytes: Uint8Array): EdwardsPoint | undefined {
  try {
    return Point.fromBytes(new Uint8Array(bytes), false)
  } catch {
    return undefined
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n)
}
