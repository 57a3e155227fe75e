// Issuer: keeps a fresh signed token for each status list, made at most once per change or period.
import { type Clock, equalBytes, type JsonObject } from '../base/index.ts'
import type { IssuerKey } from '../credential/index.ts'
import { sha256 } from '../crypto/index.ts'
import { createStatusList, encodeStatusList, setStatus, signEncodedStatus } from '../status/index.ts'
import type { IssuerLedger } from './ledger.ts'

export type PublisherOptions = {
  readonly ledger: IssuerLedger
  /** The key of the credentials: some wallets accept no other for the list. */
  readonly key: IssuerKey
  readonly statusListBase: string
  readonly clock: Clock
  /** Entries per list, as in the ledger. Default 2^20. */
  readonly listSize?: number
  /** Default 300: how soon a revocation is known everywhere. */
  readonly ttlSeconds?: number
  /** Default one day: how long a gate without network may go on. */
  readonly expiresInSeconds?: number
}

export type StatusPublisher = {
  /** The token of a list, or `undefined` when there is no such list. */
  token(list: number): Promise<{ readonly token: string; readonly maxAgeSeconds: number } | undefined>
  /** Call after a change, so that the next request gets a new token at once. */
  changed(): void
}

/**
 * Makes a publisher. Tokens are kept for half of `ttl`; a new one costs some milliseconds, and compressing (tens of
 * milliseconds) only where something changed.
 */
export function createStatusPublisher(options: PublisherOptions): StatusPublisher {
  const { ledger, key, statusListBase, clock } = options
  const { listSize = 1_048_576, ttlSeconds = 300, expiresInSeconds = 86_400 } = options
  const keep = Math.max(1, Math.floor(ttlSeconds / 2))
  let kept = new Map<number, { readonly token: Promise<string>; readonly madeAt: number }>()

  // Compressed lists by what was in them: a list that did not change is signed again, not compressed again.
  const encoded = new Map<number, { readonly digest: Uint8Array; readonly member: JsonObject }>()

  const build = async (number: number, now: number): Promise<string> => {
    // Two bits: valid, revoked, suspended.
    const list = createStatusList(listSize, 2)
    for (const { index, status } of await ledger.statuses(number)) setStatus(list, index, status)
    const digest = sha256(list.bytes)
    const before = encoded.get(number)
    const same = before !== undefined && equalBytes(before.digest, digest)
    const member = same ? before.member : await encodeStatusList(list)
    if (!same) encoded.set(number, { digest, member })
    return await signEncodedStatus(member, key.signer, {
      uri: `${statusListBase}${number}`,
      now,
      expiresInSeconds,
      ttlSeconds,
      ...(key.kid === undefined ? {} : { kid: key.kid }),
      ...(key.x5c === undefined ? {} : { x5c: key.x5c }),
    })
  }

  return {
    token: async (list) => {
      const now = clock()
      let entry = kept.get(list)
      if (!entry || now - entry.madeAt >= keep || now < entry.madeAt) {
        if (!Number.isSafeInteger(list) || list < 0 || list > (await ledger.newestList())) return undefined
        entry = { token: build(list, now), madeAt: now }
        kept.set(list, entry)
      }
      try {
        return { token: await entry.token, maxAgeSeconds: Math.max(1, entry.madeAt + keep - now) }
      } catch (error) {
        kept.delete(list)
        throw error
      }
    },
    changed: () => {
      kept = new Map()
    },
  }
}
