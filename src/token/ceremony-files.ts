// The key ceremony and the refresh as documents that participants carry to each other: written, and read strictly. Whose
// document is wrong is named; what is in it is not.
import {
  CtidError,
  canonicalJson,
  fromBase64url,
  type Json,
  type JsonObject,
  type RandomBytes,
  toBase64url,
  utf8,
} from '../base/index.ts'
import {
  dkgBroadcast,
  dkgMessage,
  exportDkgState,
  type Group,
  importDkgState,
  isDkgBroadcast,
  type Point,
  type Scalar,
  sha256,
} from '../crypto/index.ts'
import {
  type CeremonyBroadcast,
  type CeremonyMessage,
  type CeremonyOptions,
  type CeremonyState,
  evaluateAt,
  exchangeShares,
} from './ceremony.ts'
import { type EvaluatorKeySet, formatKeySet } from './key-set.ts'
import { isProductDeal, type ProductDeal, type RotationKeys } from './rotate.ts'

/** What a ceremony is about, the same for all its participants. */
export type CeremonyTerms = Omit<CeremonyOptions, 'random'> & { readonly version: number }

const STATE = 'ctid/ceremony-state/v1'
const BROADCAST = 'ctid/ceremony-broadcast/v1'
const MESSAGE = 'ctid/ceremony-message/v1'
const DEAL = 'ctid/refresh-deal/v1'
const PART = 'ctid/refresh-part/v1'
const PRODUCT = 'ctid/product-deal/v1'
const PRODUCT_PART = 'ctid/product-part/v1'
const CONFIRMATION = 'ctid/refresh-confirmation/v1'

/** Public: a participant's commitments and proof of possession. */
export function formatBroadcast({ id, package: dkg }: CeremonyBroadcast, terms: CeremonyTerms): JsonObject {
  return {
    format: BROADCAST,
    id,
    ...termsOf(terms),
    commitments: dkg.commitment.map((point) => toBase64url(point)),
    proofOfPossession: toBase64url(dkg.proofOfKnowledge),
  }
}

/**
 * Reads a broadcast. Its proof is checked with the others', see {@link answerBroadcasts}.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the participant
 */
export function parseBroadcast(
  document: JsonObject,
  id: number,
  terms: CeremonyTerms,
  group: Group,
): CeremonyBroadcast {
  return read(id, 'broadcast', document, BROADCAST, () => {
    requireSame(id, 'broadcast', document, { id, ...termsOf(terms) })
    const commitments = pointsOf(document['commitments'], group)
    const proof = bytesOf(document['proofOfPossession'], 64)
    return { id, package: dkgBroadcast(id, commitments, proof) }
  })
}

/**
 * The second round of a participant, with all broadcasts.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the participant whose proof of possession does not hold
 */
export function answerBroadcasts(
  { state, terms }: KeptCeremony,
  broadcasts: readonly CeremonyBroadcast[],
  random: RandomBytes,
): readonly CeremonyMessage[] {
  try {
    return exchangeShares(state, broadcasts)
  } catch (cause) {
    // One by one only now: it takes much longer.
    for (const { id, package: dkg } of broadcasts) {
      const holds = id === state.id || isDkgBroadcast(id, dkg, { threshold: terms.threshold, random })
      if (!holds) throw participantFault(id, 'its proof of possession does not hold', cause)
    }
    throw cause
  }
}

/** What the broadcasts of a ceremony are known by: whoever was given another one speaks of another ceremony. */
export function ceremonySession(broadcasts: readonly CeremonyBroadcast[], terms: CeremonyTerms): string {
  const ordered = [...broadcasts].sort((a, b) => a.id - b.id)
  return hash(ordered.map((broadcast) => formatBroadcast(broadcast, terms)))
}

/** Secret: a participant between the rounds. `session` from the second on. */
export function formatCeremonyState(
  state: CeremonyState,
  broadcast: CeremonyBroadcast,
  terms: CeremonyTerms,
  session?: string,
): JsonObject {
  return {
    format: STATE,
    broadcast: formatBroadcast(broadcast, terms),
    coefficients: exportDkgState(state.dkg).map((scalar) => toBase64url(scalar)),
    ...(session === undefined ? {} : { session }),
  }
}

export type KeptCeremony = {
  readonly terms: CeremonyTerms
  readonly state: CeremonyState
  readonly broadcast: CeremonyBroadcast
  readonly session: string | undefined
}

/** @throws {CtidError} `ERR_TOKEN_CEREMONY` */
export function parseCeremonyState(document: JsonObject, group: Group): KeptCeremony {
  const { broadcast: own, coefficients, session } = document
  const { id, threshold, evaluators: count, version } = (own ?? {}) as JsonObject
  const isRight = [id, threshold, count, version].every(Number.isSafeInteger)
  if (document['format'] !== STATE || !isRight || typeof id !== 'number') throw bad('the state is malformed')
  const terms = { threshold, count, version } as CeremonyTerms
  const broadcast = parseBroadcast(own as JsonObject, id, terms, group)
  return read(id, 'state', document, STATE, () => {
    const scalars = listOf(coefficients).map((text) => group.parseScalar(bytesOf(text, 32)))
    const commitment = commitmentOf(broadcast)
    const fits = scalars.every((scalar, i) => same(group.multiplyBase(scalar), commitment[i]))
    if (scalars.length !== commitment.length || !fits) throw new Error('coefficients')
    const dkg = importDkgState(id, terms, scalars, commitment)
    return {
      terms,
      state: { id, dkg, options: terms },
      broadcast,
      session: typeof session === 'string' ? session : undefined,
    }
  })
}

const commitmentOf = ({ package: dkg }: CeremonyBroadcast) =>
  dkg.commitment as readonly Uint8Array[] as readonly Point[]

/** Confidential: one participant's message to one other. */
export function formatMessage({ from, to, package: dkg }: CeremonyMessage, session: string): JsonObject {
  return { format: MESSAGE, from, to, session, share: toBase64url(dkg.signingShare) }
}

/**
 * Reads a message and holds its share against its sender's commitments.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the sender
 */
export function parseMessage(
  document: JsonObject,
  sender: CeremonyBroadcast,
  { to, session, group }: { readonly to: number; readonly session: string; readonly group: Group },
): CeremonyMessage {
  const from = sender.id
  return read(from, 'message', document, MESSAGE, () => {
    requireSame(from, 'message', document, { from, to, session })
    const share = group.parseScalar(bytesOf(document['share'], 32))
    if (!same(group.multiplyBase(share), evaluateAt(group, commitmentOf(sender), to))) {
      throw participantFault(from, 'its message does not fit its commitments')
    }
    return { from, to, package: dkgMessage(from, share) }
  })
}

/** Public: what a participant adds to everybody's share. */
export function formatDeal(id: number, commitments: readonly Point[], keySet: EvaluatorKeySet): JsonObject {
  const points = commitments.map((point) => toBase64url(point))
  return { format: DEAL, id, keySet: keySetHash(keySet), commitments: points }
}

/** @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the participant */
export function parseDeal(
  document: JsonObject,
  id: number,
  keySet: EvaluatorKeySet,
  group: Group,
): readonly Point[] {
  return read(id, 'deal', document, DEAL, () => {
    requireSame(id, 'deal', document, { id, keySet: keySetHash(keySet) })
    const commitments = pointsOf(document['commitments'], group)
    // A higher degree would lose the key.
    if (commitments.length !== keySet.threshold - 1) throw participantFault(id, 'its deal has another degree')
    return commitments
  })
}

/** Public: a participant's product of its two shares, dealt anew. */
export function formatProduct(
  { dealer, commitments, proof }: Omit<ProductDeal, 'parts'>,
  { current, rotation }: RotationKeys,
): JsonObject {
  return {
    format: PRODUCT,
    id: dealer,
    keySet: keySetHash(current),
    rotation: keySetHash(rotation),
    commitments: commitments.map((point) => toBase64url(point)),
    proof: toBase64url(proof),
  }
}

/** @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the participant, also when it is not its product */
export function parseProduct(
  document: JsonObject,
  id: number,
  keys: RotationKeys,
  group: Group,
): Omit<ProductDeal, 'parts'> {
  return read(id, 'product', document, PRODUCT, () => {
    const { current, rotation } = keys
    requireSame(id, 'product', document, {
      id,
      keySet: keySetHash(current),
      rotation: keySetHash(rotation),
    })
    const commitments = pointsOf(document['commitments'], group)
    const deal = { dealer: id, commitments, proof: bytesOf(document['proof'], 64) }
    if (!isProductDeal(keys, deal, group)) throw participantFault(id, 'its product is not that of its shares')
    return deal
  })
}

/** Confidential: the part of one participant's deal, of a refresh or a product, for one share. */
export function formatPart(from: number, to: number, part: Scalar, deal: JsonObject): JsonObject {
  return { format: partOf(deal), from, to, deal: hash(deal), part: toBase64url(part) }
}

/** @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the sender */
export function parsePart(
  document: JsonObject,
  {
    from,
    to,
    deal,
    group,
  }: { readonly from: number; readonly to: number; readonly deal: JsonObject; readonly group: Group },
): Scalar {
  return read(from, 'part', document, partOf(deal), () => {
    requireSame(from, 'part', document, { from, to, deal: hash(deal) })
    return group.parseScalar(bytesOf(document['part'], 32))
  })
}

const partOf = (deal: JsonObject): string => (deal['format'] === PRODUCT ? PRODUCT_PART : PART)

/** Public: a participant says that all deals and its own parts fit, and which key set they lead to. */
export function formatConfirmation(id: number, next: EvaluatorKeySet): JsonObject {
  return { format: CONFIRMATION, id, next: keySetHash(next) }
}

/** @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the participant that got other deals */
export function checkConfirmation(document: JsonObject, id: number, next: EvaluatorKeySet): void {
  read(id, 'confirmation', document, CONFIRMATION, () =>
    requireSame(id, 'confirmation', document, { id, next: keySetHash(next) }),
  )
}

/** What participants compare aloud: SHA-256 of the published key set. */
export function keySetHash(keySet: EvaluatorKeySet): string {
  return hash(formatKeySet(keySet))
}

const termsOf = ({ threshold, count, version }: CeremonyTerms) => ({ threshold, evaluators: count, version })

const hash = (value: Json): string => toBase64url(sha256(utf8(canonicalJson(value))))

const same = (a: Uint8Array, b: Uint8Array | undefined): boolean => toBase64url(a) === (b && toBase64url(b))

function read<T>(id: number, what: string, document: JsonObject, format: string, work: () => T): T {
  if (document['format'] !== format) throw participantFault(id, `its ${what} is malformed`)
  try {
    return work()
  } catch (cause) {
    if (cause instanceof CtidError && cause.code === 'ERR_TOKEN_CEREMONY') throw cause
    throw participantFault(id, `its ${what} is malformed`, cause)
  }
}

function requireSame(id: number, what: string, document: JsonObject, expected: JsonObject): void {
  for (const [name, value] of Object.entries(expected)) {
    if (document[name] !== value) throw participantFault(id, `its ${what} is of another ceremony: ${name}`)
  }
}

function pointsOf(value: Json | undefined, group: Group): readonly Point[] {
  return listOf(value).map((text) => group.parsePoint(bytesOf(text, 32)))
}

function listOf(value: Json | undefined): readonly Json[] {
  if (!Array.isArray(value) || value.length > 64) throw new Error('a list')
  return value
}

function bytesOf(value: Json | undefined, length: number): Uint8Array {
  const bytes = fromBase64url(value as string)
  if (bytes.length !== length) throw new Error('a value')
  return bytes
}

/** What is said of a participant whose file is wrong: words of ours, nothing that is in it. */
export function participantFault(id: number, detail: string, cause?: unknown): CtidError {
  return new CtidError('ERR_TOKEN_CEREMONY', { detail: `participant ${id}: ${detail}`, cause })
}

function bad(detail: string): CtidError {
  return new CtidError('ERR_TOKEN_CEREMONY', { detail })
}
