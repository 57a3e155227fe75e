// A rotation of the evaluators' key from beginning to end, or from where it was interrupted.
import { CtidError } from '../base/index.ts'
import type { Progress, RotateOptions } from '../registry/index.ts'
import { type Fault, localEvaluator, runKeyRotation } from '../token/index.ts'
import type { RegistrarParty } from './registrar-party.ts'

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
  { keyring, registry, group, random }: RegistrarParty,
  options: RotateOptions = {},
): Promise<EvaluatorRotation> {
  const rotation = await keyring.beginRotation(async () =>
    runKeyRotation(keyring.keySet(), await keyring.shares(), { group, random }),
  )
  const { keySet, shares } = rotation.rotation
  const { version } = rotation.next.keySet
  const states = await registry.keyStates()
  const former = states.find((row) => row.kind === 'anchor' && row.version === version - 1)
  if (former?.state === 'retired') {
    await keyring.finishRotation()
    return { version, done: 0, retired: true, faults: [] }
  }
  const evaluators = shares.map((share) => localEvaluator(share, { group, random }))
  const { done, faults } = await registry.rotateAnchors({ keySet, evaluators }, options)
  try {
    await registry.retire('anchor')
  } catch (error) {
    if (!(error instanceof CtidError) || error.code !== 'ERR_REGISTRY_ROTATION') throw error
    return { version, done, retired: false, faults }
  }
  await keyring.finishRotation()
  return { version, done, retired: true, faults }
}
