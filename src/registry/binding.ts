// What an anchor becomes here: points of the registry's sectors, and the sealed binding that keeps them with the entry's
// name in the vault and its expiry. Opened with the binding key only.
import { CtidError, framed, type RandomBytes, uintBytes } from '../base/index.ts'
import { type Group, open, type Point, type Scalar, seal } from '../crypto/index.ts'
import { sectorPoint } from '../token/index.ts'
import { type BindingKey, ofVersion, type SectorKey } from './keys.ts'

/** A person as the registrar hands them in. */
export type Anchored = {
  /** N = K·H2G(canonical identity), from the token room. */
  readonly anchor: Point
  /**
   * Version of the evaluators' key set that gave it. Default 1, so that who never says it is refused after a rotation
   * instead of enrolling everybody a second time.
   */
  readonly anchorVersion?: number
  /** The same person's anchor under the version before; needed from the start of a rotation until it is retired. */
  readonly formerAnchor?: Point
}

/**
 * The anchor under the version asked for.
 *
 * @throws {CtidError} `ERR_REGISTRY_ANCHOR_VERSION`
 */
export function anchorUnder(version: number, { anchor, anchorVersion = 1, formerAnchor }: Anchored): Point {
  if (version === anchorVersion) return anchor
  if (version === anchorVersion - 1 && formerAnchor) return formerAnchor
  throw new CtidError('ERR_REGISTRY_ANCHOR_VERSION', { detail: `version ${version} is missing` })
}

/** x·N of one of the registry's sectors. */
export function pointOf(group: Group, key: SectorKey, anchor: Point): Point {
  return sectorPoint(group, key.scalar.reveal() as Scalar, anchor)
}

/** The point of the same person under another version of the key: (x′/x)·P. The anchor is not needed. */
export function rekeyPoint(group: Group, point: Point, from: SectorKey, to: SectorKey): Point {
  const inverse = group.scalarInvert(from.scalar.reveal() as Scalar)
  return group.multiply(group.scalarMultiply(to.scalar.reveal() as Scalar, inverse), point)
}

/** What a binding says. */
export type Binding = {
  /** Name of the entry in the vault and the history, 16 bytes. */
  readonly entry: Uint8Array
  readonly tokenPoint: Point
  readonly recordPoint: Point
  /** Version of the evaluators' key that the points are multiples of. */
  readonly anchorVersion: number
  /** Which version of the sealed record is the valid one. */
  readonly recordVersion: number
  /** Unix seconds from which the document is no longer valid; absent: unlimited. */
  readonly expiresAt?: number
  /** Token point of the entry that superseded this one. */
  readonly successorPoint?: Point
}

const LENGTH = 16 + 32 + 32 + 6 + 6 + 32 + 6
const CONTEXT = 'ctid/registry/binding/v1'

export type SealedBinding = { readonly binding: Uint8Array; readonly version: number }

/**
 * Seals a binding for one token: 16 entry ‖ 32 token point ‖ 32 record point ‖ 6 record version ‖ 6 expiry (0 none)
 * ‖ 32 successor point (zeros none) ‖ 6 anchor version, AES-256-GCM with the token as context.
 */
export async function sealBinding(
  binding: Binding,
  key: BindingKey,
  options: { readonly token: Uint8Array; readonly random: RandomBytes },
): Promise<SealedBinding> {
  const plain = new Uint8Array(LENGTH)
  plain.set(binding.entry, 0)
  plain.set(binding.tokenPoint, 16)
  plain.set(binding.recordPoint, 48)
  plain.set(uintBytes(binding.recordVersion, 6), 80)
  plain.set(uintBytes(binding.expiresAt ?? 0, 6), 86)
  if (binding.successorPoint) plain.set(binding.successorPoint, 92)
  plain.set(uintBytes(binding.anchorVersion, 6), 124)
  const context = framed(CONTEXT, options.token)
  return {
    binding: await seal(key.key.reveal(), plain, { context, random: options.random }),
    version: key.version,
  }
}

/**
 * Opens a binding. The caller knows from the token which row it must be; a row moved elsewhere does not open.
 *
 * @throws {CtidError} `ERR_REGISTRY_SEAL`, `ERR_REGISTRY_KEYS`
 */
export async function openBinding(
  sealed: SealedBinding,
  keys: readonly BindingKey[],
  token: Uint8Array,
): Promise<Binding> {
  const key = ofVersion(keys, sealed.version)
  let plain: Uint8Array
  try {
    plain = await open(key.key.reveal(), sealed.binding, { context: framed(CONTEXT, token) })
  } catch (cause) {
    throw new CtidError('ERR_REGISTRY_SEAL', { cause })
  }
  if (plain.length !== LENGTH) throw new CtidError('ERR_REGISTRY_SEAL')
  const expiresAt = uint48(plain, 86)
  const successor = plain.subarray(92, 124)
  // Points were checked when they were sealed, and the seal shows that they are those.
  return {
    entry: plain.slice(0, 16),
    tokenPoint: plain.slice(16, 48) as Point,
    recordPoint: plain.slice(48, 80) as Point,
    anchorVersion: uint48(plain, 124),
    recordVersion: uint48(plain, 80),
    ...(expiresAt === 0 ? {} : { expiresAt }),
    ...(successor.every((byte) => byte === 0) ? {} : { successorPoint: successor.slice() as Point }),
  }
}

function uint48(bytes: Uint8Array, offset: number): number {
  let value = 0
  for (let i = 0; i < 6; i++) value = value * 256 + (bytes[offset + i] ?? 0)
  return value
}
