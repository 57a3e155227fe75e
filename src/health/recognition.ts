// Mutual recognition between regions: in which of three ways, by a published table; and what a region may demand.
// The ways are those of China's national platform in 2020: own rules, translation, national code.
import { CtidError, canonicalJson, type Json } from '../base/index.ts'
import type { StatusAssertion, VerifierProfile } from './assertion.ts'
import { derive } from './derive.ts'
import type { Evidence } from './evidence.ts'
import type { Colour } from './program.ts'
import type { RuleSet } from './rule-set.ts'

/** How `by` treats a status of `of`. */
export type RecognitionEntry = { readonly by: string; readonly of: string } & (
  | { readonly way: 'own-rules' }
  | { readonly way: 'translation'; readonly table: Readonly<Record<Exclude<Colour, 'undetermined'>, Colour>> }
  | { readonly way: 'national-code' }
)

/** A published matrix. A region always recognises itself; what is not listed is not recognised. */
export type RecognitionMatrix = {
  readonly version: number
  readonly national: string
  readonly entries: readonly RecognitionEntry[]
}

export type Recognised = {
  readonly colour: Colour
  readonly way: 'same-region' | RecognitionEntry['way'] | 'not-recognised'
}

/**
 * What a status counts for in another region. Own rules: derived anew from the holder's evidence. Translation: by the
 * published table, and undetermined stays undetermined. National code: only a status of the national region counts.
 * Anything else is undetermined: a missing entry restricts nobody and clears nobody.
 */
export function recogniseStatus(
  assertion: StatusAssertion,
  by: string,
  matrix: RecognitionMatrix,
  local: { readonly evidence: readonly Evidence[]; readonly ruleSet: RuleSet; readonly now: number },
): Recognised {
  if (assertion.region === by) return { colour: assertion.colour, way: 'same-region' }
  const entry = matrix.entries.find((one) => one.by === by && one.of === assertion.region)
  switch (entry?.way) {
    case 'own-rules':
      return { colour: derive(local.evidence, local.ruleSet, local.now).colour, way: 'own-rules' }
    case 'translation':
      return {
        colour: assertion.colour === 'undetermined' ? 'undetermined' : entry.table[assertion.colour],
        way: 'translation',
      }
    case 'national-code':
      return {
        colour: assertion.region === matrix.national ? assertion.colour : 'undetermined',
        way: 'national-code',
      }
    case undefined:
      return { colour: 'undetermined', way: 'not-recognised' }
  }
}

/** What a region has published that it may ask. */
export type PublishedDemands = { readonly region: string; readonly profiles: readonly VerifierProfile[] }

/**
 * Holder or verifier: refuses a question that the region has not published word for word.
 *
 * @throws {CtidError} `ERR_HEALTH_DEMAND`
 */
export function requirePublished(profile: VerifierProfile, demands: PublishedDemands): void {
  const text = canonicalJson(profile as unknown as Json)
  if (!demands.profiles.some((one) => canonicalJson(one as unknown as Json) === text))
    throw new CtidError('ERR_HEALTH_DEMAND')
}
