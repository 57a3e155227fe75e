// The proof that a one-time copy was logged before it was issued, as the copy itself carries it. One entry for each copy:
// a receipt that several copies shared would let verifiers match them.
import {
  type Clock,
  CtidError,
  fromBase64url,
  isJsonObject,
  type Json,
  type JsonObject,
  type RandomBytes,
  systemRandom,
  toBase64url,
} from '../base/index.ts'
import { jwkThumbprint, type P256PublicJwk } from '../crypto/index.ts'
import { type LogPolicy, type LogRequirement, logPolicyOf } from './checkpoint.ts'
import { parseEntry } from './entry.ts'
import { makePersonalEntry, type Opening, openEntry } from './opening.ts'
import { formatReceipt, type Receipt, type VerifiedReceipt, verifyReceipt } from './receipt.ts'

/** An entry of type `credential-batch` for one copy, and what opens it. */
export type CopyEntry = { readonly entry: Uint8Array; readonly opening: Opening }

export type CopyEntryOptions = {
  /** Unix seconds, rounded. */
  readonly time: number
  /** The holder's key for this issuer, and how many entries it was used for; without it the tags are random. */
  readonly audit?: { readonly key: Uint8Array; readonly counter: number }
  readonly random?: RandomBytes
}

/** Entries for the copies of one batch. Each commits to its holder key and to the number of copies in the batch. */
export function makeCopyEntries(thumbprints: readonly string[], options: CopyEntryOptions): CopyEntry[] {
  const { time, audit, random = systemRandom } = options
  const { key, counter } = audit ?? { key: random(32), counter: 0 }
  return thumbprints.map((thumbprint, i) =>
    makePersonalEntry('credential-batch', { count: thumbprints.length, key: thumbprint }, key, {
      counter: counter + i,
      time,
      random,
    }),
  )
}

/** The claim `log_receipt` of a copy: entry, opening and receipt. About 1 kB with two witnesses. */
export function copyReceipt({ entry, opening }: CopyEntry, receipt: Receipt | undefined): JsonObject {
  if (!receipt) throw new CtidError('ERR_LOG_RECEIPT', { detail: 'missing' })
  return {
    entry: toBase64url(entry),
    randomness: toBase64url(opening.randomness),
    count: opening.payload['count'] as number,
    receipt: formatReceipt(receipt),
  }
}

/**
 * Verifier: checks offline that the copy for a holder key was logged under the policy: the receipt covers the entry, and the
 * entry commits to this key.
 *
 * @throws {CtidError} `ERR_LOG_RECEIPT`, `ERR_LOG_OPENING`, and those of `verifyReceipt`
 */
export async function verifyCopyReceipt(
  claim: Json | undefined,
  thumbprint: string,
  policy: LogPolicy,
  clock?: Clock,
): Promise<VerifiedReceipt> {
  if (!isJsonObject(claim)) throw new CtidError('ERR_LOG_RECEIPT', { detail: 'missing' })
  const { entry: text, randomness, count, receipt } = claim
  if (typeof receipt !== 'string' || typeof count !== 'number')
    throw new CtidError('ERR_LOG_RECEIPT', { detail: 'members' })
  const bytes = decode(text)
  const entry = parseEntry(bytes)
  if (entry.form !== 'personal' || entry.type !== 'credential-batch')
    throw new CtidError('ERR_LOG_RECEIPT', { detail: 'entry' })
  openEntry(entry, { randomness: decode(randomness), payload: { count, key: thumbprint } })
  return verifyReceipt(bytes, receipt, policy, clock)
}

/**
 * Verifier: how a policy requires the log, as the check that every verification of a credential takes
 * (`CredentialPolicy.checkReceipt`): the claim `log_receipt` has to be there, for the key that the copy is bound to.
 *
 * @throws {CtidError} `ERR_LOG_NOTE`; the check throws what `verifyCopyReceipt` does
 */
export function receiptCheck(
  required: LogRequirement,
  clock: Clock,
): (claims: JsonObject, holderKey: P256PublicJwk | undefined) => Promise<void> {
  const policy = logPolicyOf(required)
  return async (claims, holderKey) => {
    const thumbprint = holderKey === undefined ? '' : jwkThumbprint(holderKey)
    await verifyCopyReceipt(claims['log_receipt'], thumbprint, policy, clock)
  }
}

function decode(text: Json | undefined): Uint8Array {
  try {
    if (typeof text === 'string') return fromBase64url(text)
  } catch {
    // Falls through to the one error.
  }
  throw new CtidError('ERR_LOG_RECEIPT', { detail: 'base64url' })
}
