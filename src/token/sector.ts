// Sector points and tokens: what a sector keeps sealed, and the only thing that is ever stored or shown in clear.
import { type Brand, framed, type RandomBytes, uintBytes } from '../base/index.ts'
import { type Group, hmacSha256, type Point, type Scalar } from '../crypto/index.ts'

/** 32 bytes: HMAC of a sector point under the sector's key. Stable for one key version, meaningless without the key. */
export type Token = Brand<Uint8Array, 'Token'>

const TOKEN_LABEL = 'ctid/token/v1'

/** P = x·N: one person's point in the sector that holds x. Kept sealed, never stored or shown in clear. */
export function sectorPoint(group: Group, x: Scalar, anchor: Point): Point {
  return group.multiply(x, anchor)
}

/**
 * Token of a sector point: HMAC-SHA-256(key, framed("ctid/token/v1", keyVersion as 4 bytes, point)). Still hides the
 * person from whoever breaks discrete logarithms, a quantum computer too, as long as the key is secret.
 *
 * @param key 32 bytes of the sector, independent of x
 */
export function sectorToken(key: Uint8Array, point: Point, options: { readonly keyVersion: number }): Token {
  return hmacSha256(key, framed(TOKEN_LABEL, uintBytes(options.keyVersion, 4), point)) as Token
}

/** A sector's secrets of one version. */
export type SectorKeys = { readonly version: number; readonly x: Scalar; readonly tokenKey: Uint8Array }

/** Draws a sector's secrets. */
export function generateSectorKeys(
  group: Group,
  options: { version: number; random: RandomBytes },
): SectorKeys {
  return {
    version: options.version,
    x: group.randomScalar(options.random),
    tokenKey: options.random(32),
  }
}

/**
 * Moves a sector point to new secrets without anchor or identity: P′ = (x′/x)·P, equal to a fresh derivation. A
 * bijection, so one-to-one holds across the rotation.
 */
export function rotateSectorPoint(group: Group, point: Point, from: SectorKeys, to: SectorKeys): Point {
  return group.multiply(group.scalarMultiply(to.x, group.scalarInvert(from.x)), point)
}
