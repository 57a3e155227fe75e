// Proof that a sector knows the secret of its receiving key. Without it a sector could publish k·G − W, a key made to
// cancel the trustees' envelope, and read requests that only the trustees may open.
import { framed, type RandomBytes, utf8 } from '../base/index.ts'
import type { Group, Point, Scalar } from '../crypto/index.ts'
import { proveRelation, type Relation, verifyRelation } from './relation.ts'

/** A receiving key as it is published. */
export type ReceiverKey = { readonly key: Point; readonly keyProof: Uint8Array }

/** Sector: publishes Y = y·G with its proof of possession (Schnorr, 64 bytes), bound to the sector's name. */
export function publishReceiverKey(
  group: Group,
  sector: string,
  secretKey: Scalar,
  { random }: { readonly random: RandomBytes },
): ReceiverKey {
  const key = group.multiplyBase(secretKey)
  return { key, keyProof: proveRelation(group, [secretKey], statement(sector, key), random) }
}

/** Whether the proof shows that the sector knows the secret of the key. */
export function verifyReceiverKey(group: Group, sector: string, { key, keyProof }: ReceiverKey): boolean {
  return verifyRelation(group, keyProof, 1, statement(sector, key))
}

function statement(sector: string, key: Point): Relation {
  return {
    equations: [{ result: key, terms: [{ secret: 0 }] }],
    context: framed(utf8('CTID-receiver-key-v1'), sector),
  }
}
