// Checkpoints (C2SP tlog-checkpoint): the signed statement "log X has N entries and this root", and who must have signed.
import { type Clock, CtidError, equalBytes } from '../base/index.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { type NoteKey, type NoteSigner, parseNote, signatureLines, verifyNote } from './note.ts'
import { isSize } from './tree.ts'

export type Checkpoint = {
  /** Identity of the log, a URL without scheme. */
  readonly origin: string
  /** Number of entries. */
  readonly size: number
  /** RFC 6962 root hash. */
  readonly root: Uint8Array
}

/** Whom a verifier trusts: one log, and k of these witnesses. */
export type LogPolicy = {
  readonly origin: string
  readonly logKey: NoteKey
  /** Witnesses with distinct public keys. */
  readonly witnesses: readonly NoteKey[]
  /** How many of them must have cosigned; 0 trusts the log alone. */
  readonly threshold: number
  /** With a clock: refuse a checkpoint whose k-th youngest cosignature is older. */
  readonly maxAgeSeconds?: number
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
  const recent = cosigners.filter(
    ({ time }) => !clock || policy.maxAgeSeconds === undefined || time >= clock() - policy.maxAgeSeconds,
  )
  if (recent.length < policy.threshold) {
    throw new CtidError('ERR_LOG_WITNESSES', { detail: `${recent.length} of ${policy.threshold}` })
  }
  const text = typeof note === 'string' ? note : new TextDecoder().decode(note)
  return { ...checkpoint, note: text, cosigners }
}
