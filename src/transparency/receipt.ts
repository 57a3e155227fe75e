// Receipts (C2SP tlog-proof): "this entry is in the log, and k witnesses saw the log grow", checked without a network.
import { type Clock, CtidError, isCtidError } from '../base/index.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { type LogPolicy, openCheckpoint, parseCheckpoint, type VerifiedCheckpoint } from './checkpoint.ts'
import { parseNote } from './note.ts'
import { isSize, leafHash, verifyInclusion } from './tree.ts'

export type Receipt = {
  readonly index: number
  /** Inclusion proof, from the leaf's sibling to the root's child. */
  readonly proof: readonly Uint8Array[]
  /** The signed checkpoint, cosignatures included. */
  readonly checkpoint: string
  /** Unauthenticated extra data, such as a VRF proof. */
  readonly extra?: Uint8Array
}

const FIRST_LINE = 'c2sp.org/tlog-proof@v1'
const MAX_LENGTH = 65_536
const MAX_PROOF = 63

/** The text of a receipt: `receipt` in a credential's claim `log_receipt`. */
export function formatReceipt({ index, proof, checkpoint, extra }: Receipt): string {
  const lines = [FIRST_LINE, `index ${index}`, ...proof.map(toBase64)]
  if (extra) lines.splice(1, 0, `extra ${toBase64(extra)}`)
  return `${lines.join('\n')}\n\n${checkpoint}`
}

/**
 * Takes the text of a receipt apart; nothing is verified.
 *
 * @throws {CtidError} `ERR_LOG_RECEIPT`
 */
export function parseReceipt(text: string): Receipt {
  if (text.length > MAX_LENGTH) throw malformed('size')
  const split = text.indexOf('\n\n')
  const lines = text.slice(0, split).split('\n')
  if (split < 0 || lines.shift() !== FIRST_LINE) throw malformed('first line')
  const extra = lines[0]?.startsWith('extra ') ? decode((lines.shift() ?? '').slice(6)) : undefined
  const index = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? '')?.[1]
  if (index === undefined || !isSize(Number(index))) throw malformed('index')
  if (lines.length > MAX_PROOF) throw malformed('proof')
  const proof = lines.map(decode)
  if (proof.some((hash) => hash.length !== 32)) throw malformed('proof')
  return {
    index: Number(index),
    proof,
    checkpoint: text.slice(split + 2),
    ...(extra === undefined ? {} : { extra }),
  }
}

export type VerifiedReceipt = VerifiedCheckpoint & { readonly index: number }

/**
 * Verifies offline that `entry` is in the log at the receipt's index, under a checkpoint that satisfies the policy.
 * One Ed25519 verification for the log and one per witness, and a logarithm of hashes.
 *
 * @throws {CtidError} `ERR_LOG_RECEIPT` (malformed, or not this entry), `ERR_LOG_NOTE`, `ERR_LOG_CHECKPOINT`, `ERR_LOG_WITNESSES`
 */
export async function verifyReceipt(
  entry: Uint8Array,
  receipt: Receipt | string,
  policy: LogPolicy,
  clock?: Clock,
): Promise<VerifiedReceipt> {
  const { index, proof, checkpoint } = typeof receipt === 'string' ? parseReceipt(receipt) : receipt
  const opened = await openCheckpoint(checkpoint, policy, clock)
  const claim = { index, size: opened.size, leaf: leafHash(entry), root: opened.root }
  if (!verifyInclusion(proof, claim)) throw new CtidError('ERR_LOG_RECEIPT', { detail: 'inclusion' })
  return { ...opened, index }
}

/** Size named by a receipt's checkpoint, unverified: to decide whether a newer receipt is worth fetching. */
export function receiptSize(receipt: Receipt): number {
  return parseCheckpoint(parseNote(receipt.checkpoint).text).size
}

function decode(text: string): Uint8Array {
  try {
    return fromBase64(text)
  } catch (cause) {
    if (isCtidError(cause)) throw cause
    throw malformed('base64')
  }
}

function malformed(detail: string): CtidError {
  return new CtidError('ERR_LOG_RECEIPT', { detail })
}
