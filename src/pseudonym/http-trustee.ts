// Client: a trustee behind HTTP. Calls are authenticated as the evaluators' are; a refusal keeps its code, so that
// the gateway can say which trustee refused and why.
import { CtidError, isErrorCode, type JsonObject, parseJsonObject } from '../base/index.ts'
import type { Group } from '../crypto/index.ts'
import { type CallTarget, callService, serviceAddress } from '../token/index.ts'
import type { Trustee } from './trustee.ts'
import { AUDIT_PATH, CONVERT_PATH, formatRequest, MAX_TRUSTEE_BODY_BYTES, parsePart } from './wire.ts'

export type HttpTrusteeOptions = CallTarget & {
  readonly id: number
  /** Default 60: a request of 4,096 rows takes some seconds. */
  readonly timeoutSeconds?: number
}

/**
 * A trustee reached over HTTP.
 *
 * @throws {CtidError} `ERR_TOKEN_REQUEST` for a plain `http:` address of another machine
 */
export function httpTrustee(group: Group, options: HttpTrusteeOptions): Trustee {
  const address = serviceAddress(options)
  const call = async (path: string, message: JsonObject) =>
    parsePart(group, await post(options, new URL(`.${path}`, address), message))
  return {
    id: options.id,
    audit: (request) => call(AUDIT_PATH, formatRequest(request)),
    convert: (request, receipt) => call(CONVERT_PATH, formatRequest(request, receipt)),
  }
}

async function post(options: HttpTrusteeOptions, url: URL, message: JsonObject): Promise<JsonObject> {
  const { id, timeoutSeconds = 60 } = options
  let ok: boolean
  let document: JsonObject
  try {
    const answer = await callService(options, url, message, {
      service: id,
      maxBytes: MAX_TRUSTEE_BODY_BYTES,
      signal: AbortSignal.timeout(timeoutSeconds * 1000),
      // Else an honest trustee could be named for not answering.
      alone: true,
    })
    if (!answer) throw new CtidError('ERR_JSON_TOO_LARGE')
    ok = answer.ok
    document = parseJsonObject(answer.text, { maxLength: MAX_TRUSTEE_BODY_BYTES })
  } catch (cause) {
    throw new CtidError('ERR_PSEUDONYM_TRUSTEES', { detail: `trustee ${id} unreachable`, cause })
  }
  const { code } = document
  if (!ok) {
    throw new CtidError(isErrorCode(code) ? code : 'ERR_PSEUDONYM_TRUSTEES', { detail: `trustee ${id}` })
  }
  return document
}
