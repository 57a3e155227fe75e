// A relay somewhere else, spoken to over HTTP; for wallets and verifiers, in Node and in browsers.
import { CtidError, type ErrorCode, readBody } from '../base/index.ts'
import { MAX_SEALED_BYTES, type Relay } from './online.ts'

const CODES: Readonly<Record<number, ErrorCode>> = {
  409: 'ERR_QR_RELAY_TAKEN',
  410: 'ERR_QR_RELAY_EMPTY',
  413: 'ERR_QR_TOO_LARGE',
}

/**
 * The relay at `baseUrl`. `fetch` is passed in, so that a page or a test decides what goes out. Its methods throw
 * `ERR_QR_RELAY_UNREACHABLE` when there is no answer within ten seconds or the answer breaks off, `ERR_QR_TOO_LARGE`, and of
 * `put` also `ERR_QR_RELAY_TAKEN` and `ERR_QR_RELAY_FULL`.
 */
export function httpRelay(baseUrl: string, fetch: typeof globalThis.fetch): Relay {
  const address = (mailbox: string) => `${baseUrl.replace(/\/$/, '')}/relay/${mailbox}`
  const call = async (url: string, init: RequestInit): Promise<Response> => {
    try {
      return await fetch(url, { ...init, signal: AbortSignal.timeout(10_000) })
    } catch (cause) {
      throw new CtidError('ERR_QR_RELAY_UNREACHABLE', { cause })
    }
  }
  return {
    async put(mailbox, sealed, { ttlSeconds }) {
      const body = new Uint8Array(sealed)
      const headers = { 'content-type': 'application/octet-stream' }
      const response = await call(`${address(mailbox)}?ttl=${ttlSeconds}`, { method: 'PUT', body, headers })
      if (!response.ok) throw new CtidError(CODES[response.status] ?? 'ERR_QR_RELAY_FULL')
    },
    async take(mailbox) {
      const response = await call(address(mailbox), { method: 'DELETE' })
      if (response.status === 410) return undefined
      if (!response.ok) throw new CtidError('ERR_QR_RELAY_UNREACHABLE')
      // A relay is not trusted: what it sends is bounded while it is read, whatever it says of its length, and unpacked too.
      const sealed = await readBody(response, MAX_SEALED_BYTES).catch((cause: unknown) => {
        throw new CtidError('ERR_QR_RELAY_UNREACHABLE', { cause })
      })
      if (!sealed) throw new CtidError('ERR_QR_TOO_LARGE')
      return sealed
    },
  }
}
