// A converter trustee. It sees neither pseudonym nor person, judges each request on its own, and releases the
// receiver's half only against the log's receipt.
import {
  type Clock,
  CtidError,
  concatBytes,
  equalBytes,
  framed,
  type RandomBytes,
  toBase64url,
  utf8,
} from '../base/index.ts'
import { type Group, sha256 } from '../crypto/index.ts'
import { type ConversionPart, convertRows, type FactorShare } from './convert.ts'
import { verifyCopies } from './copies.ts'
import { type Directory, pairId, publicFactorShare, receiverKey } from './directory.ts'
import type { Journal } from './journal.ts'
import { requireReceipt } from './receipt.ts'
import { type ConversionRequest, type OpenedRequest, openRequest, requireCurrent } from './request.ts'
import { usageLedger } from './usage.ts'

/** A trustee as the gateway sees it, in the same process or behind HTTP. */
export type Trustee = {
  readonly id: number
  /** First half: converts the audit copies, readable by the audit log only. */
  audit(request: ConversionRequest): Promise<ConversionPart>
  /** Second half: converts the receiver's copies, against a receipt. Counts, and refuses a second time. */
  convert(request: ConversionRequest, receipt: string): Promise<ConversionPart>
}

export type TrusteeOptions = {
  readonly id: number
  readonly directory: Directory
  /** Secret shares by `pairId`. */
  readonly shares: ReadonlyMap<string, FactorShare>
  /** Durable counters of this trustee alone. */
  readonly journal: Journal
  readonly clock: Clock
  readonly random: RandomBytes
}

const REMEMBERED_REQUESTS = 16

/**
 * Starts a trustee.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_KEYS` when a secret share does not fit the directory
 */
export function createTrustee(group: Group, options: TrusteeOptions): Trustee {
  const { id, directory, shares, journal, clock, random } = options
  requireFittingShares(group, id, directory, shares)
  const ledger = usageLedger(journal)
  // Requests opened and verified for the first half, so that the second does not pay again. By all their bytes.
  const accepted = new Map<string, OpenedRequest>()

  const accept = async (request: ConversionRequest, nowSeconds: number): Promise<OpenedRequest> => {
    const name = nameOf(request)
    const known = accepted.get(name)
    if (known) {
      requireCurrent(known, nowSeconds)
      ledger.require(known)
      return known
    }
    const opened = await openRequest(group, request, { directory, nowSeconds })
    ledger.require(opened)
    if (!verifyCopies(group, opened, directory)) throw new CtidError('ERR_PSEUDONYM_COPIES')
    accepted.set(name, opened)
    if (accepted.size > REMEMBERED_REQUESTS) accepted.delete(accepted.keys().next().value as string)
    return opened
  }

  const evaluate = (request: OpenedRequest, half: 'audit' | 'convert'): ConversionPart => {
    const to = half === 'audit' ? directory.audit : request.to
    const pair = pairId(request.from, to)
    const share = shares.get(pair)
    if (!share) throw new CtidError('ERR_PSEUDONYM_PAIR')
    return convertRows(group, share, {
      publicShare: publicFactorShare(directory, pair, id),
      inputs: half === 'audit' ? request.auditCopies : request.receiverCopies,
      recipient: receiverKey(directory, to),
      context: conversionContext(request.id, half),
      random,
    })
  }

  return {
    id,
    audit: async (request) => {
      const now = clock()
      const opened = await accept(request, now)
      if (!shares.has(pairId(opened.from, opened.to))) throw new CtidError('ERR_PSEUDONYM_PAIR')
      // Enrolment in the audit log has no second half, so it is counted here.
      if (opened.to === directory.audit) ledger.spend(opened, now)
      return evaluate(opened, 'audit')
    },
    convert: async (request, receipt) => {
      const now = clock()
      const opened = await accept(request, now)
      if (opened.to === directory.audit) {
        throw new CtidError('ERR_PSEUDONYM_REQUEST', { detail: 'the audit log has no second half' })
      }
      await requireReceipt(receipt, opened, { logKey: directory.log, nowSeconds: now })
      if (!shares.has(pairId(opened.from, opened.to))) throw new CtidError('ERR_PSEUDONYM_PAIR')
      ledger.spend(opened, now)
      accepted.delete(nameOf(request))
      return evaluate(opened, 'convert')
    },
  }
}

function nameOf({ header, grant, rows, proof }: ConversionRequest): string {
  const statements = [header, grant].map((statement) => sha256(utf8(statement)))
  return toBase64url(sha256(framed(...statements, sha256(rows), sha256(proof))))
}

/** What a part's proof is bound to: the request and its half. */
export function conversionContext(requestId: Uint8Array, half: 'audit' | 'convert'): Uint8Array {
  return concatBytes(utf8(`CTID-conversion-v1:${half}:`), requestId)
}

function requireFittingShares(
  group: Group,
  id: number,
  directory: Directory,
  shares: ReadonlyMap<string, FactorShare>,
): void {
  for (const [pair, share] of shares) {
    const published = publicFactorShare(directory, pair, id)
    if (
      !equalBytes(group.multiplyBase(share.factor), published.factor) ||
      !equalBytes(group.multiplyBase(share.strip), published.strip)
    ) {
      throw new CtidError('ERR_PSEUDONYM_KEYS', { detail: `share of ${pair}` })
    }
  }
}
