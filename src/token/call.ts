// Client: one authenticated request to another party's service. The address, the MAC and the size of the answer are looked
// after here; what a failure means is the caller's business.
import {
  type Clock,
  CtidError,
  fromUtf8,
  type JsonObject,
  type RandomBytes,
  readBody,
  utf8,
} from '../base/index.ts'
import { authorizeCall, type CallerCredential } from './caller.ts'

export type CallTarget = {
  /** Base address, with a path if the service is mounted under one. */
  readonly url: string
  readonly credential: CallerCredential
  readonly now: Clock
  readonly random: RandomBytes
  /** Plain `http:` also to another machine: only where a closed network lies between. */
  readonly plainHttp?: boolean
  readonly fetch?: typeof fetch
}

export type CallAnswer = { readonly ok: boolean; readonly text: string }

/**
 * The base address as a URL that paths can be resolved against.
 *
 * @throws {CtidError} `ERR_TOKEN_REQUEST` for an address that is none, and for plain `http:` of another machine
 */
export function serviceAddress({ url, plainHttp = false }: Pick<CallTarget, 'url' | 'plainHttp'>): URL {
  const refuse = (detail: string) => new CtidError('ERR_TOKEN_REQUEST', { detail })
  if (!URL.canParse(url)) throw refuse('not an address')
  const address = new URL(url.endsWith('/') ? url : `${url}/`)
  const isLocal = ['127.0.0.1', '[::1]', 'localhost'].includes(address.hostname)
  const isPlain = address.protocol === 'http:' && (isLocal || plainHttp)
  if (address.protocol !== 'https:' && !isPlain) throw refuse('a service elsewhere needs https')
  return address
}

/**
 * Posts JSON with a `CTID-MAC` and reads at most `maxBytes` of the answer; `undefined` when it is larger.
 *
 * @param service what the called service calls itself: an evaluator's number, or 0
 * @throws whatever `fetch` throws
 */
export async function callService(
  target: CallTarget,
  address: URL,
  message: JsonObject,
  options: {
    readonly service: number
    readonly maxBytes: number
    readonly signal?: AbortSignal | undefined
    /** A connection of its own: where seconds of work lie between calls, the other side may be closing an idle one just then. */
    readonly alone?: boolean
  },
): Promise<CallAnswer | undefined> {
  const body = utf8(JSON.stringify(message))
  const request = { evaluator: options.service, method: 'POST', path: address.pathname, body } as const
  const authorization = authorizeCall(request, target.credential, {
    now: target.now(),
    random: target.random,
  })
  const response = await (target.fetch ?? fetch)(address, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: authorization,
      ...(options.alone ? { Connection: 'close' } : {}),
    },
    body,
    redirect: 'error',
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  const bytes = await readBody(response, options.maxBytes)
  return bytes && { ok: response.ok, text: fromUtf8(bytes) }
}
