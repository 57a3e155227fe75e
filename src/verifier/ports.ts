// What a verifier needs from outside: whose keys count, what was revoked, what was used. All of it works offline.
import { CtidError, type MaybePromise } from '../base/index.ts'
import { findSigner, type TrustedSigner, type TrustList, type TrustQuery } from '../trust/index.ts'

/** Finds an issuer's key; throws `ERR_TRUST_*` when it does not count for the query. */
export type TrustLookup = {
  /** `kid` is 16 lower-case hexadecimal digits. */
  issuerKey(kid: string, query: TrustQuery): MaybePromise<TrustedSigner>
}

/** Looks keys up in a checked trust list, as long as the list itself is in force: afterwards it throws `ERR_TRUST_LIST_EXPIRED`. */
export function trustListLookup(list: TrustList): TrustLookup {
  return {
    issuerKey: (kid, query) => {
      if (query.now >= list.expiresAt) throw new CtidError('ERR_TRUST_LIST_EXPIRED')
      return findSigner(list, kid, query)
    },
  }
}

export type StatusQuery = {
  readonly issuer: TrustedSigner
  /** Number of the list at the issuer; its address is the issuer's `statusListBase` followed by the number. */
  readonly list: number
  readonly index: number
  /** Unix seconds. */
  readonly now: number
}

export type StatusState = 'valid' | 'revoked' | 'suspended' | 'unknown'

export type StatusAnswer = {
  /** `unknown`: a value without a registered meaning, which is not valid either. */
  readonly state: StatusState
  /** When the list was signed and until when its signer stands by it, Unix seconds. */
  readonly issuedAt: number
  readonly expiresAt: number
}

/**
 * Answers from lists that were fetched whole and whose signature was checked (`ERR_*` otherwise), so that no issuer
 * learns which entry was looked at. `undefined` when there is no such list here.
 */
export type StatusLookup = { status(query: StatusQuery): MaybePromise<StatusAnswer | undefined> }

/** Remembers what was used. */
export type ReplayCache = {
  /**
   * True for exactly one caller per key until `expiresAt` (Unix seconds), however many ask at once.
   *
   * @throws {CtidError} `ERR_VERIFIER_REPLAY_FULL` when nothing more can be remembered
   */
  consume(key: string, expiresAt: number): MaybePromise<boolean>
}
