// The verifier's lists: fetched whole, checked, kept as signed texts, and checked again each time they are opened.
import { type Clock, CtidError, isCtidError, type Json } from '#ctid/base'
import { type P256PublicJwk, parsePublicJwk } from '#ctid/crypto'
import { type CheckedStatusList, checkStatusToken, getStatus, statusListSize } from '#ctid/status'
import { checkTrustList, findSigner, parseJws, type TrustedSigner, type TrustList } from '#ctid/trust'
import { type StatusLookup, statusState, type TrustLookup, trustListLookup } from '#ctid/verifier'
import { ApiError, call, fetchText } from '../../ui/api.ts'
import { get, put, remove } from '../../ui/database.ts'

export type Lists = {
  readonly trustList: TrustList
  readonly trust: TrustLookup
  readonly status: StatusLookup
  readonly statusLists: readonly { readonly size: number; readonly issuedAt: number }[]
}

/** Where the lists are; the publisher's key is pinned when it is first seen. */
type Directory = {
  readonly publisher: Json
  readonly trust: string
  readonly status: readonly StatusAddress[]
}
type StatusAddress = { readonly uri: string; readonly path: string }
type Kept = {
  readonly publisher: P256PublicJwk
  readonly trust: string
  readonly status: readonly { readonly uri: string; readonly text: string }[]
}

/** What is kept on this device, if it still holds. */
export async function openLists(now: number): Promise<Lists | undefined> {
  const kept = await get<Kept>('lists', 'kept')
  return kept && check(kept, now).catch(() => undefined)
}

/** Forgets lists and publisher, so that the next ones come from whoever publishes then. */
export const forgetLists = (): Promise<unknown> => remove('lists', 'kept')

/** Why lists could not be had: no answer, or the code of the check that failed. */
export type Refusal = { readonly refusal: 'ERR_NETWORK' | (string & {}) }

/** Fetches all lists anew and keeps them if they check and are no older; else the kept ones stay. */
export async function refreshLists(clock: Clock, knownVersion = 0): Promise<Lists | Refusal> {
  try {
    const before = await get<Kept>('lists', 'kept')
    const directory = await call<Directory>('/lists')
    const fetched: Kept = {
      publisher: before?.publisher ?? parsePublicJwk(directory.publisher),
      trust: await fetchText(directory.trust),
      status: await Promise.all(
        directory.status.map(async ({ uri, path }) => ({ uri, text: await fetchText(path) })),
      ),
    }
    // The time after fetching: a list signed a moment ago must not seem to come from the future.
    const lists = await check(fetched, clock(), knownVersion)
    await put('lists', 'kept', fetched)
    return lists
  } catch (error) {
    if (error instanceof ApiError || isCtidError(error)) return { refusal: error.code }
    throw error
  }
}

async function check({ publisher, trust, status }: Kept, now: number, knownVersion = 0): Promise<Lists> {
  const trustList = await checkTrustList(trust, { expectedSigners: [publisher], now, knownVersion })
  const checked = new Map<string, CheckedStatusList>()
  for (const { uri, text } of status) {
    const signer = await signerOf(trustList, uri, text, now)
    checked.set(
      `${signer.kid} ${uri}`,
      await checkStatusToken(text, { expectedUri: uri, expectedSigners: [signer], now }),
    )
  }
  return {
    trustList,
    trust: trustListLookup(trustList),
    status: { status: (query) => answer(checked, query) },
    statusLists: [...checked.values()].map(({ list, issuedAt }) => ({
      size: statusListSize(list),
      issuedAt,
    })),
  }
}

// The key that the list's own header names, if the trust list has it for an issuer whose lists are at this address.
async function signerOf(list: TrustList, uri: string, text: string, now: number): Promise<TrustedSigner> {
  const { kid } = parseJws(text, { expectedTyp: 'statuslist+jwt', maxLength: 4_194_304 }).header
  const issuer = list.issuers.find(({ statusListBase }) => statusListBase && uri.startsWith(statusListBase))
  const purpose = issuer?.purposes[0]
  if (typeof kid !== 'string' || purpose === undefined) throw new CtidError('ERR_STATUS_LIST_SIGNER')
  return findSigner(list, kid, { purpose, now })
}

const answer = (
  lists: ReadonlyMap<string, CheckedStatusList>,
  { issuer, list, index }: Parameters<StatusLookup['status']>[0],
): Awaited<ReturnType<StatusLookup['status']>> => {
  const checked = lists.get(`${issuer.kid} ${issuer.issuer?.statusListBase ?? ''}${list}`)
  if (!checked) return undefined
  return {
    state: statusState(getStatus(checked.list, index)),
    issuedAt: checked.issuedAt,
    expiresAt: checked.expiresAt,
  }
}
