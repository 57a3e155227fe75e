// Checkpoints (C2SP tlog-checkpoint): the signed statement "log X has N entries and this root", and who must have signed.
import { type Clock, CtidError, equalBytes, fromUtf8, toHex } from '../base/index.ts'
import { fromBase64, toBase64 } from './base64.ts'
import {
  COSIGNATURE,
  type NoteKey,
  type NoteSigner,
  parseNote,
  parseNoteKey,
  signatureLines,
  verifyNote,
} from './note.ts'
import { isSize } from './tree.ts'

export type Checkpoint = {
  /** Identity of the log, a URL without scheme. */
  readonly origin: string
  /** Number of entries. */
  readonly size: number
  /** RFC 6962 root hash. */
  readonly root: Uint8Array
}

// How far a witness's clock may be ahead of a verifier's.
const SKEW_SECONDS = 300

/** Whom a verifier trusts: one log, and k of these witnesses. */
export type LogPolicy = {
  readonly origin: string
  readonly logKey: NoteKey
  /** Witnesses with distinct public keys. */
  readonly witnesses: readonly NoteKey[]
  /** How many of them must have cosigned; 0 trusts the log alone. */
  readonly threshold: number
  /** With a clock: refuse a checkpoint whose k-th youngest cosignature is older, or lies in the future. */
  readonly maxAgeSeconds?: number
}

/** A {@link LogPolicy} as data, for policies in files: keys in their text form. */
export type LogRequirement = {
  readonly key: string
  /** Default: the name in the key. */
  readonly origin?: string
  readonly witnesses: readonly string[]
  readonly threshold: number
  readonly maxAgeSeconds?: number
}

/**
 * The policy that a requirement states.
 *
 * @throws {CtidError} `ERR_LOG_NOTE` on a key that is none, or a threshold that these witnesses cannot reach
 */
export function logPolicyOf({ key, origin, witnesses, threshold, maxAgeSeconds }: LogRequirement): LogPolicy {
  const logKey = parseNoteKey(key)
  const keys = witnesses.map(parseNoteKey)
  const distinct = new Set(keys.map(({ publicKey }) => toHex(publicKey))).size
  const isReachable = Number.isSafeInteger(threshold) && threshold >= 0 && threshold <= distinct
  if (!isReachable || keys.some(({ type }) => type !== COSIGNATURE))
    throw new CtidError('ERR_LOG_NOTE', { detail: 'witnesses' })
  return {
    origin: origin ?? logKey.name,
    logKey,
    witnesses: keys,
    threshold,
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
  }
}

export type VerifiedCheckpoint = Checkpoint & {
  /** The signed note as received. */
  readonly note: string
  readonly cosigners: readonly { readonly name: string; readonly time: number }[]
}

/** The text that is signed: origin, size, root, a line each. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`
}

/**
 * Reads the text of a checkpoint. Extension lines are accepted and ignored.
 *
 * @throws {CtidError} `ERR_LOG_CHECKPOINT`
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', encoded = '', ...rest] = text.split('\n')
  const wellFormed = origin !== '' && /^(0|[1-9]\d{0,15})$/.test(size) && isSize(Number(size))
  const extensions = rest.slice(0, -1)
  if (!wellFormed || rest.at(-1) !== '' || extensions.includes('')) throw new CtidError('ERR_LOG_CHECKPOINT')
  let root: Uint8Array
  try {
    root = fromBase64(encoded)
  } catch {
    throw new CtidError('ERR_LOG_CHECKPOINT')
  }
  if (root.length !== 32) throw new CtidError('ERR_LOG_CHECKPOINT')
  return { origin, size: Number(size), root }
}

/** Signs a checkpoint; the result is the note that the log publishes. */
export async function signCheckpoint(
  checkpoint: Checkpoint,
  signers: readonly NoteSigner[],
  time = 0,
): Promise<string> {
  const text = formatCheckpoint(checkpoint)
  return `${text}\n${await signatureLines(text, signers, time)}`
}

/**
 * Verifies a signed checkpoint against a policy: right origin, the log's signature, k distinct witnesses.
 *
 * @throws {CtidError} `ERR_LOG_NOTE` (malformed or badly signed), `ERR_LOG_CHECKPOINT` (not this log's),
 *   `ERR_LOG_WITNESSES` (too few or too old cosignatures)
 */
export async function openCheckpoint(
  note: string | Uint8Array,
  policy: LogPolicy,
  clock?: Clock,
): Promise<VerifiedCheckpoint> {
  const parsed = parseNote(note)
  const checkpoint = parseCheckpoint(parsed.text)
  if (checkpoint.origin !== policy.origin) throw new CtidError('ERR_LOG_CHECKPOINT', { detail: 'origin' })
  const verified = await verifyNote(parsed, [policy.logKey, ...policy.witnesses])
  const isLog = (key: NoteKey) => equalBytes(key.publicKey, policy.logKey.publicKey)
  if (!verified.some(({ key }) => key === policy.logKey)) {
    throw new CtidError('ERR_LOG_NOTE', { detail: 'the log did not sign' })
  }
  const cosigners = verified.flatMap(({ key, time }) =>
    time === undefined || isLog(key) ? [] : [{ name: key.name, time }],
  )
  const { maxAgeSeconds } = policy
  const now = maxAgeSeconds === undefined ? undefined : clock?.()
  // A time in the future would count as young for ever.
  const recent = cosigners.filter(
    ({ time }) =>
      now === undefined ||
      maxAgeSeconds === undefined ||
      (time >= now - maxAgeSeconds && time <= now + SKEW_SECONDS),
  )
  if (recent.length < policy.threshold) {
    throw new CtidError('ERR_LOG_WITNESSES', { detail: `${recent.length} of ${policy.threshold}` })
  }
  const text = typeof note === 'string' ? note : fromUtf8(note)
  return { ...checkpoint, note: text, cosigners }
}
