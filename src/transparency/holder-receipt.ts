// What a holder keeps from a registration: proof that the record and the token are each bound exactly once, to each other.
import {
  type Clock,
  CtidError,
  fromBase64url,
  isJsonObject,
  parseJsonObject,
  toBase64url,
} from '../base/index.ts'
import type { LogPolicy } from './checkpoint.ts'
import { type Directory, directoryLeaf } from './directory.ts'
import { encodeEntry, parseEntry } from './entry.ts'
import { recordInput, tokenInput, verifyLabel } from './labels.ts'
import { decodePrefixProof, encodePrefixProof, verifyAbsent, verifyPresent } from './prefix-proof.ts'
import { verifyReceipt } from './receipt.ts'

/** Everything as text, ready to be stored or printed. About 4 kB at a thousand million registrations. */
export type HolderReceipt = {
  /** The binding entry, and its log receipt. */
  readonly entry: string
  readonly entryReceipt: string
  /** The epoch entry whose roots the proofs are for, and its log receipt. */
  readonly epoch: string
  readonly epochReceipt: string
  /** VRF proofs of the two labels: what shows that they are the labels of this record and this token. */
  readonly recordVrf: string
  readonly tokenVrf: string
  /** Inclusion in the two prefix trees. */
  readonly recordProof: string
  readonly tokenProof: string
  /** VRF proof and non-inclusion of the record's next version: no later token exists. */
  readonly nextVrf: string
  readonly nextProof: string
}

export type HolderClaim = {
  /** Canonical bytes of the record. */
  readonly record: Uint8Array
  readonly token: Uint8Array
  /** 1 at registration. */
  readonly version: number
}

export type HolderPolicy = LogPolicy & { readonly vrfPublicKey: Uint8Array }

/**
 * Verifies a holder's receipt: this record (at this version) is bound to this token, once; no later version is bound.
 *
 * @returns index of the entry and the epoch it is proven for
 * @throws {CtidError} `ERR_LOG_RECEIPT` with the failed step as detail, and the errors of `verifyReceipt` and of the VRF
 */
export async function verifyHolderReceipt(
  claim: HolderClaim,
  receipt: HolderReceipt,
  policy: HolderPolicy,
  clock?: Clock,
): Promise<{ readonly index: number; readonly epoch: number; readonly size: number }> {
  const bytes = (name: keyof HolderReceipt) => decode(receipt[name])
  const { vrfPublicKey } = policy
  const entry = parseEntry(bytes('entry'))
  const epoch = parseEntry(bytes('epoch'))
  if (entry.form !== 'binding') throw failed('entry')
  if (epoch.form !== 'epoch') throw failed('epoch')
  const { index } = await verifyReceipt(bytes('entry'), receipt.entryReceipt, policy, clock)
  const logged = await verifyReceipt(bytes('epoch'), receipt.epochReceipt, policy, clock)
  if (logged.index <= index) throw failed('epoch before entry')

  const recordLabel = verifyLabel(vrfPublicKey, recordInput(claim.record, claim.version), bytes('recordVrf'))
  const tokenLabel = verifyLabel(vrfPublicKey, tokenInput(claim.token), bytes('tokenVrf'))
  const nextLabel = verifyLabel(vrfPublicKey, recordInput(claim.record, claim.version + 1), bytes('nextVrf'))
  const mine = { ...entry, recordLabel, tokenLabel }
  if (toBase64url(encodeEntry(mine)) !== receipt.entry) throw failed('labels')

  const proof = (name: keyof HolderReceipt) => decodePrefixProof(bytes(name))
  const leaf = (side: 'record' | 'token') => directoryLeaf(side, { index, entry })
  if (!verifyPresent(proof('recordProof'), leaf('record'), epoch.recordRoot)) throw failed('record proof')
  if (!verifyPresent(proof('tokenProof'), leaf('token'), epoch.tokenRoot)) throw failed('token proof')
  if (!verifyAbsent(proof('nextProof'), nextLabel, epoch.recordRoot)) throw failed('later version')
  return { index, epoch: epoch.epoch, size: logged.size }
}

export type HolderReceiptParts = {
  readonly entry: Uint8Array
  readonly entryReceipt: string
  readonly epoch: Uint8Array
  readonly epochReceipt: string
  readonly recordVrf: Uint8Array
  readonly tokenVrf: Uint8Array
  /** The next version's label and proof. */
  readonly next: { readonly label: Uint8Array; readonly proof: Uint8Array }
}

/** Makes a receipt from the directory as it was when the epoch entry was logged. */
export function makeHolderReceipt(directory: Directory, parts: HolderReceiptParts): HolderReceipt {
  const entry = parseEntry(parts.entry)
  if (entry.form !== 'binding') throw failed('entry')
  const prove = (side: 'record' | 'token', label: Uint8Array) =>
    toBase64url(encodePrefixProof(directory.prove(side, label)))
  return {
    entry: toBase64url(parts.entry),
    entryReceipt: parts.entryReceipt,
    epoch: toBase64url(parts.epoch),
    epochReceipt: parts.epochReceipt,
    recordVrf: toBase64url(parts.recordVrf),
    tokenVrf: toBase64url(parts.tokenVrf),
    recordProof: prove('record', entry.recordLabel),
    tokenProof: prove('token', entry.tokenLabel),
    nextVrf: toBase64url(parts.next.proof),
    nextProof: prove('record', parts.next.label),
  }
}

const MEMBERS: readonly (keyof HolderReceipt)[] = [
  'entry',
  'entryReceipt',
  'epoch',
  'epochReceipt',
  'recordVrf',
  'tokenVrf',
  'recordProof',
  'tokenProof',
  'nextVrf',
  'nextProof',
]

/** Reads a holder's receipt from JSON text. Throws `ERR_LOG_RECEIPT`, `ERR_JSON_…`. */
export function parseHolderReceipt(text: string): HolderReceipt {
  const value = parseJsonObject(text)
  const complete = MEMBERS.every((name) => typeof value[name] === 'string')
  if (!isJsonObject(value) || !complete) throw failed('members')
  return value as HolderReceipt
}

function decode(text: string): Uint8Array {
  try {
    return fromBase64url(text)
  } catch {
    throw failed('base64url')
  }
}

function failed(detail: string): CtidError {
  return new CtidError('ERR_LOG_RECEIPT', { detail })
}
