// The citizen's side of the health authority: signed requests under the health key, and the wallet's own derivation.
import { fromBase64url, type Json } from '#ctid/base'
import { makeKeyProof } from '#ctid/credential'
import {
  type Agreement,
  type Appeal,
  agreesWith,
  type DerivationRecord,
  type Evidence,
  type RuleSet,
  type SourceRegister,
  type Status,
  sourceLookup,
  verifyEvidence,
} from '#ctid/health'
import { makePaperCode } from '#ctid/qr'
import type { Wallet } from '#ctid/wallet'
import { call } from '../../ui/api.ts'
import { signRequest } from '../../ui/signed-request.ts'

// One at a time: a copy says how things stand now, so none is kept for later.
const COPIES = 1
const clock = () => Math.floor(Date.now() / 1000)

export type Answer = {
  readonly status: Status
  readonly record: DerivationRecord
  readonly evidence: readonly string[]
  readonly appeals: readonly Appeal[]
}

/** Talks to the authority with one key of this device. */
export function healthAuthority(keyName: string) {
  const ask = async <T>(method: 'GET' | 'POST', path: string, body?: Json): Promise<T> =>
    call<T>(path, body, method, { 'x-ctid-request': await signRequest(keyName, `${method} ${path}`, {}) })
  return {
    query: () => ask<Answer>('GET', '/health/status'),
    appeals: () => ask<readonly Appeal[]>('GET', '/health/appeals'),
    declare: (symptoms: boolean) => ask('POST', '/health/declarations', { symptoms }),
    contest: (commitment: string, statement: string) =>
      ask('POST', '/health/appeals', { contested: [commitment], statement }),
    importCertificate: (codes: readonly string[], presentation: string) =>
      ask<{ evidence: readonly { class: string }[] }>('POST', '/health/certificates', {
        codes: [...codes],
        presentation,
      }),
    /** The gate's answer as a printed form: no key, lower assurance, the same claim. */
    async fetchPaper(): Promise<string> {
      const { attestation } = await ask<{ attestation: string }>('POST', '/health/paper', { profile: 'gate' })
      return makePaperCode(fromBase64url(attestation))
    },
    /** Copies for the gate's question: they say pass or not, and no colour. */
    async fetchCopies(wallet: Wallet): Promise<void> {
      const { issuer } = await call<{ issuer: string }>('/desk')
      const { nonce } = await ask<{ nonce: string }>('POST', '/health/code-requests', {})
      const keys = await wallet.prepareKeys(COPIES)
      const proofs = await Promise.all(keys.map((key) => makeKeyProof(key, { issuer, nonce, now: clock() })))
      const { copies } = await ask<{ copies: { attestation: string; credential: string }[] }>(
        'POST',
        '/health/codes',
        {
          proofs,
          nonce,
          profile: 'gate',
        },
      )
      await wallet.receive(
        copies.map(({ attestation, credential }) => ({
          attestation: fromBase64url(attestation),
          credential,
        })),
      )
    },
  }
}

/** Derives the status here, from the signed evidence and the published rules, and compares. */
export async function deriveHere({
  status,
  evidence,
}: Answer): Promise<Pick<Agreement, 'differences'> & { readonly evidence: readonly Evidence[] }> {
  const [{ ruleSet }, register] = await Promise.all([
    call<{ ruleSet: RuleSet }>('/health/rules'),
    call<SourceRegister>('/health/sources'),
  ])
  const sources = sourceLookup(register)
  const now = clock()
  const verified = await Promise.all(
    evidence.map((text) => verifyEvidence(text, { sources, now, acceptExpired: true })),
  )
  return { ...agreesWith(status, verified, ruleSet, now), evidence: verified }
}
