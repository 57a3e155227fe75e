// Evaluators in processes of their own, as this registrar calls them.
import type { Clock, RandomBytes } from '../base/index.ts'
import type { Group } from '../crypto/index.ts'
import { type Evaluator, type EvaluatorKeySet, httpEvaluator } from '../token/index.ts'
import { REGISTRAR } from './keyring.ts'

export type EvaluatorsAt = {
  /** Where they serve, by id. One for which there is no secret is left out. */
  readonly urls: ReadonlyMap<number, string>
  /** The registrar's secrets for them, by id. */
  readonly secrets: ReadonlyMap<number, Uint8Array>
  readonly keySet: EvaluatorKeySet
  readonly group: Group
  readonly clock: Clock
  readonly random: RandomBytes
  readonly plainHttp: boolean
}

export function evaluatorsAt({ urls, secrets, keySet, ...rest }: EvaluatorsAt): readonly Evaluator[] {
  const { group, clock: now, random, plainHttp } = rest
  return [...urls].flatMap(([id, url]) => {
    const secret = secrets.get(id)
    if (!secret) return []
    const credential = { caller: REGISTRAR, secret }
    return [httpEvaluator({ id, url, keySet, credential, group, now, random, plainHttp })]
  })
}
