// The audit log of conversions at its edges: citizens read their record over HTTP, and entries go into the transparency log.
import { type Request, type Response, Router } from 'express'
import { CtidError, fromBase64url, type Json, toBase64url } from '../base/index.ts'
import type { ConversionLogOptions, RecordLeaf, RecordSource } from '../pseudonym/index.ts'
import { encodeEntry, formatReceipt, type RegistryLog } from '../transparency/index.ts'
import { readJson } from './server.ts'

/** Path of the record's HTTP interface. */
export const RECORD_PATH = '/record'
/** Handles in one request: five years of monthly epochs. */
const MAX_HANDLES = 60

/**
 * `POST /record` with `{"handles": [base64url, …]}` answers `{"entries": [[{sealed, receipt?}, …], …]}`. Open to everybody: a
 * handle cannot be guessed and an entry opens for its wallet only. A POST, so that handles stay out of access logs.
 */
export function recordRouter({ source }: { readonly source: RecordSource }): Router {
  const router = Router()
  router.post(RECORD_PATH, async (request: Request, response: Response) => {
    const { handles, ...unknown } = readJson(request)
    if (!Array.isArray(handles) || handles.length > MAX_HANDLES || Object.keys(unknown).length > 0) {
      throw new CtidError('ERR_PSEUDONYM_REQUEST', { detail: 'handles' })
    }
    const entries = await source.entries(handles.map(parseHandle))
    response.json({
      entries: entries.map((list) =>
        list.map(({ sealed, receipt }) => ({
          sealed: toBase64url(sealed),
          ...(receipt !== undefined && { receipt }),
        })),
      ),
    })
  })
  return router
}

/** The bytes of an entry's leaf in the transparency log: a personal entry of type `conversion`. */
export function encodeRecordLeaf({ tag, commitment }: RecordLeaf, time: number): Uint8Array {
  return encodeEntry({ form: 'personal', type: 'conversion', time, tag, commitment })
}

/** Attaches a transparency log to an audit log: its `publish`. When the log refuses, no conversion is admitted. */
export function publishConversions(log: RegistryLog): NonNullable<ConversionLogOptions['publish']> {
  return async (leaves, nowSeconds) => {
    const receipts = await log.append(leaves.map((leaf) => encodeRecordLeaf(leaf, nowSeconds)))
    return receipts.map(formatReceipt)
  }
}

function parseHandle(value: Json): Uint8Array {
  if (typeof value === 'string' && value.length === 43) {
    try {
      return fromBase64url(value)
    } catch {
      // falls through to the refusal
    }
  }
  throw new CtidError('ERR_PSEUDONYM_REQUEST', { detail: 'handles' })
}
