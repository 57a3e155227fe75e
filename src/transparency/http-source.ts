// Logs and witnesses over HTTP, with `fetch` alone: what monitors, auditors and pages read through.
import { CtidError, readBody, utf8 } from '../base/index.ts'
import type { NoteKey } from './note.ts'
import type { TileSource } from './tiles.ts'
import type { WitnessClient } from './witness.ts'

// The largest thing a log serves is a full bundle of the longest entries.
const MAX_RESOURCE = 256 * 65_537
const TIMEOUT_MS = 10_000

/** Reads a log at a URL prefix. Throws `ERR_LOG_TILE` when the server fails or sends too much. */
export function httpSource(prefix: string): TileSource {
  const base = prefix.replace(/\/+$/, '')
  return {
    async read(path) {
      const response = await request(`${base}/${path}`, {})
      if (response.status === 404) return undefined
      if (!response.ok) throw new CtidError('ERR_LOG_TILE', { detail: `status ${response.status}` })
      return readLimited(response)
    },
  }
}

/** A witness at a submission prefix. */
export function httpWitness(prefix: string, key: NoteKey): WitnessClient {
  const url = `${prefix.replace(/\/+$/, '')}/add-checkpoint`
  return {
    key,
    async addCheckpoint(body) {
      const response = await request(url, { method: 'POST', body: utf8(body) })
      return { status: response.status, body: new TextDecoder().decode(await readLimited(response)) }
    },
  }
}

/** One request, not redirected, not waited for without end. */
export async function request(url: string, init: RequestInit, timeoutMs = TIMEOUT_MS): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) })
  } catch (cause) {
    throw new CtidError('ERR_LOG_TILE', { detail: 'unreachable', cause })
  }
}

/** The body, unless it is larger than anything that a log sends. */
export async function readLimited(response: Response): Promise<Uint8Array> {
  const bytes = await readBody(response, MAX_RESOURCE).catch((cause) => {
    throw new CtidError('ERR_LOG_TILE', { detail: 'cut off', cause })
  })
  if (!bytes) throw new CtidError('ERR_LOG_TILE', { detail: 'too large' })
  return bytes
}
