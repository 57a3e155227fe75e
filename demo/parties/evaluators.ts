// The three evaluators, played in this process: each with its own share, counting every request.
import type { RandomBytes } from '#ctid/base'
import type { Group } from '#ctid/crypto'
import type { Keyring } from '#ctid/deployment'
import { type Evaluator, type EvaluatorKeySet, runRefresh } from '#ctid/token'

export type Evaluators = {
  readonly keySet: () => EvaluatorKeySet
  /** In an order that changes, so that each is asked. */
  readonly list: () => Promise<readonly Evaluator[]>
  /** Elements evaluated since the start, by evaluator. */
  readonly counts: () => ReadonlyMap<number, number>
  /** New shares of the same key. */
  readonly refresh: () => Promise<void>
}

type Options = {
  readonly keyring: Keyring
  readonly evaluators: () => Promise<readonly Evaluator[]>
  readonly group: Group
  readonly random: RandomBytes
}

export function openEvaluators({ keyring, evaluators, group, random }: Options): Evaluators {
  const counts = new Map(keyring.keySet().shares.map(({ id }) => [id, 0]))
  let turn = 0
  const counted = (evaluator: Evaluator): Evaluator => ({
    ...evaluator,
    evaluate: (blinded, call) => {
      counts.set(evaluator.id, (counts.get(evaluator.id) ?? 0) + blinded.length)
      return evaluator.evaluate(blinded, call)
    },
  })
  return {
    keySet: keyring.keySet,
    list: async () => {
      const all = (await evaluators()).map(counted)
      turn = (turn + 1) % all.length
      return [...all.slice(turn), ...all.slice(0, turn)]
    },
    counts: () => counts,
    refresh: async () => {
      const next = runRefresh(keyring.keySet(), await keyring.shares(), { group, random })
      await keyring.saveEvaluators(next.keySet, next.shares)
    },
  }
}
