// The log over HTTP: checkpoint and tiles as static resources (C2SP tlog-tiles), and a small JSON API for explorer pages.
// The API is a convenience: everything it says can be recomputed from the tiles, and the page does recompute it.
import { type Request, type Response, Router } from 'express'
import { CtidError, fromBase64url, fromHex, toBase64url, toHex } from '../base/index.ts'
import {
  type Directory,
  describeInclusion,
  describeTree,
  encodePrefixProof,
  formatNoteKey,
  formatReceipt,
  leafHash,
  type NoteKey,
  parseCheckpoint,
  parseEntry,
  parseNote,
  parseTilePath,
  proveConsistency,
  proveInclusion,
  type RegistryLog,
  readEntries,
  type TileSource,
} from '../transparency/index.ts'
import { readJson } from './server.ts'

/** Who appends: everything, or as an issuer its copies and trust lists. */
export type Writer = 'any' | 'issuer'
const ISSUERS: readonly string[] = ['credential-batch', 'trust-list']

export type LogRouterDeps = {
  readonly source: TileSource
  readonly logKey: NoteKey
  /** Path under which the log is served. Default `/log`. */
  readonly prefix?: string
  /** Witnesses that pages may show and check. */
  readonly witnesses?: readonly NoteKey[]
  /** The directory at the last epoch, for look-ups by label. */
  readonly directory?: Directory
  /**
   * With it, `POST {prefix}/api/entries` appends for callers that `authorize` admits. No entries: what still waits for
   * witnesses is published.
   */
  readonly append?: {
    readonly log: RegistryLog
    /** What a caller may append, or nothing. A second binding of a label would stand against the registry for ever. */
    readonly authorize: (request: Request) => Writer | undefined
  }
}

const MAX_ENTRIES = 256
/** Bodies of a log that appends over HTTP, for `createApp({ maxBodyBytes })`. */
export const MAX_APPEND_BYTES = 1_048_576
const FOR_EVER = 'public, max-age=31536000, immutable'

/** Routes of a log. Tiles are immutable and cacheable for ever; the checkpoint for two seconds. */
export function logRouter(deps: LogRouterDeps): Router {
  const { source, prefix = '/log' } = deps
  const router = Router()
  const open = { 'Access-Control-Allow-Origin': '*' }

  router.get(`${prefix}/checkpoint`, async (_request, response) => {
    response.set({ ...open, 'Cache-Control': 'public, max-age=2' }).type('text/plain; charset=utf-8')
    response.send(Buffer.from((await current(source)).note))
  })
  router.get(`${prefix}/tile/*path`, async (request, response) => {
    const path = request.path.slice(prefix.length + 1)
    const bytes = parseTilePath(path) && (await source.read(path))
    if (!bytes) throw new CtidError('ERR_HTTP_NOT_FOUND')
    response
      .set({ ...open, 'Cache-Control': FOR_EVER })
      .type('application/octet-stream')
      .send(Buffer.from(bytes))
  })
  router.get(`${prefix}/api/summary`, async (_request, response) => {
    const { origin, size, root, note } = await current(source)
    const witnesses = (deps.witnesses ?? []).map(formatNoteKey)
    response.json({ origin, size, root: toHex(root), note, key: formatNoteKey(deps.logKey), witnesses })
  })
  router.get(`${prefix}/api/entries`, async (request, response) => {
    const { size } = await current(source)
    const start = number(request, 'start', 0)
    const end = Math.min(size, start + Math.min(MAX_ENTRIES, number(request, 'count', 50)))
    const entries: unknown[] = []
    for await (const { index, entry } of readEntries(source, { start, end }, size)) {
      entries.push(describeEntry(index, entry))
    }
    response.json({ size, entries })
  })
  router.get(`${prefix}/api/inclusion`, (request, response) => sendInclusion(source, request, response))
  router.get(`${prefix}/api/consistency`, async (request, response) => {
    const { size: newest } = await current(source)
    const to = Math.min(number(request, 'to', newest), newest)
    const from = number(request, 'from', 1)
    response.json({ from, to, proof: (await proveConsistency(source, from, to)).map(toHex) })
  })
  router.get(`${prefix}/api/tree`, async (request, response) => {
    const { size } = await current(source)
    const index = request.query['index'] === undefined ? undefined : number(request, 'index', 0)
    response.json(describeTree(size, index === undefined ? {} : { index }))
  })
  router.get(`${prefix}/api/directory/:side/:label`, (request, response) =>
    sendLookup(deps, request, response),
  )
  router.post(`${prefix}/api/entries`, (request, response) => receiveEntries(deps, request, response))
  return router
}

async function sendInclusion(source: TileSource, request: Request, response: Response): Promise<void> {
  const { size, note } = await current(source)
  const index = number(request, 'index', 0)
  const proof = await proveInclusion(source, index, size)
  const steps = describeInclusion(index, size)
  const receipt = formatReceipt({ index, proof, checkpoint: note })
  response.json({
    index,
    size,
    receipt,
    proof: proof.map((hash, i) => ({ hash: toHex(hash), ...(steps[i] ?? {}) })),
  })
}

function sendLookup(
  { directory }: LogRouterDeps,
  request: Request<{ side: string; label: string }>,
  response: Response,
): void {
  const { side, label } = request.params
  const known = side === 'record' || side === 'token'
  if (!directory || !known || !/^[0-9a-f]{64}$/.test(label)) throw new CtidError('ERR_HTTP_NOT_FOUND')
  const proof = directory.prove(side, fromHex(label))
  const { recordRoot, tokenRoot, count } = directory.roots()
  response.json({
    present: proof.kind === 'present',
    proof: toBase64url(encodePrefixProof(proof)),
    recordRoot: toHex(recordRoot),
    tokenRoot: toHex(tokenRoot),
    count,
  })
}

async function receiveEntries(
  { append }: LogRouterDeps,
  request: Request,
  response: Response,
): Promise<void> {
  const writer = append?.authorize(request)
  if (!append || !writer) throw new CtidError('ERR_HTTP_NOT_FOUND')
  const { entries } = readJson(request, { maxLength: MAX_APPEND_BYTES })
  if (!Array.isArray(entries) || entries.length > MAX_ENTRIES) {
    throw new CtidError('ERR_LOG_ENTRY', { detail: 'entries' })
  }
  const bytes = entries.map((text: unknown) => {
    const entry = decode(text)
    // Only well-formed entries are admitted: a log is for ever.
    const { type } = parseEntry(entry)
    if (writer === 'issuer' && !ISSUERS.includes(type))
      throw new CtidError('ERR_LOG_ENTRY', { detail: 'not an entry of an issuer' })
    return entry
  })
  const receipts = await append.log.append(bytes)
  response.json({ receipts: receipts.map(formatReceipt) })
}

function decode(text: unknown): Uint8Array {
  try {
    return fromBase64url(text as string)
  } catch {
    throw new CtidError('ERR_LOG_ENTRY', { detail: 'base64url' })
  }
}

async function current(source: TileSource) {
  const bytes = await source.read('checkpoint')
  if (!bytes) throw new CtidError('ERR_LOG_CLOSED', { detail: 'no checkpoint yet' })
  const note = new TextDecoder().decode(bytes)
  return { ...parseCheckpoint(parseNote(note).text), note }
}

function describeEntry(index: number, bytes: Uint8Array): unknown {
  const common = { index, leaf: toHex(leafHash(bytes)), bytes: toBase64url(bytes) }
  try {
    const entry = parseEntry(bytes)
    const fields = Object.entries(entry).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? toHex(value) : value,
    ])
    return { ...common, ...Object.fromEntries(fields) }
  } catch {
    return { ...common, form: 'unknown' }
  }
}

function number(request: Request, name: string, fallback: number): number {
  const value = request.query[name]
  if (value === undefined) return fallback
  if (typeof value !== 'string' || !/^(0|[1-9]\d{0,15})$/.test(value))
    throw new CtidError('ERR_HTTP_BAD_REQUEST')
  return Number(value)
}
