// Asking evaluators until t of them have proved their answers; who fails is named and routed around.
import { CtidError } from '../base/index.ts'
import { type Group, type Point, verifyDleq } from '../crypto/index.ts'
import type { Evaluation, Evaluator } from './evaluator.ts'
import { type EvaluatorKeySet, shareKeyOf } from './key-set.ts'

/** Why an evaluator's answer was not used. */
export type FaultReason = 'wrong-proof' | 'malformed' | 'unreachable' | 'timed-out' | 'refused'
export type Fault = { readonly evaluator: number; readonly reason: FaultReason }

/** An answer whose proof was verified. */
export type ProvedPart = { readonly id: number; readonly evaluated: readonly Point[] }

export type QuorumOptions = {
  readonly evaluators: readonly Evaluator[]
  readonly keySet: EvaluatorKeySet
  readonly group: Group
  /** How long to wait for one evaluator. Default 10 seconds. */
  readonly timeoutSeconds?: number
}

/**
 * Client: sends one batch to t evaluators at once, verifies each proof against the published share key, and asks the
 * next evaluator for each that fails. Costs 2m + 4 multiplications for each answer verified.
 *
 * @throws {CtidError} `ERR_TOKEN_QUORUM` naming who failed, when fewer than t answers hold
 */
export async function askQuorum(
  blinded: readonly Point[],
  options: QuorumOptions,
): Promise<{ readonly parts: readonly ProvedPart[]; readonly faults: readonly Fault[] }> {
  const { keySet, evaluators } = options
  const waiting = distinct(evaluators)
  const parts: ProvedPart[] = []
  const faults: Fault[] = []
  while (parts.length < keySet.threshold) {
    const asked = waiting.splice(0, keySet.threshold - parts.length)
    if (asked.length + parts.length < keySet.threshold) throw quorumError(faults)
    const answers = await Promise.all(asked.map((evaluator) => askOne(evaluator, blinded, options)))
    for (const answer of answers) {
      if ('reason' in answer) faults.push(answer)
      else parts.push(answer)
    }
  }
  return { parts, faults }
}

async function askOne(
  evaluator: Evaluator,
  blinded: readonly Point[],
  options: QuorumOptions,
): Promise<ProvedPart | Fault> {
  const { group, keySet, timeoutSeconds = 10 } = options
  const { id } = evaluator
  const publicKey = shareKeyOf(keySet, id)
  let answer: Partial<Evaluation> | undefined
  try {
    answer = await withTimeout(timeoutSeconds, (signal) => evaluator.evaluate(blinded, { signal }))
  } catch (error) {
    return { evaluator: id, reason: reasonOf(error) }
  }
  // What another implementation of the port gives back is looked at as well: nobody's fault may end the derivation.
  const { evaluated, proof } = answer ?? {}
  if (evaluated?.length !== blinded.length || !(proof instanceof Uint8Array)) {
    return { evaluator: id, reason: 'malformed' }
  }
  const proved = verifyDleq(group, proof, { publicKey, inputs: blinded, outputs: evaluated })
  return proved ? { id, evaluated } : { evaluator: id, reason: 'wrong-proof' }
}

/** Runs a call with a deadline; the signal tells the call to give up. */
export async function withTimeout<T>(seconds: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new CtidError('ERR_TOKEN_EVALUATOR', { detail: 'timed-out' }))
      controller.abort()
    }, seconds * 1000)
  })
  try {
    return await Promise.race([call(controller.signal), deadline])
  } finally {
    clearTimeout(timer)
  }
}

/** The reason behind an evaluator's failure, as its client's error tells. */
export function reasonOf(error: unknown): FaultReason {
  if (!(error instanceof CtidError)) return 'unreachable'
  if (error.code === 'ERR_CRYPTO_POINT') return 'malformed'
  if (error.code !== 'ERR_TOKEN_EVALUATOR') return 'refused'
  return error.detail === 'timed-out' || error.detail === 'malformed' || error.detail === 'refused'
    ? error.detail
    : 'unreachable'
}

export function quorumError(faults: readonly Fault[]): CtidError {
  const named = faults.map(({ evaluator, reason }) => `evaluator ${evaluator} ${reason}`).join(', ')
  return new CtidError('ERR_TOKEN_QUORUM', { detail: named || 'too few evaluators configured' })
}

function distinct(evaluators: readonly Evaluator[]): Evaluator[] {
  return [...new Map(evaluators.map((evaluator) => [evaluator.id, evaluator])).values()]
}
