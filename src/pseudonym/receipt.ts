// The audit log's receipt: the only key that opens the second half of a conversion.
import { CtidError, equalBytes, fromBase64url, toBase64url } from '../base/index.ts'
import type { P256PublicJwk, Signer } from '../crypto/index.ts'
import { openStatement, signStatement } from './jws.ts'
import { type OpenedRequest, REQUEST_LIFETIME_SECONDS } from './request.ts'

const TYPE = 'ctid-receipt+jwt'

export type ReceiptContent = {
  readonly requestId: Uint8Array
  readonly rows: number
  readonly issuedAt: number
}

/** Log: signs a receipt (compact JWS, type `ctid-receipt+jwt`). */
export function signReceipt(content: ReceiptContent, signer: Signer): Promise<string> {
  return signStatement(
    {
      request: toBase64url(content.requestId),
      rows: content.rows,
      iat: content.issuedAt,
    },
    signer,
    TYPE,
  )
}

/**
 * Trustee: requires a receipt of the log for exactly this request.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_RECEIPT`, `ERR_PSEUDONYM_SIGNATURE`, `ERR_PSEUDONYM_STALE`
 */
export async function requireReceipt(
  text: unknown,
  request: OpenedRequest,
  { logKey, nowSeconds }: { readonly logKey: P256PublicJwk; readonly nowSeconds: number },
): Promise<void> {
  const malformed = 'ERR_PSEUDONYM_RECEIPT'
  const { payload } = await openStatement(text, [logKey], { typ: TYPE, malformed })
  const { request: requestId, rows, iat } = payload
  if (typeof requestId !== 'string' || typeof iat !== 'number') throw new CtidError(malformed)
  if (!equalBytes(decoded(requestId), request.id) || rows !== request.auditCopies.length) {
    throw new CtidError(malformed, { detail: 'for another request' })
  }
  if (iat <= nowSeconds - REQUEST_LIFETIME_SECONDS) throw new CtidError('ERR_PSEUDONYM_STALE')
}

function decoded(text: string): Uint8Array {
  try {
    return fromBase64url(text)
  } catch {
    return new Uint8Array()
  }
}
