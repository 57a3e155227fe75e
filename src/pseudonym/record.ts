// The citizen's own record: who asked, when, why. The wallet holds one secret, finds its entries by handles that only
// it can compute, and opens them itself; the log does not learn who is reading.
import {
  canonicalJson,
  equalBytes,
  framed,
  fromUtf8,
  type JsonObject,
  parseJsonObject,
  type RandomBytes,
  toBase64url,
  uintBytes,
  utf8,
} from '../base/index.ts'
import { type Group, hkdfSha256, hmacSha256, open, type Scalar, seal, sha256 } from '../crypto/index.ts'
import { openBox } from './box.ts'

/** An entry as the audit log keeps it. */
export type StoredEntry = {
  readonly sealed: Uint8Array
  /** Receipt of the transparency log for the entry's leaf, if one is attached. */
  readonly receipt?: string
}

/** Where sealed entries are read: a part of the audit log's port. */
export type RecordSource = {
  entries(handles: readonly Uint8Array[]): Promise<readonly (readonly StoredEntry[])[]>
}

/** What stands for an entry in the transparency log: 32 bytes each, meaningless to all but the holder. */
export type RecordLeaf = { readonly tag: Uint8Array; readonly commitment: Uint8Array }

/** One conversion that concerned the holder. Times in Unix seconds. */
export type RecordEntry = {
  readonly at: number
  readonly from: string
  readonly to: string
  readonly requester: string
  readonly purpose: string
  /** The purpose in words, by language. */
  readonly text: Readonly<Record<string, string>>
  readonly fields: readonly string[]
  readonly grant: string
  readonly request: string
  /** What must be found in the transparency log, and the receipt that shows it. */
  readonly leaf: RecordLeaf
  readonly receipt?: string
}

/** Context of the box in which a wallet gets its record secret. */
export const WALLET_BOX: Uint8Array = framed(utf8('CTID-record-secret-v1'))

/** Wallet: opens the box it got at enrolment; the result, 32 bytes, is a secret to keep. */
export function openRecordSecret(group: Group, walletKey: Scalar, box: Uint8Array): Promise<Uint8Array> {
  return openBox(group, walletKey, box, { context: WALLET_BOX })
}

/** Where the entries of one epoch lie. Handles of different epochs cannot be told to belong together. */
export function auditHandle(secret: Uint8Array, epoch: number): Uint8Array {
  return hmacSha256(secret, framed('CTID-audit-handle', uintBytes(epoch, 6)))
}

/** Log: seals an entry for its citizen. */
export async function sealEntry(
  secret: Uint8Array,
  content: JsonObject,
  { handle, random }: { readonly handle: Uint8Array; readonly random: RandomBytes },
): Promise<Uint8Array> {
  return seal(entryKey(secret), utf8(canonicalJson(content)), { context: handle, random })
}

/**
 * Wallet: reads its own entries from the epochs `fromEpoch` to `toEpoch`, oldest first.
 *
 * @throws {CtidError} `ERR_CRYPTO_DECRYPT` when the log answers with something that is not ours
 */
export async function readOwnRecord(
  secret: Uint8Array,
  source: RecordSource,
  { fromEpoch, toEpoch }: { readonly fromEpoch: number; readonly toEpoch: number },
): Promise<RecordEntry[]> {
  const handles = Array.from({ length: toEpoch - fromEpoch + 1 }, (_, i) =>
    auditHandle(secret, fromEpoch + i),
  )
  const key = entryKey(secret)
  const out: RecordEntry[] = []
  for (const [i, sealed] of (await source.entries(handles)).entries()) {
    const context = handles[i] ?? new Uint8Array()
    for (const { sealed: one, receipt } of sealed) {
      // Sealed by the log under our key: the shape is what `describe` in conversion-log.ts writes.
      const content = parseJsonObject(fromUtf8(await open(key, one, { context }))) as unknown as RecordEntry
      out.push({ ...content, leaf: recordLeaf(secret, one), ...(receipt !== undefined && { receipt }) })
    }
  }
  return out.sort((a, b) => a.at - b.at)
}

/** Leaf of an entry: tag = HMAC(secret, SHA-256(sealed)), commitment = SHA-256(sealed). */
export function recordLeaf(secret: Uint8Array, sealed: Uint8Array): RecordLeaf {
  const commitment = sha256(sealed)
  return { tag: tagOf(secret, commitment), commitment }
}

/**
 * Wallet: which leaves of the transparency log are its own and missing from the record that it was given: entries that the
 * audit log holds back. `leaves` are all of type `conversion`; nobody learns from the reading whose they are.
 */
export function withheldLeaves(
  secret: Uint8Array,
  record: readonly RecordEntry[],
  leaves: Iterable<RecordLeaf>,
): RecordLeaf[] {
  const shown = new Set(record.map(({ leaf }) => toBase64url(leaf.commitment)))
  return [...leaves].filter(
    ({ tag, commitment }) =>
      equalBytes(tag, tagOf(secret, commitment)) && !shown.has(toBase64url(commitment)),
  )
}

function tagOf(secret: Uint8Array, commitment: Uint8Array): Uint8Array {
  return hmacSha256(secret, framed('CTID-audit-tag', commitment))
}

function entryKey(secret: Uint8Array): Uint8Array {
  return hkdfSha256(secret, { info: utf8('CTID-audit-entry-v1'), length: 32 })
}
