// A trustee's own memory of what it released: rows per grant, and every request once. It trusts nobody else's count.
import { CtidError, toBase64url } from '../base/index.ts'
import type { Journal } from './journal.ts'
import type { OpenedRequest } from './request.ts'

export type UsageLedger = {
  /** Rows released under a grant so far. */
  spent(grantId: Uint8Array): number
  /**
   * Whether the request could be released now; changes nothing.
   *
   * @throws {CtidError} `ERR_PSEUDONYM_REPLAY`, `ERR_PSEUDONYM_GRANT_COUNT`
   */
  require(request: OpenedRequest): void
  /** As `require`, and records the release durably before returning. */
  spend(request: OpenedRequest, nowSeconds: number): void
}

/** Folds the ledger from its journal. */
export function usageLedger(journal: Journal): UsageLedger {
  const rows = new Map<string, number>()
  const served = new Set<string>()
  const note = (grant: string, request: string, count: number): void => {
    rows.set(grant, (rows.get(grant) ?? 0) + count)
    served.add(request)
  }
  for (const { grant, request, count } of journal.records) {
    if (typeof grant !== 'string' || typeof request !== 'string' || typeof count !== 'number') {
      throw new CtidError('ERR_PSEUDONYM_JOURNAL')
    }
    note(grant, request, count)
  }
  const require = ({ id, grant, auditCopies }: OpenedRequest): void => {
    if (served.has(toBase64url(id))) throw new CtidError('ERR_PSEUDONYM_REPLAY')
    const used = rows.get(toBase64url(grant.id)) ?? 0
    if (used + auditCopies.length > grant.count) throw new CtidError('ERR_PSEUDONYM_GRANT_COUNT')
  }
  return {
    spent: (grantId) => rows.get(toBase64url(grantId)) ?? 0,
    require,
    spend: (request, nowSeconds) => {
      require(request)
      const grant = toBase64url(request.grant.id)
      const id = toBase64url(request.id)
      journal.append({ at: nowSeconds, grant, request: id, count: request.auditCopies.length })
      note(grant, id, request.auditCopies.length)
    },
  }
}
