// A trustee named for what it did or did not do.
import { CtidError, type ErrorCode, isCtidError } from '../base/index.ts'

/** `code`: why. `ERR_CRYPTO_PROOF` is a wrong share, `ERR_PSEUDONYM_TRUSTEES` no answer, others are its own refusal. */
export type Fault = {
  readonly trustee: number
  readonly half: 'audit' | 'convert'
  readonly code: ErrorCode
}

/** The fault that an error of a trustee amounts to. */
export function faultOf(trustee: number, half: Fault['half'], error: unknown): Fault {
  return { trustee, half, code: isCtidError(error) ? error.code : 'ERR_PSEUDONYM_TRUSTEES' }
}

/** The refusal when too few trustees remain. It names each; `cause` carries the list. */
export function tooFewTrustees(faults: readonly Fault[]): CtidError {
  const detail = faults.map(({ trustee, half, code }) => `trustee ${trustee}, ${half}: ${code}`).join('; ')
  return new CtidError('ERR_PSEUDONYM_TRUSTEES', { detail, cause: faults })
}
