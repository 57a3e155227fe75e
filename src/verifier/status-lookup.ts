// Status of a code from the status room's lists, which are fetched whole: a check asks nobody about anyone.
import { CtidError, isCtidError } from '../base/index.ts'
import { STATUS_INVALID, STATUS_SUSPENDED, STATUS_VALID, type StatusChecker } from '../status/index.ts'
import type { TrustedSigner } from '../trust/index.ts'
import type { StatusAnswer, StatusLookup, StatusState } from './ports.ts'

/**
 * Address of a list: the issuer's `statusListBase` in the trust list, followed by the number.
 *
 * @throws {CtidError} `ERR_STATUS_UNAVAILABLE` for an issuer without status lists
 */
export function statusListUri(issuer: TrustedSigner, list: number): string {
  const base = issuer.issuer?.statusListBase
  if (base === undefined) throw new CtidError('ERR_STATUS_UNAVAILABLE', { detail: 'no status lists' })
  return `${base}${list}`
}

/**
 * The lookup of a checker. For gates with the network cut, make the checker with `staleWhenUnreachable` and prefetch:
 * how old a list may be is then the policy's to say, and past its `exp` it is never used.
 */
export function statusLookup(checker: Pick<StatusChecker, 'read'>): StatusLookup {
  return {
    async status({ issuer, list, index }): Promise<StatusAnswer | undefined> {
      try {
        const reading = await checker.read({ uri: statusListUri(issuer, list), index }, issuer)
        const { issuedAt, expiresAt } = reading
        return { state: statusState(reading.status), issuedAt, expiresAt }
      } catch (error) {
        // Without a list there is no check, and what was not executed has not passed.
        if (isCtidError(error) && error.code === 'ERR_STATUS_UNAVAILABLE') return undefined
        throw error
      }
    },
  }
}

/** What an entry of a list says. Values without a registered meaning are not valid, and no fault of the list. */
export function statusState(value: number): StatusState {
  if (value === STATUS_VALID) return 'valid'
  if (value === STATUS_SUSPENDED) return 'suspended'
  return value === STATUS_INVALID ? 'revoked' : 'unknown'
}
