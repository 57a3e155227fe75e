// Bytes sealed to a public key of the group, so that only its holder can read them: ephemeral Diffie–Hellman,
// HKDF-SHA-256, AES-256-GCM (the DHIES composition of Abdalla, Bellare and Rogaway 2001; the shape of RFC 9180 base mode).
import { CtidError, concatBytes, framed, type RandomBytes, utf8 } from '../base/index.ts'
import { type Group, hkdfSha256, open, type Point, type Scalar, seal } from '../crypto/index.ts'

export type BoxOptions = {
  /** What the bytes are for; opening under another context fails. */
  readonly context: Uint8Array
  readonly random: RandomBytes
}

/** Seals to the holder of `recipient`: ephemeral point (32) ‖ nonce (12) ‖ ciphertext ‖ tag (16). */
export async function sealBox(
  group: Group,
  recipient: Point,
  plaintext: Uint8Array,
  { context, random }: BoxOptions,
): Promise<Uint8Array> {
  const ephemeral = group.randomScalar(random)
  const point = group.multiplyBase(ephemeral)
  const key = boxKey(group.multiply(ephemeral, recipient), point, recipient)
  return concatBytes(point, await seal(key, plaintext, { context, random }))
}

/**
 * Opens a box with the secret key.
 *
 * @throws {CtidError} `ERR_CRYPTO_DECRYPT` when it was sealed for another key or context, or altered
 */
export async function openBox(
  group: Group,
  secretKey: Scalar,
  box: Uint8Array,
  { context }: { readonly context: Uint8Array },
): Promise<Uint8Array> {
  if (box.length < 32 + 12 + 16) throw new CtidError('ERR_CRYPTO_DECRYPT')
  const point = group.parsePoint(box.subarray(0, 32))
  const key = boxKey(group.multiply(secretKey, point), point, group.multiplyBase(secretKey))
  return open(key, box.subarray(32), { context })
}

function boxKey(shared: Point, ephemeral: Point, recipient: Point): Uint8Array {
  return hkdfSha256(shared, { info: framed(utf8('CTID-box-v1'), ephemeral, recipient), length: 32 })
}
