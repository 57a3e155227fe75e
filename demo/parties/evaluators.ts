// The three evaluators, played in this process: each with its own share, counting every request.
import type { RandomBytes } from '#ctid/base'
import type { Group } from '#ctid/crypto'
import { type Evaluator, type EvaluatorKeySet, localEvaluator, runRefresh } from '#ctid/token'
import type { Keyring } from '../keyring.ts'

export type Evaluators = {
  readonly keySet: () => EvaluatorKeySet
  /** In an order that changes, so that each is asked. */
  readonly list: () => readonly Evaluator[]
  /** Elements evaluated since the start, by evaluator. */
  readonly counts: () => ReadonlyMap<number, number>
  /** New shares of the same key. */
  readonly refresh: () => void
}

export function openEvaluators(keyring: Keyring, options: { group: Group; random: RandomBytes }): Evaluators {
  let keys = keyring.evaluators()
  const counts = new Map(keys.shares.map(({ id }) => [id, 0]))
  let turn = 0
  const counted = (evaluator: Evaluator): Evaluator => ({
    ...evaluator,
    evaluate: (blinded, call) => {
      counts.set(evaluator.id, (counts.get(evaluator.id) ?? 0) + blinded.length)
      return evaluator.evaluate(blinded, call)
    },
  })
  return {
    keySet: () => keys.keySet,
    list: () => {
      const all = keys.shares.map((share) => counted(localEvaluator(share, options)))
      turn = (turn + 1) % all.length
      return [...all.slice(turn), ...all.slice(0, turn)]
    },
    counts: () => counts,
    refresh: () => {
      keys = runRefresh(keys.keySet, keys.shares, options)
      keyring.saveEvaluators(keys)
    },
  }
}
