// The key ceremony: evaluators generate the token key together so that no one ever holds it, and publish a transcript.
// A dedicated run: these shares must never sign anything (FROST), nor come from a run made for signing.
import { CtidError, equalBytes, type JsonObject, type RandomBytes, toBase64url } from '../base/index.ts'
import {
  type DkgBroadcast,
  type DkgMessage,
  type DkgState,
  dkgRound1,
  dkgRound2,
  dkgRound3,
  type Group,
  type Point,
  type Scalar,
  type Share,
  scalarFromInt,
} from '../crypto/index.ts'
import { checkKeySet, type EvaluatorKeySet, formatKeySet, MAX_EVALUATORS } from './key-set.ts'

export type CeremonyOptions = {
  /** t: evaluators needed for one anchor; at least 2. */
  readonly threshold: number
  /** n: evaluators; ids 1 to n. Rotation without re-enrolment needs n ≥ 2t − 1. */
  readonly count: number
  /** Key version of the result. Default 1. */
  readonly version?: number
  readonly random: RandomBytes
}

/** Public broadcast of one party in the first round. */
export type CeremonyBroadcast = { readonly id: number; readonly package: DkgBroadcast }
/** Confidential message of the second round. Send it encrypted to party `to` only. */
export type CeremonyMessage = { readonly from: number; readonly to: number; readonly package: DkgMessage }
/** A party between the rounds. Secret; use once. */
export type CeremonyState = {
  readonly id: number
  readonly dkg: DkgState
  readonly options: Omit<CeremonyOptions, 'random'>
}

/** What a party has at the end. All parties must compare `keySet` by another channel before use. */
export type CeremonyResult = {
  readonly share: Share
  readonly keySet: EvaluatorKeySet
  readonly transcript: JsonObject
}

/**
 * Party, round one: commits to its polynomial. Give the broadcast to all.
 *
 * @throws {CtidError} `ERR_CRYPTO_THRESHOLD` unless 2 ≤ threshold ≤ count and 1 ≤ id ≤ count; `ERR_TOKEN_CEREMONY` beyond 64 parties
 */
export function beginCeremony(
  id: number,
  options: CeremonyOptions,
): { readonly broadcast: CeremonyBroadcast; readonly state: CeremonyState } {
  // A key set of more could be made, and read by nobody.
  if (options.count > MAX_EVALUATORS)
    throw new CtidError('ERR_TOKEN_CEREMONY', { detail: 'too many parties' })
  const { broadcast, state } = dkgRound1(id, options)
  return { broadcast: { id, package: broadcast }, state: { id, dkg: state, options } }
}

/**
 * Party, round two: checks everybody's proof of possession; one confidential message for each other party.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY`
 */
export function exchangeShares(
  state: CeremonyState,
  broadcasts: readonly CeremonyBroadcast[],
): CeremonyMessage[] {
  const packages = inOrder(broadcasts, state.options).map((broadcast) => broadcast.package)
  const messages = deviation(() => dkgRound2(state.dkg, packages))
  return [...messages].map(([to, message]) => ({ from: state.id, to, package: message }))
}

/**
 * Party, round three: checks what it received against the commitments; its share, the key set and the transcript.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY`, `ERR_TOKEN_KEY_SET`
 */
export function finishCeremony(
  state: CeremonyState,
  broadcasts: readonly CeremonyBroadcast[],
  messages: readonly CeremonyMessage[],
  group: Group,
): CeremonyResult {
  const ordered = inOrder(broadcasts, state.options)
  const own = messages.filter(({ to }) => to === state.id).map((message) => message.package)
  const packages = ordered.map((broadcast) => broadcast.package)
  const { share, key } = deviation(() => dkgRound3(state.dkg, packages, own))
  const keySet: EvaluatorKeySet = { ...key, version: state.options.version ?? 1, epoch: 0 }
  checkTranscriptKeys(ordered, keySet, group)
  return { share, keySet, transcript: formatTranscript(ordered, keySet) }
}

/** All parties in one process: demo, tests, and ceremonies on one air-gapped machine. Throws as {@link beginCeremony}. */
export function runCeremony(
  options: CeremonyOptions & { readonly group: Group },
): Omit<CeremonyResult, 'share'> & { readonly shares: readonly Share[] } {
  const parties = Array.from({ length: options.count }, (_, i) => beginCeremony(i + 1, options))
  const broadcasts = parties.map((party) => party.broadcast)
  const messages = parties.flatMap((party) => exchangeShares(party.state, broadcasts))
  const results = parties.map((party) => finishCeremony(party.state, broadcasts, messages, options.group))
  const first = results[0]
  if (!first) throw new CtidError('ERR_TOKEN_CEREMONY')
  return {
    keySet: first.keySet,
    transcript: first.transcript,
    shares: results.map((result) => result.share),
  }
}

// The transcript is public: commitments and proofs of possession, and the keys that follow from them.
function formatTranscript(broadcasts: readonly CeremonyBroadcast[], keySet: EvaluatorKeySet): JsonObject {
  return {
    format: 'ctid/ceremony/v1',
    broadcasts: broadcasts.map(({ id, package: dkg }) => ({
      id,
      commitments: dkg.commitment.map((point) => toBase64url(point)),
      proofOfPossession: toBase64url(dkg.proofOfKnowledge),
    })),
    keySet: formatKeySet(keySet),
  }
}

/**
 * Anyone: checks that a key set is the one that public broadcasts determine: K = Σ A_i0 and V_j = Σ_i Σ_m A_im·j^m.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` or `ERR_TOKEN_KEY_SET`
 */
export function checkTranscriptKeys(
  broadcasts: readonly CeremonyBroadcast[],
  keySet: EvaluatorKeySet,
  group: Group,
): void {
  const polynomials = broadcasts.map(({ package: dkg }) => {
    if (dkg.commitment.length !== keySet.threshold) throw new CtidError('ERR_TOKEN_CEREMONY')
    return dkg.commitment.map((point) => group.parsePoint(point))
  })
  const sumAt = (x: number) =>
    polynomials.map((polynomial) => evaluateAt(group, polynomial, x)).reduce((a, b) => group.add(a, b))
  if (!equalBytes(sumAt(0), keySet.groupKey))
    throw new CtidError('ERR_TOKEN_CEREMONY', { detail: 'group key' })
  for (const { id, publicKey } of keySet.shares) {
    if (!equalBytes(sumAt(id), publicKey)) {
      throw new CtidError('ERR_TOKEN_CEREMONY', { detail: `share key ${id}` })
    }
  }
  checkKeySet(keySet, group)
}

/** Value at x of a committed polynomial: Σ x^m·A_m. */
export function evaluateAt(group: Group, commitments: readonly Point[], x: number): Point {
  let sum = commitments[0] as Point
  if (x === 0) return sum
  const base = scalarFromInt(x)
  let power: Scalar = base
  for (const commitment of commitments.slice(1)) {
    sum = group.add(sum, group.multiply(power, commitment))
    power = group.scalarMultiply(power, base)
  }
  return sum
}

function inOrder(
  broadcasts: readonly CeremonyBroadcast[],
  options: Omit<CeremonyOptions, 'random'>,
): CeremonyBroadcast[] {
  const ordered = [...broadcasts].sort((a, b) => a.id - b.id)
  if (ordered.length !== options.count || ordered.some(({ id }, i) => id !== i + 1)) {
    throw new CtidError('ERR_TOKEN_CEREMONY', { detail: 'one broadcast of each party' })
  }
  return ordered
}

function deviation<T>(step: () => T): T {
  try {
    return step()
  } catch (cause) {
    throw new CtidError('ERR_TOKEN_CEREMONY', { cause })
  }
}
