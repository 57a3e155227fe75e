// Share refresh: new shares of the same secret. Tokens stay; shares stolen before do not combine with shares stolen after.
import { CtidError, equalBytes, type RandomBytes } from '../base/index.ts'
import {
  applyRefresh,
  dealRefresh,
  type Group,
  type RefreshDeal,
  refreshedKey,
  type Share,
} from '../crypto/index.ts'
import { checkKeySet, type EvaluatorKeySet, shareKeyOf } from './key-set.ts'

/** Evaluator: its contribution to a refresh. Send each party its own part only; the commitments are public. */
export function dealShareRefresh(keySet: EvaluatorKeySet, group: Group, random: RandomBytes): RefreshDeal {
  return dealRefresh(group, {
    threshold: keySet.threshold,
    ids: keySet.shares.map((share) => share.id),
    random,
  })
}

/**
 * Anyone: the key set after a refresh, from the dealers' public commitments. The group key and the version stay, the
 * epoch counts up. One honest dealer among them makes old shares useless.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the deal (1-based) whose degree is not t − 1: it would raise the
 * threshold and lose the key
 */
export function refreshKeySet(
  keySet: EvaluatorKeySet,
  deals: readonly RefreshDeal[],
  group: Group,
): EvaluatorKeySet {
  deals.forEach((deal, index) => {
    if (deal.commitments.length !== keySet.threshold - 1) {
      throw new CtidError('ERR_TOKEN_CEREMONY', { detail: `refresh deal ${index + 1}` })
    }
  })
  const next = { ...keySet, ...refreshedKey(group, keySet, deals), epoch: keySet.epoch + 1 }
  checkKeySet(next, group)
  return next
}

/**
 * Evaluator: moves to its share of the new epoch, then destroys the old one.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY`, `ERR_CRYPTO_PROOF` naming the deal that does not fit
 */
export function refreshShare(
  share: Share,
  next: EvaluatorKeySet,
  deals: readonly RefreshDeal[],
  group: Group,
): Share {
  const moved = applyRefresh(group, share, deals)
  if (!equalBytes(moved.publicKey, shareKeyOf(next, share.id))) throw new CtidError('ERR_TOKEN_CEREMONY')
  return moved
}

/** All evaluators of a refresh in one process. */
export function runRefresh(
  keySet: EvaluatorKeySet,
  shares: readonly Share[],
  options: { readonly group: Group; readonly random: RandomBytes },
): { readonly keySet: EvaluatorKeySet; readonly shares: readonly Share[] } {
  const { group, random } = options
  const deals = shares.map(() => dealShareRefresh(keySet, group, random))
  const next = refreshKeySet(keySet, deals, group)
  return { keySet: next, shares: shares.map((share) => refreshShare(share, next, deals, group)) }
}
