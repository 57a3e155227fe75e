// The privacy budget: how much has been told about one purpose's people, kept durably, spent before an answer leaves.
import { CtidError } from '../base/index.ts'
import type { Journal } from './journal.ts'
import type { EpsilonMilli } from './noise.ts'

export type PrivacyBudget = {
  remaining(account: string): EpsilonMilli
  /**
   * Takes from an account, durably (sequential composition: losses add up).
   *
   * @throws {CtidError} `ERR_PSEUDONYM_BUDGET`
   */
  spend(account: string, amount: EpsilonMilli): void
}

/** Every account starts with `limitMilli`. */
export function privacyBudget(
  journal: Journal,
  { limitMilli }: { readonly limitMilli: EpsilonMilli },
): PrivacyBudget {
  const spent = new Map<string, number>()
  for (const { account, amount } of journal.records) {
    if (typeof account !== 'string' || typeof amount !== 'number')
      throw new CtidError('ERR_PSEUDONYM_JOURNAL')
    spent.set(account, (spent.get(account) ?? 0) + amount)
  }
  const remaining = (account: string): number => limitMilli - (spent.get(account) ?? 0)
  return {
    remaining,
    spend: (account, amount) => {
      if (!Number.isSafeInteger(amount) || amount < 1) throw new CtidError('ERR_PSEUDONYM_QUERY')
      if (amount > remaining(account)) throw new CtidError('ERR_PSEUDONYM_BUDGET')
      journal.append({ account, amount })
      spent.set(account, (spent.get(account) ?? 0) + amount)
    },
  }
}
