// The wallet's two errands in the browser: fetch by an offer, answer a question. Keys and copies stay in this browser.
import { CtidError, systemClock, systemRandom } from '#ctid/base'
import { generateSigner } from '#ctid/crypto'
import { type Holding, type PresentQuestion, presentTo, receiveCredentials } from '#ctid/openid'
import { openCredentialBox } from '#ctid/wallet'
import { boxStorage, deviceKeys } from '../../ui/wallet-home.ts'
import { resolveVerifier } from './certificate.ts'

const COPIES = 3

export const box = openCredentialBox({ storage: boxStorage, keys: deviceKeys, clock: systemClock })
const ask = (url: string, init?: RequestInit) => fetch(url, init)

/** Follows an offer and keeps what it gives. Returns the number of copies. */
export async function receive(link: string, txCode: string): Promise<number> {
  const { issuer, credentials, keys } = await receiveCredentials(link, {
    fetch: ask,
    clock: systemClock,
    random: systemRandom,
    dpopKey: await generateSigner(),
    createKey: box.createKey,
    count: COPIES,
    txCode: async () => {
      if (txCode === '') throw new CtidError('ERR_OPENID_OFFER', { detail: 'a transaction code is needed' })
      return txCode
    },
  })
  const received = credentials.flatMap((credential, at) => {
    const key = keys[at]
    return key ? [{ credential, key }] : []
  })
  await box.keep(issuer, received)
  return received.length
}

export type Answered = { readonly shown: boolean; readonly redirectUri: string | undefined }

/** Answers a question, if the holder agrees. Each copy used is spent before it leaves. */
export async function present(
  link: string,
  approve: (question: PresentQuestion) => Promise<boolean>,
): Promise<Answered> {
  const open = await box.unspent()
  const ids = new Map<Holding, string>()
  const holdings = open.map(({ boxed, key }): Holding => {
    const holding = { credential: boxed.credential, key }
    ids.set(holding, boxed.id)
    return holding
  })
  const answer = await presentTo(link, {
    fetch: ask,
    clock: systemClock,
    random: systemRandom,
    holdings,
    resolveVerifier,
    approve,
    onSpend: (used, verifier) =>
      box.spend(
        used.flatMap((one) => ids.get(one) ?? []),
        verifier,
      ),
  })
  return answer.state === 'sent'
    ? { shown: true, redirectUri: answer.redirectUri }
    : { shown: false, redirectUri: undefined }
}
