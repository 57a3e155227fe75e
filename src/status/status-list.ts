// A status list: one small number per credential copy, packed little end first (draft-ietf-oauth-status-list-21 §4).
import {
  CtidError,
  fromBase64url,
  isJsonObject,
  type Json,
  type JsonObject,
  toBase64url,
} from '../base/index.ts'
import { deflate, inflate } from './zlib.ts'

/** Bits per entry. */
export type StatusBits = 1 | 2 | 4 | 8

/** Registered status values (section 7). */
export const STATUS_VALID = 0
export const STATUS_INVALID = 1
export const STATUS_SUSPENDED = 2

/** A list in memory: `bytes` holds `8 / bits` entries each, the first in the lowest bits. */
export type StatusList = { readonly bits: StatusBits; readonly bytes: Uint8Array }

/** Largest list accepted, in bytes after decompression: 2^24 entries of one bit. */
export const MAX_LIST_BYTES = 2_097_152

/** An all-valid list. `size` is rounded up to whole bytes. */
export function createStatusList(size: number, bits: StatusBits): StatusList {
  return { bits, bytes: new Uint8Array(Math.ceil((size * bits) / 8)) }
}

/** Number of entries. */
export function statusListSize(list: StatusList): number {
  return (list.bytes.length * 8) / list.bits
}

/**
 * The status at `index`. Costs one array access.
 *
 * @throws {CtidError} `ERR_STATUS_INDEX`
 */
export function getStatus(list: StatusList, index: number): number {
  const { byte, shift, mask } = locate(list, index)
  return ((list.bytes[byte] as number) >> shift) & mask
}

/**
 * Sets the status at `index`, in place.
 *
 * @throws {CtidError} `ERR_STATUS_INDEX`, `ERR_STATUS_VALUE`
 */
export function setStatus(list: StatusList, index: number, status: number): void {
  const { byte, shift, mask } = locate(list, index)
  if (!Number.isInteger(status) || status < 0 || status > mask) throw new CtidError('ERR_STATUS_VALUE')
  list.bytes[byte] = ((list.bytes[byte] as number) & ~(mask << shift)) | (status << shift)
}

function locate({ bits, bytes }: StatusList, index: number): { byte: number; shift: number; mask: number } {
  const perByte = 8 / bits
  if (!Number.isSafeInteger(index) || index < 0 || index >= bytes.length * perByte) {
    throw new CtidError('ERR_STATUS_INDEX')
  }
  return { byte: Math.floor(index / perByte), shift: (index % perByte) * bits, mask: (1 << bits) - 1 }
}

/** The `status_list` member of a status list token: `{ bits, lst }`. */
export async function encodeStatusList(list: StatusList): Promise<JsonObject> {
  return { bits: list.bits, lst: toBase64url(await deflate(list.bytes)) }
}

/**
 * Reads a `status_list` member strictly and within bounds.
 *
 * @throws {CtidError} `ERR_STATUS_LIST`, `ERR_STATUS_LIST_TOO_LARGE`
 */
export async function decodeStatusList(value: Json | undefined): Promise<StatusList> {
  if (!isJsonObject(value)) throw new CtidError('ERR_STATUS_LIST')
  const { bits, lst } = value
  if (bits !== 1 && bits !== 2 && bits !== 4 && bits !== 8)
    throw new CtidError('ERR_STATUS_LIST', { detail: 'bits' })
  if (typeof lst !== 'string') throw new CtidError('ERR_STATUS_LIST', { detail: 'lst' })
  return { bits, bytes: await inflate(decode(lst), MAX_LIST_BYTES) }
}

function decode(text: string): Uint8Array {
  try {
    return fromBase64url(text)
  } catch {
    throw new CtidError('ERR_STATUS_LIST', { detail: 'encoding' })
  }
}
