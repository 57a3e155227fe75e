// The issuer as a registrar sees it, in the same process or elsewhere: it says for whom and what, and never signs.
import type { CopyRequest, CopyState, IssuedCopy, IssuerDeps } from './copies.ts'
import { issueCopies, setCopyState } from './copies.ts'
import { proofChecks } from './proofs.ts'
import type { StatusPublisher } from './publish.ts'

export type IssuerPort = {
  /** For the proofs of one request for copies. */
  nonce(): Promise<string>
  /**
   * One copy for each proof, whose key it is bound to. The issuer checks the proofs itself.
   *
   * @throws {CtidError} `ERR_ISSUER_*`; nothing that a verifier would accept has been made then
   */
  issue(request: CopyRequest, proofs: readonly string[]): Promise<readonly IssuedCopy[]>
  /** Gives all copies of a subject a state; may be repeated. Returns how many were found. */
  setState(subjectId: Uint8Array, state: CopyState): Promise<number>
  /** Rejects while nothing can be issued. */
  ready(): Promise<unknown>
}

/** The issuer of this process. */
export function localIssuer(deps: IssuerDeps, publisher: StatusPublisher): IssuerPort {
  const proofs = proofChecks(deps)
  return {
    nonce: async () => proofs.nonce(),
    issue: async (request, given) => issueCopies(request, await proofs.check(given), deps),
    async setState(subjectId, state) {
      const count = await setCopyState(subjectId, state, deps)
      publisher.changed()
      return count
    },
    ready: async () => deps.ledger.newestList(),
  }
}
