// Witnesses (C2SP tlog-witness): they remember the last checkpoint of each log and cosign only what extends it.
import { type Clock, CtidError, equalBytes, isCtidError, systemClock } from '../base/index.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import {
  type Note,
  type NoteKey,
  type NoteSigner,
  parseNote,
  parseSignatureLine,
  signatureLine,
  signatureLines,
  type VerifiedSignature,
  verifyNote,
} from './note.ts'
import { proveConsistency } from './prove.ts'
import type { TileSource } from './tiles.ts'
import { EMPTY_ROOT, isSize, verifyConsistency } from './tree.ts'

/** A log that a witness follows. */
export type WitnessedLog = { readonly origin: string; readonly keys: readonly NoteKey[] }

/** Where a witness keeps its memory. `put` must be durable when it resolves. */
export type WitnessStore = {
  /** The last checkpoint note that was cosigned for this origin. */
  get(origin: string): Promise<string | undefined>
  /** Replaces `last`, which is what `get` gave. False, and nothing is changed, when another process has replaced it since. */
  put(origin: string, note: string, last: string | undefined): Promise<boolean>
  /** Keeps a signed request that contradicts what was cosigned: proof of misbehaviour, for people to look at. */
  evidence?(origin: string, note: string, reason: 'fork' | 'inconsistent'): Promise<void>
}

export type WitnessResponse = {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422
  readonly contentType: string
  readonly body: string
}

export type Witness = {
  readonly key: NoteKey
  /** The body of `POST add-checkpoint` and its answer, by the rules of tlog-witness. */
  addCheckpoint(request: string): Promise<WitnessResponse>
}

export type WitnessOptions = {
  readonly signer: NoteSigner
  readonly logs: readonly WitnessedLog[]
  readonly store: WitnessStore
  readonly clock?: Clock
}

const MAX_REQUEST = 1 << 20
const MAX_PROOF = 63

/** A witness. Requests for one origin are handled one after the other: check and update are one step. */
export function createWitness({ signer, logs, store, clock = systemClock }: WitnessOptions): Witness {
  const turns = new Map<string, Promise<unknown>>()

  async function judge(request: AddCheckpoint, origin: string): Promise<WitnessResponse> {
    const { oldSize, proof, note, checkpoint } = request
    const last = await store.get(origin)
    const seen: Checkpoint = last
      ? parseCheckpoint(parseNote(last).text)
      : { origin, size: 0, root: EMPTY_ROOT }
    if (oldSize > checkpoint.size) return answer(400, 'old size is above the checkpoint size\n')
    if (oldSize !== seen.size) return sizeConflict(seen.size)
    if (checkpoint.size === oldSize) {
      if (!equalBytes(checkpoint.root, seen.root)) {
        await store.evidence?.(origin, note, 'fork')
        return sizeConflict(seen.size)
      }
      if (proof.length > 0) return answer(422, 'proof must be empty\n')
    } else if (!isConsistent(seen, checkpoint, proof)) {
      await store.evidence?.(origin, note, 'inconsistent')
      return answer(422, 'consistency proof does not verify\n')
    }
    // Another process of this witness was faster: what it cosigned counts.
    if (note !== last && !(await store.put(origin, note, last))) return judge(request, origin)
    return answer(200, await signatureLines(parseNote(note).text, [signer], clock()))
  }

  return {
    key: signer.key,
    async addCheckpoint(body) {
      const request = tryParse(body)
      if (request === undefined) return answer(400, 'malformed request\n')
      const { origin } = request.checkpoint
      const log = logs.find((candidate) => candidate.origin === origin)
      if (log === undefined) return answer(404, 'unknown log\n')
      const parsed = parseNote(request.note)
      const signed = await verifyNote(parsed, log.keys).catch(() => [])
      if (signed.length === 0) return answer(403, 'no valid signature of the log\n')
      const note = signedOnly(parsed, signed)
      const turn = (turns.get(origin) ?? Promise.resolve()).then(() => judge({ ...request, note }, origin))
      turns.set(
        origin,
        turn.catch(() => undefined),
      )
      return turn
    },
  }
}

// What others have written below the text would be kept for them, and as evidence in ever new forms.
function signedOnly({ text, signatures }: Note, signed: readonly VerifiedSignature[]): string {
  const lines = signed.flatMap(({ key }) => {
    const own = signatures.find(({ name, id }) => name === key.name && id === key.id)
    return own ? [signatureLine(own)] : []
  })
  return `${text}\n${lines.join('')}`
}

function isConsistent(seen: Checkpoint, next: Checkpoint, proof: readonly Uint8Array[]): boolean {
  if (seen.size === 0) return proof.length === 0
  const claim = { oldSize: seen.size, size: next.size, oldRoot: seen.root, root: next.root }
  return verifyConsistency(proof, claim)
}

function answer(status: WitnessResponse['status'], body: string): WitnessResponse {
  return { status, contentType: 'text/plain; charset=utf-8', body }
}

function sizeConflict(size: number): WitnessResponse {
  return { status: 409, contentType: 'text/x.tlog.size', body: `${size}\n` }
}

type AddCheckpoint = {
  readonly oldSize: number
  readonly proof: readonly Uint8Array[]
  readonly note: string
  readonly checkpoint: Checkpoint
}

function tryParse(body: string): AddCheckpoint | undefined {
  try {
    if (body.length > MAX_REQUEST) return undefined
    const split = body.indexOf('\n\n')
    const [first = '', ...lines] = body.slice(0, Math.max(split, 0)).split('\n')
    const oldSize = /^old (0|[1-9]\d{0,15})$/.exec(first)?.[1]
    const proof = lines.map(fromBase64)
    const note = body.slice(split + 2)
    const wellFormed = oldSize !== undefined && isSize(Number(oldSize)) && proof.length <= MAX_PROOF
    if (!wellFormed || proof.some((hash) => hash.length !== 32)) return undefined
    return { oldSize: Number(oldSize), proof, note, checkpoint: parseCheckpoint(parseNote(note).text) }
  } catch {
    return undefined
  }
}

/** The body of `add-checkpoint`. */
export function formatAddCheckpoint(oldSize: number, proof: readonly Uint8Array[], note: string): string {
  return `${[`old ${oldSize}`, ...proof.map(toBase64)].join('\n')}\n\n${note}`
}

/** A witness as the log sees it: over HTTP or in the same process. */
export type WitnessClient = {
  readonly key: NoteKey
  addCheckpoint(request: string): Promise<{ readonly status: number; readonly body: string }>
}

export type CosignOptions = {
  readonly witnesses: readonly WitnessClient[]
  /** How many must answer before a checkpoint is published. */
  readonly threshold: number
}

/**
 * Collects cosignatures: the `cosign` of a log. Asks all witnesses at once, catches up after a 409, ignores those that
 * fail or that forgot what they cosigned, and throws when fewer than the threshold cosigned.
 *
 * @throws {CtidError} on the returned function `ERR_LOG_WITNESSES`; `ERR_LOG_CORRUPT` when one of those missing has seen
 *   more entries than the log has: the log was rolled back
 */
export function cosignWith({
  witnesses,
  threshold,
}: CosignOptions): (note: string, source: TileSource) => Promise<string> {
  const sizes = new Map<NoteKey, number>()
  return async (note, source) => {
    const { size } = parseCheckpoint(parseNote(note).text)
    const answers = await Promise.allSettled(
      witnesses.map(async (witness) => {
        const lines = await askWitness(witness, note, { source, size, known: sizes.get(witness.key) ?? 0 })
        sizes.set(witness.key, size)
        return lines
      }),
    )
    const lines = answers.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    if (lines.length < threshold) {
      const reasons = answers.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
      const ahead = reasons.find((reason) => isCtidError(reason) && reason.code === 'ERR_LOG_CORRUPT')
      throw ahead ?? new CtidError('ERR_LOG_WITNESSES', { detail: `${lines.length} of ${threshold}` })
    }
    return note + lines.join('')
  }
}

async function askWitness(
  witness: WitnessClient,
  note: string,
  { source, size, known }: { source: TileSource; size: number; known: number },
): Promise<string> {
  let oldSize = Math.min(known, size)
  // Twice: the witness may tell us, once, that it stands elsewhere.
  for (let attempt = 0; attempt < 2; attempt++) {
    const proof = oldSize > 0 && oldSize < size ? await proveConsistency(source, oldSize, size) : []
    const { status, body } = await witness.addCheckpoint(formatAddCheckpoint(oldSize, proof, note))
    if (status === 200) return ownLine(body, note, witness.key)
    if (status !== 409 || !/^(0|[1-9]\d{0,15})\n$/.test(body)) break
    oldSize = Number(body)
    if (oldSize > size) throw new CtidError('ERR_LOG_CORRUPT', { detail: 'a witness has seen more entries' })
    // A witness that stands behind what it cosigned for us lost its memory: it could be led onto a fork.
    if (oldSize < known) break
  }
  throw new CtidError('ERR_LOG_WITNESSES', { detail: 'refused' })
}

// Of the lines that came back, the one that is a valid cosignature of this witness; the others are ignored.
async function ownLine(body: string, note: string, key: NoteKey): Promise<string> {
  for (const line of body.split('\n').slice(0, 16)) {
    if (line === '') continue
    const signature = parseSignatureLine(line)
    if (signature.name !== key.name || signature.id !== key.id) continue
    const verified = await verifyNote({ text: parseNote(note).text, signatures: [signature] }, [key])
    if (verified.length === 1) return `${line}\n`
  }
  throw new CtidError('ERR_LOG_WITNESSES', { detail: 'no cosignature in the answer' })
}

/** A witness store in memory: for tests and demonstrations; a restarted witness with it would forget. */
export function memoryWitnessStore(): WitnessStore & { readonly kept: { origin: string; reason: string }[] } {
  const notes = new Map<string, string>()
  const kept: { origin: string; reason: string }[] = []
  return {
    kept,
    get: async (origin) => notes.get(origin),
    put: async (origin, note, last) => {
      if (notes.get(origin) !== last) return false
      notes.set(origin, note)
      return true
    },
    evidence: async (origin, _note, reason) => void kept.push({ origin, reason }),
  }
}
