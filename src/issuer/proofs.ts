// Nonces for proofs of possession: each good for one request, within five minutes, in the process that knows of it.
import { type Clock, CtidError, type RandomBytes, toBase64url } from '../base/index.ts'
import { openKeyProof, type ProvenKey } from '../credential/index.ts'

const NONCE_SECONDS = 300
const MAX_NONCES = 100_000

export type ProofChecks = {
  /** A fresh nonce; or the one given, which another party made. */
  nonce(given?: string): string
  /**
   * The keys of the proofs of one request. Their nonces are used up, unless a proof is wrong.
   *
   * @throws {CtidError} `ERR_ISSUER_PROOF`, `ERR_ISSUER_PROOF_NONCE`
   */
  check(proofs: readonly string[]): Promise<readonly ProvenKey[]>
}

/**
 * Gives out nonces and checks proofs of possession against them, each nonce once.
 *
 * @param options.issuerId the audience that proofs must name
 */
export function proofChecks(options: {
  readonly issuerId: string
  readonly clock: Clock
  readonly random: RandomBytes
}): ProofChecks {
  const { issuerId, clock, random } = options
  const known = new Map<string, number>()
  return {
    nonce(given = toBase64url(random(16))) {
      const now = clock()
      for (const [nonce, until] of known) {
        if (until > now && known.size < MAX_NONCES) break
        known.delete(nonce)
      }
      known.set(given, now + NONCE_SECONDS)
      return given
    },
    async check(proofs) {
      const opened = await Promise.all(
        proofs.map((proof) => openKeyProof(proof, { expectedIssuer: issuerId, now: clock() })),
      )
      // From here on without a pause: of two requests with one nonce the second finds it used.
      const used = new Set(opened.map(({ nonce }) => nonce))
      const isKnown = (nonce: unknown) => typeof nonce === 'string' && clock() < (known.get(nonce) ?? 0)
      if (![...used].every(isKnown)) throw new CtidError('ERR_ISSUER_PROOF_NONCE')
      for (const nonce of used) known.delete(nonce as string)
      return opened.map(({ key }) => key)
    },
  }
}
