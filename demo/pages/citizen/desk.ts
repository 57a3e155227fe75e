// The citizen's side of the registrar's and the holder's desk: documents in, signed requests, copies out.
import { fromBase64url, type Json, systemRandom, toBase64url } from '#ctid/base'
import { makeKeyProof } from '#ctid/credential'
import type { Wallet } from '#ctid/wallet'
import type { EnrolAnswer } from '../../parties/registrar.ts'
import type { Document } from '../../parties/town.ts'
import { call } from '../../ui/api.ts'
import { addOnce, get, put } from '../../ui/database.ts'
import { signRequest } from '../../ui/signed-request.ts'
import { deviceKeys, tellOtherTabs } from '../../ui/wallet-home.ts'

/** Copies fetched at a time. */
export const BATCH = 12
const clock = () => Math.floor(Date.now() / 1000)

/** What this page remembers beside the wallet. */
export type Profile = {
  /** Names of the keys that speak at the holder's desk and at the health authority. */
  readonly accountKey: string
  readonly healthKey: string
  readonly document: Document
  /** Copies fetched so far. */
  readonly fetched: number
  /** One credential as it was received, to look at. */
  readonly sample?: string
}

export const readProfile = (): Promise<Profile | undefined> => get<Profile>('wallet', 'profile')
const saveProfile = (profile: Profile) => put('wallet', 'profile', profile)

/**
 * Hands the document over at the registrar's desk, with the key that will speak for it. `undefined` when there is a
 * wallet on this device by then: another tab was faster, and one device holds one person.
 */
export async function enrol(document: Document): Promise<EnrolAnswer | undefined> {
  // One key for each office: what two of them keep about this device has nothing in common.
  const [account, health] = await Promise.all([deviceKeys.create(), deviceKeys.create()])
  const answer = await call<EnrolAnswer>('/registrar/enrol', {
    document,
    key: { ...account.publicJwk },
    healthKey: { ...health.publicJwk },
  })
  const profile: Profile = { accountKey: account.name, healthKey: health.name, document, fetched: 0 }
  const isFirst = await addOnce('wallet', 'profile', profile)
  if (!isFirst) for (const { name } of [account, health]) await deviceKeys.delete(name)
  tellOtherTabs()
  return isFirst ? answer : undefined
}

/** Makes keys on this device, proves them to the issuer, and puts the copies it signs into the wallet. */
export async function fetchCopies(wallet: Wallet): Promise<number> {
  const profile = await requireProfile()
  const { issuer } = await call<{ issuer: string }>('/desk')
  const keys = await wallet.prepareKeys(BATCH)
  const { copies } = await request<{ copies: { attestation: string; credential: string }[] }>(
    'copies',
    async (nonce) => ({
      proofs: await Promise.all(keys.map((key) => makeKeyProof(key, { issuer, nonce, now: clock() }))),
    }),
  )
  const received = await wallet.receive(
    copies.map(({ attestation, credential }) => ({ attestation: fromBase64url(attestation), credential })),
  )
  const sample = copies[0]?.credential
  await saveProfile({
    ...profile,
    fetched: profile.fetched + received,
    ...(sample === undefined ? {} : { sample }),
  })
  tellOtherTabs()
  return received
}

/**
 * As {@link fetchCopies}, unless copies have come already: the tab that enrolled, one that was opened meanwhile and one
 * after a crash may all want the first batch. Returns how many have come in all.
 */
export async function fetchFirstCopies(wallet: Wallet): Promise<number> {
  return navigator.locks.request('ctid-first-copies', async () => {
    const { fetched } = await requireProfile()
    return fetched > 0 ? fetched : fetchCopies(wallet)
  })
}

/** Fetches the attestation of a paper form. */
export async function fetchPaper(wallet: Wallet): Promise<void> {
  const { attestation } = await request<{ attestation: string }>('paper')
  await wallet.receivePaper(fromBase64url(attestation))
}

export const readState = async (): Promise<string> => (await request<{ state: string }>('state')).state

export const setFrozen = async (frozen: boolean): Promise<string> =>
  (await request<{ state: string }>(frozen ? 'freeze' : 'unfreeze')).state

/** What the registry has written down about this entry. */
export type RegistryEntry = { kind: string; reason: string; officer: string; at: number }
export const readEntries = async (): Promise<RegistryEntry[]> =>
  (await request<{ entries: RegistryEntry[] }>('entries')).entries

async function request<T>(
  action: string,
  more: (nonce: string) => Promise<{ [member: string]: Json }> = async () => ({}),
): Promise<T> {
  const { accountKey } = await requireProfile()
  const nonce = toBase64url(systemRandom(16))
  return call<T>('/desk', {
    request: await signRequest(accountKey, 'desk', { action, ...(await more(nonce)) }, nonce),
  })
}

async function requireProfile(): Promise<Profile> {
  const profile = await readProfile()
  if (!profile) throw new Error('no wallet on this device')
  return profile
}
