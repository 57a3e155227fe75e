// The privacy budget: how much has been told about one purpose's people, kept durably, spent before an answer leaves.
import { CtidError, canonicalJson, type Json } from '../base/index.ts'
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
  /**
   * Tells fields exactly, durably and once in the life of the account: two exact tables that share a field can be
   * subtracted, also when they come from different fusions.
   *
   * @throws {CtidError} `ERR_PSEUDONYM_BUDGET`
   */
  tellExactly(account: string, fields: readonly string[]): void
}

/** Every account starts with `limitMilli`. */
export function privacyBudget(
  journal: Journal,
  { limitMilli }: { readonly limitMilli: EpsilonMilli },
): PrivacyBudget {
  if (!isAmount(limitMilli)) throw new CtidError('ERR_PSEUDONYM_QUERY')
  const spent = new Map<string, number>()
  const told = new Set<string>()
  const note = (account: string, amount: number, fields: readonly string[]): void => {
    spent.set(account, (spent.get(account) ?? 0) + amount)
    for (const field of fields) told.add(canonicalJson([account, field]))
  }
  for (const { account, amount = 0, exact = [] } of journal.records) {
    const isSound = typeof account === 'string' && (amount === 0 || isAmount(amount)) && isTexts(exact)
    if (!isSound) throw new CtidError('ERR_PSEUDONYM_JOURNAL')
    note(account, amount, exact)
  }
  const remaining = (account: string): number => limitMilli - (spent.get(account) ?? 0)
  return {
    remaining,
    spend: (account, amount) => {
      if (!isAmount(amount)) throw new CtidError('ERR_PSEUDONYM_QUERY')
      if (amount > remaining(account)) throw new CtidError('ERR_PSEUDONYM_BUDGET')
      journal.append({ account, amount })
      note(account, amount, [])
    },
    tellExactly: (account, fields) => {
      if (fields.some((field) => told.has(canonicalJson([account, field])))) {
        throw new CtidError('ERR_PSEUDONYM_BUDGET', { detail: 'told exactly before' })
      }
      journal.append({ account, exact: [...fields] })
      note(account, 0, fields)
    },
  }
}

function isAmount(value: Json): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1
}

function isTexts(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}
