// Enrolment of one document: parse, blind, ask the evaluators, unblind, hand anchor and record to the registry.
import { type Clock, CtidError, type RandomBytes } from '../base/index.ts'
import type { Group } from '../crypto/index.ts'
import { canonicalIdentity, type LegalRecord, parseLegalRecord } from '../identity/index.ts'
import type { Enrolment, Registry } from '../registry/index.ts'
import { deriveAnchors, type Evaluator, type EvaluatorKeySet, type Fault } from '../token/index.ts'

export type RegistrarDeps = {
  readonly evaluators: readonly Evaluator[]
  readonly keySet: EvaluatorKeySet
  /** While the evaluators' key is rotated: the former key, whose anchor the registry needs as well. */
  readonly former?: { readonly evaluators: readonly Evaluator[]; readonly keySet: EvaluatorKeySet }
  readonly group: Group
  readonly random: RandomBytes
  readonly clock: Clock
  readonly registry: Pick<Registry, 'enrol'>
  /** Who enrols, for the history: an identifier, not a name. */
  readonly officer: string
}

export type Enrolled = Enrolment & {
  /** The record as it was read; the caller has seen the document anyway. */
  readonly record: LegalRecord
  /** Evaluators that failed and were routed around. */
  readonly faults: readonly Fault[]
}

/**
 * Registrar: enrols a document. The same person again gives the same token and `existing`; spelling, width, and the old
 * 15-digit form make no difference.
 *
 * @param document members of a legal record, see `parseLegalRecord`
 * @throws {CtidError} `ERR_IDENTITY_*`, `ERR_TOKEN_QUORUM` naming who failed, `ERR_REGISTRY_*`
 */
export async function enrolDocument(document: unknown, deps: RegistrarDeps): Promise<Enrolled> {
  const record = parseLegalRecord(document, { now: deps.clock() })
  const { anchors, faults } = await deriveAnchors([canonicalIdentity(record)], deps)
  const [anchor] = anchors
  if (!anchor) throw new CtidError('ERR_TOKEN_QUORUM')
  const former =
    deps.former && (await deriveAnchors([canonicalIdentity(record)], { ...deps, ...deps.former }))
  const [formerAnchor] = former?.anchors ?? []
  const enrolment = await deps.registry.enrol({
    anchor,
    anchorVersion: deps.keySet.version,
    ...(formerAnchor ? { formerAnchor } : {}),
    record,
    officer: deps.officer,
  })
  return { ...enrolment, record, faults: [...faults, ...(former?.faults ?? [])] }
}
