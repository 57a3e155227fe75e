// A rotation of the evaluators' key from beginning to end, or from where it was interrupted: with all shares in this folder, or
// with evaluators elsewhere, who have dealt their products by files.
import { type Clock, CtidError } from '../base/index.ts'
import type { Progress, RotateOptions } from '../registry/index.ts'
import {
  type Evaluator,
  type EvaluatorKeySet,
  type Fault,
  localEvaluator,
  runKeyRotation,
} from '../token/index.ts'
import { readPublic } from './carried.ts'
import { evaluatorsAt } from './evaluators-elsewhere.ts'
import { readRegistrar } from './keyring.ts'
import type { RegistrarParty } from './registrar-party.ts'
import { readRotatedKeySet, wasRotated, writeRotated } from './rotation-ceremony.ts'

export type EvaluatorRotation = Progress & {
  /** Version of the evaluators' key that enrolment needs from now on. */
  readonly version: number
  /** `false`: the registry wants time to settle; call again later. Both keys are needed until then. */
  readonly retired: boolean
  readonly faults: readonly Fault[]
}

/**
 * Rotates the evaluators' key of a deployment whose shares are all in its key folder, or goes on with a rotation that was
 * interrupted: ρ and K′ on disk first, then every entry, then the former key is retired and its shares are overwritten.
 * Evaluators in processes of their own on this machine take the next share over from their files.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` (n < 2t − 1), `ERR_REGISTRY_ROTATION`, `ERR_TOKEN_QUORUM`
 */
export async function rotateEvaluators(
  party: RegistrarParty,
  options: RotateOptions = {},
): Promise<EvaluatorRotation> {
  const { keyring, group, random } = party
  const rotation = await keyring.beginRotation(async () =>
    runKeyRotation(keyring.keySet(), await keyring.shares(), { group, random }),
  )
  const { keySet, shares } = rotation.rotation
  const evaluators = shares.map((share) => localEvaluator(share, { group, random }))
  const moved = await moveAll(party, { keySet, evaluators }, options)
  if (moved.retired) await keyring.finishRotation()
  return moved
}

export type EvaluatorsElsewhere = {
  /** The registrar's folder of ρ: evaluators.json and registrar.json of its ceremony, and 2t − 1 products. */
  readonly by: string
  /** Where the evaluators serve their shares of ρ, by id. */
  readonly urls: ReadonlyMap<number, string>
  readonly plainHttp: boolean
  readonly clock: Clock
}

/**
 * The same for evaluators that hold their shares elsewhere and have confirmed the next key (`finishRotationIn`). Enrolment is refused
 * from its beginning until it has ended; look-ups, steps and issuing go on. At the end `rotated.json` is in the folder of ρ,
 * for the evaluators. May be repeated after a crash, with the same ρ.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the participant, `ERR_REGISTRY_ROTATION`, `ERR_REGISTRY_KEYS`, `ERR_TOKEN_QUORUM`
 */
export async function rotateEvaluatorsElsewhere(
  party: RegistrarParty,
  { by, urls, plainHttp, clock }: EvaluatorsElsewhere,
  options: RotateOptions = {},
): Promise<EvaluatorRotation> {
  const { keyring, group, random } = party
  const current = keyring.keySet()
  if (await wasRotated(by, current)) {
    return { version: current.version, done: 0, retired: true, faults: [] }
  }
  const { rotation: keySet, next } = await readRotatedKeySet(by, current, group)
  const secrets = readRegistrar(await readPublic(by, 'registrar.json'))
  const evaluators = evaluatorsAt({ urls, secrets, keySet, group, clock, random, plainHttp })
  const moved = await moveAll(party, { keySet, evaluators }, options)
  if (!moved.retired) return moved
  await writeRotated(by, next)
  await keyring.saveEvaluators(next, [])
  return moved
}

async function moveAll(
  { registry }: RegistrarParty,
  rotation: { readonly keySet: EvaluatorKeySet; readonly evaluators: readonly Evaluator[] },
  options: RotateOptions,
): Promise<EvaluatorRotation> {
  const { version } = rotation.keySet
  const states = await registry.keyStates()
  const former = states.find((row) => row.kind === 'anchor' && row.version === version - 1)
  if (former?.state === 'retired') return { version, done: 0, retired: true, faults: [] }
  const { done, faults } = await registry.rotateAnchors(rotation, options)
  try {
    await registry.retire('anchor')
  } catch (error) {
    if (!(error instanceof CtidError) || error.code !== 'ERR_REGISTRY_ROTATION') throw error
    return { version, done, retired: false, faults }
  }
  return { version, done, retired: true, faults }
}
