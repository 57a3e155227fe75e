// Client: an issuer in a process of its own. Requests are authenticated; what it answers is handed on, not trusted further.
import {
  CtidError,
  isCtidError,
  isErrorCode,
  type JsonObject,
  parseJsonObject,
  toBase64url,
} from '../base/index.ts'
import { type CallTarget, callService, serviceAddress } from '../token/index.ts'
import type { IssuerPort } from './port.ts'
import { formatCopyRequest, ISSUER_PATHS, ISSUER_SERVICE, parseCopies } from './wire.ts'

/** Fifty copies are some 300 kB. */
const MAX_ANSWER_BYTES = 1_048_576
/** An issuer answers when its log has, and a log when its witnesses have. */
const TIMEOUT_MS = 40_000
const HEALTH_TIMEOUT_MS = 5_000

/**
 * An issuer reached over HTTP. Its own refusals keep their codes; whatever else goes wrong is `ERR_ISSUER_UNAVAILABLE`. A
 * request whose answer was lost may be made again, with a fresh nonce: copies that nobody received stay in nobody's hands.
 *
 * @throws {CtidError} `ERR_TOKEN_REQUEST` for a plain `http:` address of another machine
 */
export function httpIssuer(target: CallTarget): IssuerPort {
  const address = serviceAddress(target)
  const call = async <T>(path: string, message: JsonObject, read: (answer: JsonObject) => T): Promise<T> => {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const answer = await callService(target, new URL(`.${path}`, address), message, {
        service: ISSUER_SERVICE,
        maxBytes: MAX_ANSWER_BYTES,
        signal,
      })
      if (!answer) throw new CtidError('ERR_ISSUER_UNAVAILABLE', { detail: 'malformed' })
      const document = parseJsonObject(answer.text, { maxLength: MAX_ANSWER_BYTES })
      if (!answer.ok) throw refusal(document)
      return read(document)
    } catch (cause) {
      if (isCtidError(cause) && isRefusal(cause.code)) throw cause
      throw new CtidError('ERR_ISSUER_UNAVAILABLE', { cause })
    }
  }
  return {
    nonce: () =>
      call(ISSUER_PATHS.nonce, {}, ({ nonce }) => {
        if (typeof nonce !== 'string' || !/^[\w-]{16,64}$/.test(nonce)) throw new Error('nonce')
        return nonce
      }),
    issue: (request, proofs) =>
      call(ISSUER_PATHS.copies, formatCopyRequest(request, proofs), (answer) =>
        parseCopies(answer, proofs.length),
      ),
    setState: (subjectId, state) =>
      call(ISSUER_PATHS.state, { subjectId: toBase64url(subjectId), state }, ({ copies }) => {
        if (!Number.isSafeInteger(copies)) throw new Error('copies')
        return copies as number
      }),
    async ready() {
      try {
        const response = await (target.fetch ?? fetch)(new URL('./health', address), {
          redirect: 'error',
          signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS),
        })
        if (response.ok) return
      } catch (cause) {
        throw new CtidError('ERR_ISSUER_UNAVAILABLE', { cause })
      }
      throw new CtidError('ERR_ISSUER_UNAVAILABLE')
    },
  }
}

// What an issuer may say of a request, and what its log and its database may say of it. A refused caller is not among them:
// that is between registrar and issuer, and no desk's fault.
const isRefusal = (code: string): boolean =>
  /^ERR_(ISSUER|LOG|STORE)_|^ERR_CREDENTIAL_PROFILE$|^ERR_STATUS_FULL$/.test(code)

function refusal({ code }: JsonObject): CtidError {
  const isSaid = isErrorCode(code) && isRefusal(code)
  return new CtidError(isSaid ? code : 'ERR_ISSUER_UNAVAILABLE', { detail: 'refused' })
}
