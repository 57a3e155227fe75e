// The one error class of the library. Codes are stable; messages never carry what the caller put in.
import { ERRORS, type ErrorCode } from './error-codes.ts'

export type { ErrorCode } from './error-codes.ts'

export type CtidErrorOptions = {
  /** Which part failed, in words of ours: a check's name, an evaluator's number. Never input, never personal data. */
  readonly detail?: string
  readonly cause?: unknown
}

/** Thrown by every room. Switch on `code`; show `message`, which says what to do. */
export class CtidError extends Error {
  override readonly name = 'CtidError'
  readonly code: ErrorCode
  readonly detail: string | undefined

  constructor(code: ErrorCode, options: CtidErrorOptions = {}) {
    const text = ERRORS[code].message
    super(
      options.detail === undefined ? text : `${text} (${options.detail})`,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.code = code
    this.detail = options.detail
  }

  /** The HTTP status this error maps to. */
  get status(): number {
    return ERRORS[this.code].status
  }
}

/** Whether what another party said is a code of ours. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code)
}

/** Whether an error is one of ours, with a code of `ERRORS`. */
export function isCtidError(error: unknown): error is CtidError {
  return error instanceof CtidError
}
