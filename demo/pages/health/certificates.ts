// A certificate of one's own, read by camera, picture or text: looked at here first, then handed in with one's name proven.
import { CtidError, isCtidError } from '#ctid/base'
import { presentCredential } from '#ctid/credential'
import {
  certificateNonce,
  type DatedFinding,
  decodeDcc,
  findingsOfDcc,
  findingsOfHealthCard,
  readHealthCardCodes,
} from '#ctid/health'
import type { Wallet } from '#ctid/wallet'

/** To whom the own credential is presented beside a certificate. */
const AUDIENCE = 'ctid-demo-health'
const clock = () => Math.floor(Date.now() / 1000)

/** What a certificate says, before anybody has checked its signature. */
export type Reading = {
  readonly codes: readonly string[]
  readonly issuer: string
  readonly findings: readonly DatedFinding[]
  /** Unix seconds; absent when the card has no end. */
  readonly expiresAt: number | undefined
}

/** Collects codes until they are a whole certificate; cards may come in pieces. */
export function certificateReader() {
  let pieces = new Map<string, string>()
  return {
    /** The reading, or how many pieces are still missing. @throws {CtidError} `ERR_HEALTH_CERTIFICATE` */
    async take(text: string): Promise<Reading | number> {
      if (text.startsWith('HC1:')) return await readDcc(text)
      if (!text.startsWith('shc:/')) throw new CtidError('ERR_HEALTH_CERTIFICATE', { detail: 'prefix' })
      const [, index, count] = /^shc:\/(\d+)\/(\d+)\//.exec(text) ?? []
      if (index === undefined) return await readCard([text])
      pieces.set(index, text)
      if (pieces.size < Number(count)) return Number(count) - pieces.size
      const codes = [...pieces.values()]
      pieces = new Map()
      return await readCard(codes)
    },
  }
}

async function readDcc(text: string): Promise<Reading> {
  const dcc = await decodeDcc(text)
  return { codes: [text], issuer: dcc.issuer ?? '', findings: findingsOfDcc(dcc), expiresAt: dcc.expiresAt }
}

async function readCard(codes: readonly string[]): Promise<Reading> {
  const card = await readHealthCardCodes(codes)
  return { codes, issuer: card.issuer, findings: findingsOfHealthCard(card), expiresAt: card.expiresAt }
}

/** The own credential with name and date of birth, bound to these codes. Spends one copy. */
export async function proveName(wallet: Wallet, codes: readonly string[]): Promise<string> {
  const showing = await wallet.show({ kind: 'person', verifier: AUDIENCE })
  const { credential, holder } = await showing.forPresentation(['name', 'birthdate'])
  return await presentCredential(credential, {
    disclose: [['name'], ['birthdate']],
    binding: { holder, audience: AUDIENCE, nonce: certificateNonce(codes), now: clock() },
  })
}

/** Whether an error is the certificate's fault, so that its reader is told and nothing else stops. */
export const isUnreadable = (error: unknown): boolean => isCtidError(error)
