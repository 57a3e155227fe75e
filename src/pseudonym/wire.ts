// A trustee's messages as JSON: strict on both sides, sizes checked first.
import {
  CtidError,
  type ErrorCode,
  fromBase64url,
  type Json,
  type JsonObject,
  toBase64url,
} from '../base/index.ts'
import type { Group } from '../crypto/index.ts'
import type { ConversionPart } from './convert.ts'
import { type ConversionRequest, MAX_ROWS } from './request.ts'

/** Paths of a trustee's HTTP interface. */
export const AUDIT_PATH = '/convert/audit'
export const CONVERT_PATH = '/convert/release'

/** Largest body: 4,096 rows of 96 bytes in base64url, statements, and some members. */
export const MAX_TRUSTEE_BODY_BYTES = 600_000

/** A request on the wire; with a receipt for the second half. */
export function formatRequest(request: ConversionRequest, receipt?: string): JsonObject {
  return {
    header: request.header,
    grant: request.grant,
    rows: toBase64url(request.rows),
    proof: toBase64url(request.proof),
    ...(receipt !== undefined && { receipt }),
  }
}

/** @throws {CtidError} `ERR_PSEUDONYM_REQUEST` */
export function parseRequest(body: JsonObject): {
  readonly request: ConversionRequest
  /** Of the second half only. */
  readonly receipt: string | undefined
} {
  const { header, grant, rows, proof, receipt, ...unknown } = body
  if (
    typeof header !== 'string' ||
    typeof grant !== 'string' ||
    (receipt !== undefined && typeof receipt !== 'string') ||
    Object.keys(unknown).length > 0
  ) {
    throw new CtidError('ERR_PSEUDONYM_REQUEST')
  }
  const request = {
    header,
    grant,
    rows: bytes(rows, MAX_ROWS * 96, 'ERR_PSEUDONYM_REQUEST'),
    proof: bytes(proof, 64, 'ERR_PSEUDONYM_REQUEST'),
  }
  return { request, receipt }
}

/** A part on the wire: outputs as c1 ‖ c2 of all rows. */
export function formatPart({ trustee, outputs, proof }: ConversionPart): JsonObject {
  const packed = new Uint8Array(64 * outputs.length)
  outputs.forEach(({ c1, c2 }, i) => {
    packed.set(c1, 64 * i)
    packed.set(c2, 64 * i + 32)
  })
  return { trustee, outputs: toBase64url(packed), proof: toBase64url(proof) }
}

/** @throws {CtidError} `ERR_PSEUDONYM_TRUSTEES` for anything that is not a part */
export function parsePart(group: Group, body: JsonObject): ConversionPart {
  const { trustee, outputs, proof, ...unknown } = body
  const packed = bytes(outputs, MAX_ROWS * 64, 'ERR_PSEUDONYM_TRUSTEES')
  const isForm = Number.isSafeInteger(trustee) && Object.keys(unknown).length === 0
  if (!isForm || packed.length === 0 || packed.length % 64 !== 0) {
    throw new CtidError('ERR_PSEUDONYM_TRUSTEES')
  }
  return {
    trustee: trustee as number,
    outputs: Array.from({ length: packed.length / 64 }, (_, i) => ({
      c1: group.parsePoint(packed.subarray(64 * i, 64 * i + 32)),
      c2: group.parsePoint(packed.subarray(64 * i + 32, 64 * i + 64)),
    })),
    proof: bytes(proof, 128, 'ERR_PSEUDONYM_TRUSTEES'),
  }
}

function bytes(value: Json | undefined, longest: number, code: ErrorCode): Uint8Array {
  if (typeof value !== 'string' || value.length > Math.ceil((longest * 4) / 3)) throw new CtidError(code)
  try {
    return fromBase64url(value)
  } catch {
    throw new CtidError(code)
  }
}
