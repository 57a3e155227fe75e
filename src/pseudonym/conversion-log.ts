// The audit log of conversions. It learns the audit pseudonyms of a request, never a person and never a department's
// pseudonym; it admits a request only if every row is an enrolled person, writes one sealed entry for each, and
// answers with the receipt without which no trustee goes on.
//
// At rest it holds keyed indices and sealed entries only: each citizen's entries lie under handles that change with
// the epoch and open with a secret that the citizen's wallet got at enrolment.
import {
  type Clock,
  CtidError,
  framed,
  fromBase64url,
  type JsonObject,
  type RandomBytes,
  toBase64url,
} from '../base/index.ts'
import { type Group, hmacSha256, type Point, type Scalar, type Signer } from '../crypto/index.ts'
import { sealBox } from './box.ts'
import { type ConversionPart, combineParts, verifyPart } from './convert.ts'
import { openPayload } from './delivery.ts'
import { type Directory, pairId, publicFactorShare, receiverKey } from './directory.ts'
import { decryptPoint } from './elgamal.ts'
import type { Fault } from './fault.ts'
import type { Journal } from './journal.ts'
import { signReceipt } from './receipt.ts'
import {
  auditHandle,
  type RecordLeaf,
  recordLeaf,
  type StoredEntry,
  sealEntry,
  WALLET_BOX,
} from './record.ts'
import {
  type ConversionBatch,
  type ConversionRequest,
  type OpenedRequest,
  openRequest,
  requirePayloads,
} from './request.ts'
import { conversionContext } from './trustee.ts'

/** Either a receipt, or the trustees whose parts were wrong, to be replaced. */
export type Admission =
  | { readonly admitted: true; readonly receipt: string }
  | { readonly admitted: false; readonly faults: readonly Fault[] }

/** Either what each wallet gets (sealed record secrets, in the order of the rows), or the wrong trustees. */
export type AuditEnrolment =
  | { readonly admitted: true; readonly walletBoxes: readonly Uint8Array[] }
  | { readonly admitted: false; readonly faults: readonly Fault[] }

/** The port: what gateway and wallets need of an audit log, wherever it runs. */
export type ConversionLog = {
  /**
   * @throws {CtidError} `ERR_PSEUDONYM_NOT_ENROLLED` naming rows, `ERR_PSEUDONYM_REPLAY`, `ERR_PSEUDONYM_GRANT_COUNT`, and the errors of `openRequest`
   */
  admit(request: ConversionRequest, parts: readonly ConversionPart[]): Promise<Admission>
  /**
   * Enrols the persons of a request from the anchor to the audit log; payload of a row: the wallet's key, 32 bytes.
   *
   * @throws {CtidError} `ERR_PSEUDONYM_REPLAY`, `ERR_PSEUDONYM_GRANT_COUNT`, and the errors of `openRequest`
   */
  enrol(batch: ConversionBatch, parts: readonly ConversionPart[]): Promise<AuditEnrolment>
  /** Sealed entries under each handle. Open to all: a handle cannot be guessed, and an entry opens for its wallet only. */
  entries(handles: readonly Uint8Array[]): Promise<readonly (readonly StoredEntry[])[]>
}

export type ConversionLogOptions = {
  readonly directory: Directory
  /** y of the audit sector. */
  readonly secretKey: Scalar
  /** 32 bytes: keys indices and the secrets of the citizens' records. */
  readonly indexKey: Uint8Array
  readonly signer: Signer
  readonly journal: Journal
  readonly clock: Clock
  readonly random: RandomBytes
  /**
   * Puts leaves into the transparency log, one for each entry, and answers with its receipts in the same order. When it
   * throws there is no receipt of ours either.
   */
  readonly publish?: (leaves: readonly RecordLeaf[], nowSeconds: number) => Promise<readonly string[]>
}

type State = {
  readonly enrolled: Set<string>
  readonly admitted: Set<string>
  /** Rows admitted or enrolled under each grant. */
  readonly rows: Map<string, number>
  readonly entries: Map<string, StoredEntry[]>
}

/** Opens an audit log over its journal. */
export function openConversionLog(group: Group, options: ConversionLogOptions): ConversionLog {
  const { directory, secretKey, indexKey, signer, journal, clock, random, publish } = options
  const state = replay(journal)
  const write = (record: JsonObject): void => {
    journal.append(record)
    apply(state, record)
  }
  const read = (request: OpenedRequest, parts: readonly ConversionPart[]): readonly Fault[] | Point[] => {
    const faults = wrongParts(group, directory, request, parts)
    if (faults.length > 0) return faults
    return combineParts(group, parts).map((row) => decryptPoint(group, secretKey, row))
  }
  // Once each, and within the grant over all quorums of trustees, whom a count of their own does not hold to that.
  const requireUnspent = ({ id, grant, auditCopies }: OpenedRequest): void => {
    if (state.admitted.has(toBase64url(id))) throw new CtidError('ERR_PSEUDONYM_REPLAY')
    const used = state.rows.get(toBase64url(grant.id)) ?? 0
    if (used + auditCopies.length > grant.count) throw new CtidError('ERR_PSEUDONYM_GRANT_COUNT')
  }
  // Nothing is awaited between this check and the write, so that of two equal requests one is refused.
  const spend = (opened: OpenedRequest, at: number, written: JsonObject): void => {
    requireUnspent(opened)
    const request = toBase64url(opened.id)
    const grant = toBase64url(opened.grant.id)
    write({ request, grant, rows: opened.auditCopies.length, at, ...written })
  }
  const indexOf = (point: Point): string =>
    toBase64url(hmacSha256(indexKey, framed('CTID-audit-index', point)))
  const recordSecret = (point: Point): Uint8Array => hmacSha256(indexKey, framed('CTID-audit-record', point))
  const entriesOf = async (
    points: readonly Point[],
    request: OpenedRequest,
    now: number,
  ): Promise<JsonObject[]> => {
    const epoch = Math.floor(now / directory.epochSeconds)
    const content = describe(request, now)
    const made: { readonly handle: Uint8Array; readonly sealed: Uint8Array; readonly leaf: RecordLeaf }[] = []
    for (const point of points) {
      const secret = recordSecret(point)
      const handle = auditHandle(secret, epoch)
      const sealed = await sealEntry(secret, content, { handle, random })
      made.push({ handle, sealed, leaf: recordLeaf(secret, sealed) })
    }
    const receipts = await publish?.(
      made.map(({ leaf }) => leaf),
      now,
    )
    if (receipts && receipts.length !== made.length) throw new CtidError('ERR_PSEUDONYM_JOURNAL')
    return made.map(({ handle, sealed }, i) => {
      const receipt = receipts?.[i]
      return {
        handle: toBase64url(handle),
        sealed: toBase64url(sealed),
        ...(receipt !== undefined && { receipt }),
      }
    })
  }

  return {
    admit: async (request, parts) => {
      const now = clock()
      const opened = await openRequest(group, request, { directory, nowSeconds: now })
      if (opened.to === directory.audit)
        throw new CtidError('ERR_PSEUDONYM_REQUEST', { detail: 'an enrolment' })
      requireUnspent(opened)
      const points = read(opened, parts)
      if (isFaults(points)) return { admitted: false, faults: points }
      const strangers = points.flatMap((point, i) => (state.enrolled.has(indexOf(point)) ? [] : [i + 1]))
      if (strangers.length > 0) {
        const rows = `rows ${strangers.slice(0, 8).join(', ')}${strangers.length > 8 ? ' …' : ''}`
        throw new CtidError('ERR_PSEUDONYM_NOT_ENROLLED', { detail: rows })
      }
      spend(opened, now, { type: 'admission', entries: await entriesOf(points, opened, now) })
      const receipt = await signReceipt({ requestId: opened.id, rows: points.length, issuedAt: now }, signer)
      return { admitted: true, receipt }
    },

    enrol: async ({ request, payloads }, parts) => {
      const now = clock()
      const opened = await openRequest(group, request, { directory, nowSeconds: now })
      if (opened.to !== directory.audit) {
        throw new CtidError('ERR_PSEUDONYM_REQUEST', { detail: 'not an enrolment in the audit log' })
      }
      requirePayloads(opened, payloads)
      requireUnspent(opened)
      const points = read(opened, parts)
      if (isFaults(points)) return { admitted: false, faults: points }
      const walletBoxes: Uint8Array[] = []
      for (const [i, point] of points.entries()) {
        const key = await openPayload(group, secretKey, payloads[i] ?? new Uint8Array(), directory.audit)
        const context = WALLET_BOX
        walletBoxes.push(
          await sealBox(group, group.parsePoint(key), recordSecret(point), { context, random }),
        )
      }
      // An enrolment is an entry too: who already has a wallet sees that another one received the key to the record.
      const entries = await entriesOf(points, opened, now)
      spend(opened, now, { type: 'enrolment', indices: points.map(indexOf), entries })
      return { admitted: true, walletBoxes }
    },

    entries: async (handles) => handles.map((handle) => state.entries.get(toBase64url(handle)) ?? []),
  }
}

function isFaults(value: readonly Fault[] | Point[]): value is readonly Fault[] {
  return value.length > 0 && !(value[0] instanceof Uint8Array)
}

function wrongParts(
  group: Group,
  directory: Directory,
  request: OpenedRequest,
  parts: readonly ConversionPart[],
): Fault[] {
  const ids = new Set(parts.map(({ trustee }) => trustee))
  if (ids.size !== parts.length || parts.length !== directory.threshold) {
    throw new CtidError('ERR_PSEUDONYM_TRUSTEES', { detail: `${directory.threshold} parts are needed` })
  }
  const pair = pairId(request.from, directory.audit)
  return parts.flatMap((part): Fault[] => {
    const right = verifyPart(group, part, {
      publicShare: publicFactorShare(directory, pair, part.trustee),
      inputs: request.auditCopies,
      recipient: receiverKey(directory, directory.audit),
      context: conversionContext(request.id, 'audit'),
    })
    return right ? [] : [{ trustee: part.trustee, half: 'audit', code: 'ERR_CRYPTO_PROOF' }]
  })
}

function describe({ from, to, grant, fields, id }: OpenedRequest, now: number): JsonObject {
  return {
    at: now,
    from,
    to,
    requester: grant.requester,
    purpose: grant.purpose.code,
    text: grant.purpose.text,
    fields: [...fields],
    grant: toBase64url(grant.id),
    request: toBase64url(id),
  }
}

function replay(journal: Journal): State {
  const state: State = { enrolled: new Set(), admitted: new Set(), rows: new Map(), entries: new Map() }
  for (const record of journal.records) apply(state, record)
  return state
}

type StoredRecord = {
  readonly request?: string
  readonly grant?: string
  readonly rows?: number
  readonly indices?: readonly string[]
  readonly entries: readonly { readonly handle: string; readonly sealed: string; readonly receipt?: string }[]
}

// The journal checks its own integrity, so its records have the shapes written above.
function apply(state: State, record: JsonObject): void {
  const { request, grant, rows = 0, indices, entries } = record as unknown as StoredRecord
  if (request !== undefined) state.admitted.add(request)
  if (grant !== undefined) state.rows.set(grant, (state.rows.get(grant) ?? 0) + rows)
  for (const index of indices ?? []) state.enrolled.add(index)
  for (const { handle, sealed, receipt } of entries) {
    const entry: StoredEntry = { sealed: fromBase64url(sealed), ...(receipt !== undefined && { receipt }) }
    const list = state.entries.get(handle)
    if (list) list.push(entry)
    else state.entries.set(handle, [entry])
  }
}
