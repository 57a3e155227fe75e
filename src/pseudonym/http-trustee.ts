// Client: a trustee behind HTTP. Calls are authenticated as the evaluators' are; a refusal keeps its code, so that
// the gateway can say which trustee refused and why.
import {
  type Clock,
  CtidError,
  concatBytes,
  ERRORS,
  type ErrorCode,
  fromUtf8,
  type JsonObject,
  parseJsonObject,
  type RandomBytes,
  utf8,
} from '../base/index.ts'
import type { Group } from '../crypto/index.ts'
import { authorizeCall, type CallerCredential } from '../token/index.ts'
import type { Trustee } from './trustee.ts'
import { AUDIT_PATH, CONVERT_PATH, formatRequest, MAX_TRUSTEE_BODY_BYTES, parsePart } from './wire.ts'

export type HttpTrusteeOptions = {
  readonly id: number
  /** Base address; `https:` unless the host is this machine. */
  readonly url: string
  readonly credential: CallerCredential
  readonly now: Clock
  readonly random: RandomBytes
  /** Default 60: a request of 4,096 rows takes some seconds. */
  readonly timeoutSeconds?: number
  readonly fetch?: typeof fetch
}

/**
 * A trustee reached over HTTP.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_KEYS` for a plain `http:` address of another machine
 */
export function httpTrustee(group: Group, options: HttpTrusteeOptions): Trustee {
  const address = new URL(options.url)
  const local = ['127.0.0.1', '[::1]', 'localhost'].includes(address.hostname)
  if (address.protocol !== 'https:' && !(address.protocol === 'http:' && local)) {
    throw new CtidError('ERR_PSEUDONYM_KEYS', { detail: 'a trustee elsewhere needs https' })
  }
  const call = async (path: string, message: JsonObject) =>
    parsePart(group, await post(options, new URL(path, address), message))
  return {
    id: options.id,
    audit: (request) => call(AUDIT_PATH, formatRequest(request)),
    convert: (request, receipt) => call(CONVERT_PATH, formatRequest(request, receipt)),
  }
}

async function post(options: HttpTrusteeOptions, url: URL, message: JsonObject): Promise<JsonObject> {
  const { id, credential, now, random, timeoutSeconds = 60 } = options
  const body = utf8(JSON.stringify(message))
  const call = { evaluator: id, method: 'POST', path: url.pathname, body } as const
  const authorization = authorizeCall(call, credential, { now: now(), random })
  let ok: boolean
  let answer: JsonObject
  try {
    const response = await (options.fetch ?? fetch)(url, {
      method: 'POST',
      // A connection for each call. Between two calls lie seconds of work, after which the other side may be closing an idle
      // connection just when it is used again: an honest trustee would be named for not answering.
      headers: { 'Content-Type': 'application/json', Authorization: authorization, Connection: 'close' },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutSeconds * 1000),
    })
    ok = response.ok
    answer = parseJsonObject(await readLimited(response), { maxLength: MAX_TRUSTEE_BODY_BYTES })
  } catch (cause) {
    throw new CtidError('ERR_PSEUDONYM_TRUSTEES', { detail: `trustee ${id} unreachable`, cause })
  }
  if (!ok) throw new CtidError(knownCode(answer['code']), { detail: `trustee ${id}` })
  return answer
}

function knownCode(code: unknown): ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code)
    ? (code as ErrorCode)
    : 'ERR_PSEUDONYM_TRUSTEES'
}

async function readLimited(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    length += part.value.length
    if (length > MAX_TRUSTEE_BODY_BYTES) {
      await reader?.cancel()
      throw new CtidError('ERR_JSON_TOO_LARGE')
    }
    parts.push(part.value)
  }
  return fromUtf8(concatBytes(...parts))
}
