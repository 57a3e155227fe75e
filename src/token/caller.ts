// Who is calling an evaluator: a MAC over the whole request under a secret the two share. No secret travels.
import { CtidError, equalBytes, framed, fromBase64url, type RandomBytes, toBase64url } from '../base/index.ts'
import { hmacSha256, sha256 } from '../crypto/index.ts'

/** A request as both sides see it. */
export type CallerRequest = {
  /** Whose answer is wanted: a MAC for one evaluator is none for another. */
  readonly evaluator: number
  readonly method: 'POST'
  readonly path: string
  readonly body: Uint8Array
}

export type CallerCredential = {
  /** 1 to 32 of `a-z 0-9 -`. */
  readonly caller: string
  /** 32 random bytes, different for each pair of caller and evaluator. */
  readonly secret: Uint8Array
}

const LABEL = 'ctid/evaluator-call/v1'
const SCHEME = 'CTID-MAC'
/** How far the two clocks may be apart, and how long a nonce is remembered. */
export const CALL_WINDOW_SECONDS = 60

/** Caller: value of the Authorization header: `CTID-MAC caller:time:nonce:mac`. */
export function authorizeCall(
  request: CallerRequest,
  credential: CallerCredential,
  options: { readonly now: number; readonly random: RandomBytes },
): string {
  const nonce = toBase64url(options.random(16))
  const mac = callMac(request, credential, options.now, nonce)
  return `${SCHEME} ${credential.caller}:${options.now}:${nonce}:${toBase64url(mac)}`
}

export type CallChecker = (header: string | undefined, request: CallerRequest) => string

/**
 * Evaluator: returns a function that gives the caller's name of a valid request, once for each nonce.
 *
 * @throws {CtidError} `ERR_TOKEN_CALLER` from that function, the same whatever was wrong
 */
export function callChecker(
  secrets: ReadonlyMap<string, Uint8Array>,
  options: { readonly now: () => number },
): CallChecker {
  const seen = new Map<string, number>()
  return (header, request) => {
    const now = options.now()
    const match = /^CTID-MAC ([a-z0-9-]{1,32}):(\d{1,12}):([\w-]{22}):([\w-]{43})$/.exec(header ?? '')
    const [, caller = '', time = '', nonce = '', mac = ''] = match ?? []
    // An unknown caller costs the same work as a wrong MAC.
    const secret = secrets.get(caller) ?? new Uint8Array(32)
    const expected = callMac(request, { caller, secret }, Number(time), nonce)
    const same = equalBytes(decode(mac), expected)
    const fresh = Math.abs(now - Number(time)) <= CALL_WINDOW_SECONDS
    if (!match || !same || !fresh || !secrets.has(caller)) throw new CtidError('ERR_TOKEN_CALLER')
    for (const [key, until] of seen) {
      if (until >= now) break
      seen.delete(key)
    }
    const key = `${caller}:${nonce}`
    if (seen.has(key)) throw new CtidError('ERR_TOKEN_CALLER')
    seen.set(key, now + 2 * CALL_WINDOW_SECONDS)
    return caller
  }
}

function callMac(
  request: CallerRequest,
  credential: CallerCredential,
  time: number,
  nonce: string,
): Uint8Array {
  const { evaluator, method, path, body } = request
  return hmacSha256(
    credential.secret,
    framed(LABEL, String(evaluator), credential.caller, method, path, String(time), nonce, sha256(body)),
  )
}

function decode(text: string): Uint8Array {
  try {
    return fromBase64url(text)
  } catch {
    return new Uint8Array()
  }
}
