// A log that another process keeps, written over HTTP: entries out, receipts in, each verified before it counts.
import { CtidError, fromUtf8, isErrorCode, parseJsonObject, toBase64url, utf8 } from '../base/index.ts'
import { type LogPolicy, openCheckpoint } from './checkpoint.ts'
import { httpSource, readLimited, request } from './http-source.ts'
import { parseReceipt, verifyReceipt } from './receipt.ts'
import type { AppendableLog } from './registry-log.ts'

export type HttpLogOptions = {
  /** Where the log is served, such as `https://log.example/log`. */
  readonly url: string
  /** What the log's operator gave this writer. */
  readonly token: string
  /** Whose signatures an answer needs. The log's word alone is not taken for those of its witnesses. */
  readonly policy: LogPolicy
}

/** Limits of one request: entries, and characters of them. */
const MAX_ENTRIES = 256
const MAX_CHARACTERS = 500_000
/** A log answers when its witnesses have. */
const TIMEOUT_MS = 30_000

/**
 * Opens a log elsewhere for writing. After a broken connection an entry may be in the log although `append` rejected:
 * repeating it with the same bytes is safe, as with any log.
 *
 * @throws {CtidError} `ERR_LOG_CLOSED` when it cannot be reached, and what `openCheckpoint` throws
 */
export async function openHttpLog({ url, token, policy }: HttpLogOptions): Promise<AppendableLog> {
  const base = url.replace(/\/+$/, '')
  const source = httpSource(base)
  let published = { size: 0, note: '' }
  const advance = (size: number, note: string): void => {
    if (size >= published.size) published = { size, note }
  }

  async function refresh(): Promise<void> {
    const note = await source.read('checkpoint')
    if (!note) throw new CtidError('ERR_LOG_CLOSED', { detail: 'no checkpoint' })
    // An empty log has nothing that a witness could have seen.
    const opened = await openCheckpoint(note, { ...policy, threshold: 0 })
    if (opened.size > 0) await openCheckpoint(note, policy)
    if (opened.size < published.size) throw new CtidError('ERR_LOG_CHECKPOINT', { detail: 'went back' })
    advance(opened.size, opened.note)
  }

  async function send(entries: readonly Uint8Array[]): Promise<readonly string[]> {
    const answer = await post(`${base}/api/entries`, token, {
      entries: entries.map((one) => toBase64url(one)),
    })
    const { receipts } = answer
    const isRight = Array.isArray(receipts) && receipts.length === entries.length
    if (!isRight || !receipts.every((receipt) => typeof receipt === 'string')) {
      throw new CtidError('ERR_LOG_RECEIPT', { detail: 'one for each entry' })
    }
    return receipts as readonly string[]
  }

  await refresh()
  return {
    source,
    published: () => published,
    async append(entries) {
      const indexes: number[] = []
      for (const part of parts(entries)) {
        const receipts = await send(part)
        for (const [i, text] of receipts.entries()) {
          const { index, size } = await verifyReceipt(part[i] as Uint8Array, text, policy)
          indexes.push(index)
          advance(size, parseReceipt(text).checkpoint)
        }
      }
      if (entries.length === 0) {
        // Has the log publish what still waits for witnesses.
        await send([])
        await refresh()
      }
      return { indexes, ...published }
    },
  }
}

function* parts(entries: readonly Uint8Array[]): Generator<readonly Uint8Array[]> {
  let part: Uint8Array[] = []
  let characters = 0
  for (const entry of entries) {
    const length = Math.ceil((entry.length * 4) / 3)
    if (part.length === MAX_ENTRIES || (part.length > 0 && characters + length > MAX_CHARACTERS)) {
      yield part
      part = []
      characters = 0
    }
    part.push(entry)
    characters += length
  }
  if (part.length > 0) yield part
}

async function post(url: string, token: string, message: { readonly entries: readonly string[] }) {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` }
  const body = utf8(JSON.stringify(message))
  let text: string
  let ok: boolean
  let status: number
  try {
    const response = await request(url, { method: 'POST', headers, body }, TIMEOUT_MS)
    ;({ ok, status } = response)
    text = fromUtf8(await readLimited(response))
  } catch (cause) {
    throw new CtidError('ERR_LOG_CLOSED', { detail: 'unreachable', cause })
  }
  if (!ok) throw refusal(status, text)
  return parseJsonObject(text, { maxLength: 16_777_216 })
}

// The log's own reason, when it is one of a log; anything else is just "no".
function refusal(status: number, text: string): CtidError {
  try {
    const { code } = parseJsonObject(text)
    if (isErrorCode(code) && code.startsWith('ERR_LOG_')) return new CtidError(code)
  } catch {
    // Falls through.
  }
  return new CtidError('ERR_LOG_CLOSED', { detail: `status ${status}` })
}
