// ElGamal on the group: a point encrypted for a key, so that it can be multiplied by those who cannot read it.
import type { Group, Point, Scalar } from '../crypto/index.ts'

/** (r·G, r·Y + M). */
export type Ciphertext = { readonly c1: Point; readonly c2: Point }

/** Encrypts `message` under the public key Y with the given fresh randomness r. Two multiplications. */
export function encryptPoint(group: Group, key: Point, message: Point, r: Scalar): Ciphertext {
  return { c1: group.multiplyBase(r), c2: group.add(group.multiply(r, key), message) }
}

/** M = c2 − y·c1. One multiplication. */
export function decryptPoint(group: Group, secretKey: Scalar, { c1, c2 }: Ciphertext): Point {
  return group.subtract(c2, group.multiply(secretKey, c1))
}
