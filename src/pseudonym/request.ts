// A conversion request: each point encrypted twice with one randomness, for the receiver and for the audit log,
// proved to be the same point, and signed by the sector that asks.
//
// Row: c1 = r·G, to = r·(Y_to + W) + P, audit = r·(Y_audit + W) + P.
// Proof for the whole batch, folded with weights a_i: DLEQ of R = Σ a_i·r_i between (G, Σ a_i·c1_i) and
// (Y_to − Y_audit, Σ a_i·(to_i − audit_i)). It holds only if in every row both copies hold the same point.
import {
  CtidError,
  concatBytes,
  equalBytes,
  framed,
  fromBase64url,
  type Json,
  type JsonObject,
  type RandomBytes,
  toBase64url,
  utf8,
} from '../base/index.ts'
import { type Group, type Point, type Signer, sha256 } from '../crypto/index.ts'
import { encryptRows } from './copies.ts'
import { sealPayloads } from './delivery.ts'
import { ANCHOR, type Directory, receiverKey, sectorOf } from './directory.ts'
import type { Ciphertext } from './elgamal.ts'
import { isFieldName, type OpenedGrant, openGrant, requireInForce } from './grant.ts'
import { openStatement, signStatement } from './jws.ts'

/** What trustees and log receive. */
export type ConversionRequest = {
  /** Compact JWS by the asking sector, type `ctid-conversion+jwt`. */
  readonly header: string
  /** The purpose grant, compact JWS. */
  readonly grant: string
  /** Rows of 96 bytes, c1 ‖ to ‖ audit; of 64 bytes, c1 ‖ audit, when the audit log itself is the receiver. */
  readonly rows: Uint8Array
  /** 64 bytes; empty when the audit log itself is the receiver, for then there is one copy only. */
  readonly proof: Uint8Array
}

/** What the gateway receives: the request, and for each row what travels with it, sealed to the receiver. */
export type ConversionBatch = {
  readonly request: ConversionRequest
  readonly payloads: readonly Uint8Array[]
}

/** A request whose signatures, digests, dates and scope were checked. Not yet: the proof, and the grant's count. */
export type OpenedRequest = {
  /** 32 bytes, names the request in receipts and counters. */
  readonly id: Uint8Array
  readonly from: string
  readonly to: string
  readonly fields: readonly string[]
  readonly grant: OpenedGrant
  readonly issuedAt: number
  /** Copies for the receiver; empty when that is the audit log. */
  readonly receiverCopies: readonly Ciphertext[]
  readonly auditCopies: readonly Ciphertext[]
  readonly proof: Uint8Array
  readonly payloadDigest: Uint8Array
}

export type MakeRequestOptions = {
  readonly directory: Directory
  /** The grant as the authority signed it; it names the sectors. */
  readonly grant: string
  /** What travels with each point, as many as points; sealed, padded to one length. */
  readonly payloads?: readonly Uint8Array[]
  /** Fields in the payloads; at most those of the grant. Default none. */
  readonly fields?: readonly string[]
  /** Key of the asking sector. */
  readonly signer: Signer
  readonly nowSeconds: number
  readonly random: RandomBytes
}

/** Most rows in one request. */
export const MAX_ROWS = 4096
/** A request is served for so long, in seconds. */
export const REQUEST_LIFETIME_SECONDS = 600
const SKEW_SECONDS = 60
const TYPE = 'ctid-conversion+jwt'
const MEMBERS = ['fields', 'from', 'grant', 'iat', 'payloads', 'rows', 'sha256', 'to']

/** Asking sector: makes a request for its sector points (for the registrar: anchors). Two multiplications and one by the generator a row. */
export async function makeRequest(
  group: Group,
  points: readonly Point[],
  options: MakeRequestOptions,
): Promise<ConversionBatch> {
  const { directory, signer, nowSeconds, random, fields = [] } = options
  if (points.length === 0 || points.length > MAX_ROWS) {
    throw new CtidError('ERR_PSEUDONYM_REQUEST', { detail: `1 to ${MAX_ROWS} rows` })
  }
  const grant = await openGrant(options.grant, directory.authorities)
  const payloads = await sealPayloads(group, points.length, options.payloads, {
    recipient: receiverKey(directory, grant.to),
    to: grant.to,
    random,
  })
  const secrets = points.map(() => group.randomScalar(random))
  const { rows, proof } = encryptRows(group, points, secrets, { directory, to: grant.to, random })
  const header: JsonObject = {
    from: grant.from,
    to: grant.to,
    fields: [...fields],
    grant: toBase64url(grant.id),
    rows: points.length,
    sha256: toBase64url(sha256(concatBytes(rows, proof))),
    payloads: toBase64url(digestPayloads(payloads)),
    iat: nowSeconds,
  }
  const request = { header: await signStatement(header, signer, TYPE), grant: options.grant, rows, proof }
  return { request, payloads }
}

/**
 * Trustee and log: checks everything about a request that needs no multiplication.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_REQUEST`, `_SIGNATURE`, `_STALE`, `_GRANT`, `_GRANT_TIME`, `_GRANT_SCOPE`,
 *   `_PAIR`, and `ERR_CRYPTO_POINT` for rows that are not points
 */
export async function openRequest(
  group: Group,
  request: ConversionRequest,
  { directory, nowSeconds }: { readonly directory: Directory; readonly nowSeconds: number },
): Promise<OpenedRequest> {
  const grant = await openGrant(request.grant, directory.authorities)
  const { payload, id } = await openStatement(request.header, [sectorOf(directory, grant.from).signer], {
    typ: TYPE,
    malformed: 'ERR_PSEUDONYM_REQUEST',
  })
  const header = parseHeader(payload)
  if (!equalBytes(header.grant, grant.id))
    throw new CtidError('ERR_PSEUDONYM_GRANT', { detail: 'another grant' })
  if (header.from !== grant.from || header.to !== grant.to) {
    throw new CtidError('ERR_PSEUDONYM_GRANT_SCOPE', { detail: 'sectors' })
  }
  if (!header.fields.every((field) => grant.fields.includes(field))) {
    throw new CtidError('ERR_PSEUDONYM_GRANT_SCOPE', { detail: 'fields' })
  }
  const forAudit = grant.to === directory.audit
  // Every department has a factor to the audit log, for the audit half. A department that could also enrol with it would
  // enrol u·P, somebody who does not exist, and dodge the gate that refuses u·P.
  if (forAudit && grant.from !== ANCHOR) {
    throw new CtidError('ERR_PSEUDONYM_GRANT_SCOPE', { detail: 'only the registrar enrols in the audit log' })
  }
  const width = forAudit ? 64 : 96
  if (
    request.rows.length !== header.rows * width ||
    request.proof.length !== (forAudit ? 0 : 64) ||
    !equalBytes(header.digest, sha256(concatBytes(request.rows, request.proof)))
  ) {
    throw new CtidError('ERR_PSEUDONYM_REQUEST', { detail: 'rows differ from the signed header' })
  }
  const rows = parseRows(group, request.rows, width)
  const opened: OpenedRequest = {
    id,
    from: grant.from,
    to: grant.to,
    fields: header.fields,
    grant,
    issuedAt: header.issuedAt,
    receiverCopies: forAudit ? [] : rows.map(({ c1, second }) => ({ c1, c2: second })),
    auditCopies: rows.map(({ c1, last }) => ({ c1, c2: last })),
    proof: request.proof,
    payloadDigest: header.payloads,
  }
  requireCurrent(opened, nowSeconds)
  return opened
}

/**
 * Whoever keeps an opened request for a while: that it and its grant are of now.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_STALE`, `ERR_PSEUDONYM_GRANT_TIME`
 */
export function requireCurrent({ grant, issuedAt }: OpenedRequest, nowSeconds: number): void {
  requireInForce(grant, nowSeconds)
  if (issuedAt > nowSeconds + SKEW_SECONDS || issuedAt <= nowSeconds - REQUEST_LIFETIME_SECONDS) {
    throw new CtidError('ERR_PSEUDONYM_STALE')
  }
}

/**
 * Gateway, and log at an enrolment: that the payloads are those of the signed header, one a row.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_REQUEST`
 */
export function requirePayloads(
  { payloadDigest, auditCopies }: OpenedRequest,
  payloads: readonly Uint8Array[],
): void {
  if (payloads.length !== auditCopies.length || !equalBytes(digestPayloads(payloads), payloadDigest)) {
    throw new CtidError('ERR_PSEUDONYM_REQUEST', { detail: 'payloads differ from the signed header' })
  }
}

/** SHA-256 over the sealed payloads in order, each preceded by its length. */
function digestPayloads(payloads: readonly Uint8Array[]): Uint8Array {
  return sha256(framed(utf8('CTID-payloads-v1'), ...payloads))
}

function parseRows(group: Group, bytes: Uint8Array, width: number) {
  return Array.from({ length: bytes.length / width }, (_, i) => {
    const at = (offset: number): Point =>
      group.parsePoint(bytes.subarray(i * width + offset, i * width + offset + 32))
    return { c1: at(0), second: at(32), last: at(width - 32) }
  })
}

function parseHeader(payload: JsonObject) {
  const { from, to, fields, grant, rows, sha256: digest, payloads, iat } = payload
  const sound =
    Object.keys(payload).length === MEMBERS.length &&
    typeof from === 'string' &&
    typeof to === 'string' &&
    Array.isArray(fields) &&
    fields.every(isFieldName) &&
    typeof rows === 'number' &&
    Number.isSafeInteger(rows) &&
    rows >= 1 &&
    rows <= MAX_ROWS &&
    typeof iat === 'number' &&
    Number.isSafeInteger(iat)
  if (!sound) throw new CtidError('ERR_PSEUDONYM_REQUEST')
  return {
    from,
    to,
    fields: fields as readonly string[],
    grant: hash(grant),
    rows,
    digest: hash(digest),
    payloads: hash(payloads),
    issuedAt: iat,
  }
}

function hash(value: Json | undefined): Uint8Array {
  if (typeof value === 'string' && value.length === 43) {
    try {
      return fromBase64url(value)
    } catch {
      // falls through to the refusal
    }
  }
  throw new CtidError('ERR_PSEUDONYM_REQUEST')
}
