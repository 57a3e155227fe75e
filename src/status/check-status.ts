// Verifier: from a credential's status reference to valid or not, with lists kept for as long as they may be.
import { type Clock, CtidError, isCtidError } from '../base/index.ts'
import type { TrustedSigner } from '../trust/index.ts'
import { getStatus, STATUS_INVALID, STATUS_SUSPENDED, STATUS_VALID } from './status-list.ts'
import { type CheckedStatusList, checkStatusToken } from './status-token.ts'

export type StatusCheckerOptions = {
  /** Fetches the token text of a URI; bounded in size and time. May be called for hosts that an issuer chose. */
  readonly fetchToken: (uri: string) => Promise<string>
  readonly clock: Clock
  /** Further signers accepted for an issuer's lists. Default: only the credential's own signer. */
  readonly statusSigners?: (issuer: TrustedSigner) => readonly TrustedSigner[]
  /**
   * When a list cannot be fetched anew, go on with the kept one until its `exp`: for gates with a poor network.
   * Default false: after `ttl` an unreachable list is no verdict.
   */
  readonly staleWhenUnreachable?: boolean
  /** Lists kept at most. Default 64 (of 128 KB each for 2^20 one-bit entries). */
  readonly maxLists?: number
}

/** Where a status is found: `status_list` of the credential. */
export type StatusPointer = { readonly uri: string; readonly index: number }

export type StatusReading = { readonly status: number; readonly issuedAt: number; readonly expiresAt: number }

export type StatusChecker = {
  /**
   * Resolves if the status is valid.
   *
   * @throws {CtidError} `ERR_STATUS_REVOKED`, `ERR_STATUS_SUSPENDED`, `ERR_STATUS_UNKNOWN`, `ERR_STATUS_INDEX`,
   * `ERR_STATUS_UNAVAILABLE`, and those of `checkStatusToken`
   */
  check(reference: StatusPointer, issuer: TrustedSigner): Promise<void>
  /** The status as it is, with the times of its list, for those who judge by a policy of their own. */
  read(reference: StatusPointer, issuer: TrustedSigner): Promise<StatusReading>
  /** Fetches a list ahead, so that checks work with the network cut. */
  prefetch(uri: string, issuer: TrustedSigner): Promise<void>
  /**
   * Fetches every kept list anew, also one that still holds: called by a clock, more often than `ttl`, it makes requests that have
   * nothing to do with who is being checked. Where a list cannot be had the kept one stays.
   */
  refresh(): Promise<void>
}

/**
 * Makes a checker with a cache. A list is kept per URI *and* signer until `ttl` or `exp`, whichever is first; within
 * that time a check makes no request, so nobody learns which credential was checked.
 */
export function createStatusChecker(options: StatusCheckerOptions): StatusChecker {
  const { fetchToken, clock, statusSigners = () => [], staleWhenUnreachable = false, maxLists = 64 } = options
  const kept = new Map<string, CheckedStatusList | Promise<CheckedStatusList>>()
  const addresses = new Map<string, { readonly uri: string; readonly issuer: TrustedSigner }>()

  const load = async (uri: string, issuer: TrustedSigner): Promise<CheckedStatusList> => {
    const name = `${issuer.kid} ${uri}`
    const known = kept.get(name)
    // Gates ask all at once when a list runs out: one request serves them all.
    if (known instanceof Promise) return await known
    if (known && clock() < known.refreshAt) return known
    const loading = fetchAndCheck(uri, issuer)
    kept.delete(name)
    kept.set(name, loading)
    addresses.set(name, { uri, issuer })
    if (kept.size > maxLists) forget(kept.keys().next().value as string)
    try {
      const list = await loading
      kept.set(name, list)
      return list
    } catch (error) {
      const unreachable = isCtidError(error) && error.code === 'ERR_STATUS_UNAVAILABLE'
      if (known && staleWhenUnreachable && unreachable && clock() < known.expiresAt) {
        kept.set(name, known)
        return known
      }
      forget(name)
      throw error
    }
  }
  const forget = (name: string): void => {
    kept.delete(name)
    addresses.delete(name)
  }

  const refresh = async (): Promise<void> => {
    for (const [name, { uri, issuer }] of [...addresses]) {
      const before = kept.get(name)
      // One that is on its way is fresh enough.
      if (before === undefined || before instanceof Promise) continue
      try {
        const list = await fetchAndCheck(uri, issuer)
        if (kept.get(name) === before) kept.set(name, list)
      } catch {
        // The next check decides whether the kept one still counts.
      }
    }
  }

  const fetchAndCheck = async (uri: string, issuer: TrustedSigner): Promise<CheckedStatusList> => {
    requireOwnList(uri, issuer)
    let text: string
    try {
      text = await fetchToken(uri)
    } catch (error) {
      throw isCtidError(error) ? error : new CtidError('ERR_STATUS_UNAVAILABLE')
    }
    const expectedSigners = [issuer, ...statusSigners(issuer)]
    return await checkStatusToken(text, { expectedUri: uri, expectedSigners, now: clock() })
  }

  const read = async ({ uri, index }: StatusPointer, issuer: TrustedSigner): Promise<StatusReading> => {
    const { list, issuedAt, expiresAt } = await load(uri, issuer)
    return { status: getStatus(list, index), issuedAt, expiresAt }
  }

  return {
    check: async (pointer, issuer) => requireValid((await read(pointer, issuer)).status),
    read,
    prefetch: async (uri, issuer) => void (await load(uri, issuer)),
    refresh,
  }
}

// An issuer of the trust list says where its lists are: no verifier can be sent elsewhere to be counted or attacked.
function requireOwnList(uri: string, { issuer }: TrustedSigner): void {
  const base = issuer?.statusListBase
  if (base !== undefined && !uri.startsWith(base)) {
    throw new CtidError('ERR_STATUS_LIST_SUBJECT', { detail: 'outside the place named by the trust list' })
  }
}

/** Throws unless a status value means "valid". Values without a registered meaning are not valid. */
export function requireValid(status: number): void {
  if (status === STATUS_VALID) return
  if (status === STATUS_INVALID) throw new CtidError('ERR_STATUS_REVOKED')
  throw new CtidError(status === STATUS_SUSPENDED ? 'ERR_STATUS_SUSPENDED' : 'ERR_STATUS_UNKNOWN')
}
