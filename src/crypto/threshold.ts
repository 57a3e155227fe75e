// A secret scalar that nobody holds: distributed key generation, Lagrange combination in the exponent, share refresh.
// Shares are points of a polynomial of degree t−1 (Shamir 1979); the secret is its value at zero.
import { ristretto255_FROST } from '@noble/curves/ed25519.js'
import { CtidError, equalBytes, type RandomBytes } from '../base/index.ts'
import { type Group, type Point, type Scalar, scalarFromInt } from './group.ts'

const { DKG, Identifier } = ristretto255_FROST

/** One party's share of a secret: the polynomial at `id`. */
export type Share = { readonly id: number; readonly secret: Scalar; readonly publicKey: Point }

/** What everyone may know of a share. */
export type PublicShare = { readonly id: number; readonly publicKey: Point }

/** A shared key as one party, or as the public, sees it. */
export type SharedKey = {
  readonly threshold: number
  /** secret·G */
  readonly groupKey: Point
  readonly shares: readonly PublicShare[]
}

export type DkgOptions = {
  /** t: how many shares are needed. */
  readonly threshold: number
  /** n: how many parties; their ids are 1 … n. */
  readonly count: number
}

/** Broadcast of the first round: commitments to the party's polynomial and a proof of possession. Public. */
export type DkgBroadcast = ReturnType<typeof DKG.round1>['public']
/** Message of the second round from one party to one other. Confidential. */
export type DkgMessage = ReturnType<typeof DKG.round2>[string]
/** A party's state between the rounds. Secret. */
export type DkgState = { readonly id: number; readonly secret: ReturnType<typeof DKG.round1>['secret'] }

/** Party: begins a key generation (Pedersen's with proofs of possession, as in FROST, Komlo and Goldberg 2020). */
export function dkgRound1(
  id: number,
  options: DkgOptions & { readonly random: RandomBytes },
): { readonly broadcast: DkgBroadcast; readonly state: DkgState } {
  const { threshold, count, random } = options
  const whole = [id, threshold, count].every(Number.isSafeInteger)
  if (!whole || threshold < 2 || threshold > count || id < 1 || id > count) {
    throw new CtidError('ERR_CRYPTO_THRESHOLD', { detail: '2 ≤ t ≤ n and 1 ≤ id ≤ n' })
  }
  const signers = { min: threshold, max: count }
  const rng = (length?: number) => new Uint8Array(random(length ?? 32))
  const round = DKG.round1(Identifier.fromNumber(id), signers, undefined, rng)
  return { broadcast: round.public, state: { id, secret: round.secret } }
}

/** Party: checks the others' broadcasts, gives the message for each other party's id. */
export function dkgRound2(
  state: DkgState,
  broadcasts: readonly DkgBroadcast[],
): ReadonlyMap<number, DkgMessage> {
  const messages = DKG.round2(state.secret, others(state.id, broadcasts))
  return new Map(
    Object.entries(messages).map(([identifier, message]) => [idOf(identifier, broadcasts.length), message]),
  )
}

/** Party: checks the messages received against the senders' commitments and obtains its share. */
export function dkgRound3(
  state: DkgState,
  broadcasts: readonly DkgBroadcast[],
  received: readonly DkgMessage[],
): { readonly share: Share; readonly key: SharedKey } {
  const result = DKG.round3(state.secret, others(state.id, broadcasts), [...received])
  DKG.clean(state.secret)
  const shares = Object.entries(result.public.verifyingShares)
    .map(([identifier, publicKey]) => ({
      id: idOf(identifier, broadcasts.length),
      publicKey: new Uint8Array(publicKey) as Point,
    }))
    .sort((a, b) => a.id - b.id)
  const own = shares.find((share) => share.id === state.id)
  const groupKey = result.public.commitments[0]
  if (!own || !groupKey) throw new CtidError('ERR_CRYPTO_THRESHOLD')
  return {
    share: { ...own, secret: new Uint8Array(result.secret.signingShare) as Scalar },
    key: {
      threshold: result.public.signers.min,
      groupKey: new Uint8Array(groupKey) as Point,
      shares,
    },
  }
}

/** All parties of a key generation in one process, for tests, demo and single-machine ceremonies. */
export function runDkg(options: DkgOptions & { readonly random: RandomBytes }): {
  readonly key: SharedKey
  readonly shares: readonly Share[]
} {
  const ids = Array.from({ length: options.count }, (_, i) => i + 1)
  const first = ids.map((id) => dkgRound1(id, options))
  const broadcasts = first.map((party) => party.broadcast)
  const second = first.map((party) => dkgRound2(party.state, broadcasts))
  const third = first.map((party, i) => {
    const received = second.flatMap((messages, j) =>
      i === j ? [] : [messages.get(party.state.id) as DkgMessage],
    )
    return dkgRound3(party.state, broadcasts, received)
  })
  const key = third[0]?.key
  if (!key) throw new CtidError('ERR_CRYPTO_THRESHOLD')
  return { key, shares: third.map((party) => party.share) }
}

/** A broadcast from its parts, as it was carried from another party. Whether it holds is checked by {@link dkgRound2}. */
export function dkgBroadcast(
  id: number,
  commitment: readonly Uint8Array[],
  proofOfKnowledge: Uint8Array,
): DkgBroadcast {
  const copies = commitment.map((point) => Uint8Array.from(point))
  return {
    identifier: Identifier.fromNumber(id),
    commitment: copies,
    proofOfKnowledge: Uint8Array.from(proofOfKnowledge),
  }
}

/** A message from its parts. */
export function dkgMessage(from: number, signingShare: Uint8Array): DkgMessage {
  return { identifier: Identifier.fromNumber(from), signingShare: Uint8Array.from(signingShare) }
}

/**
 * Whether one broadcast holds by itself: its number of commitments, and its proof of possession. It is put among as few others
 * that hold as there can be, so that the answer is about this one.
 */
export function isDkgBroadcast(
  id: number,
  broadcast: DkgBroadcast,
  { threshold, random }: Pick<DkgOptions, 'threshold'> & { readonly random: RandomBytes },
): boolean {
  const options = { threshold, count: threshold, random }
  const ids = Array.from({ length: threshold }, (_, i) => i + 1)
  // Its own number may be a greater one: any other will do for the rest.
  const others = ids.filter((other) => other !== id).slice(0, threshold - 1)
  const [me, ...rest] = others.map((other) => dkgRound1(other, options))
  if (!me) throw new CtidError('ERR_CRYPTO_THRESHOLD')
  try {
    DKG.round2(me.state.secret, [broadcast, ...rest.map((party) => party.broadcast)])
    return true
  } catch {
    return false
  }
}

/** The secret polynomial of a party before its second round, to be kept between two processes. Secret. */
export function exportDkgState({ secret }: DkgState): readonly Uint8Array[] {
  return (secret.coefficients ?? []).map((value) =>
    Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n)),
  )
}

/** The same party in another process, before its second round. */
export function importDkgState(
  id: number,
  { threshold, count }: DkgOptions,
  coefficients: readonly Scalar[],
  commitment: readonly Point[],
): DkgState {
  const value = (bytes: Uint8Array) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  return {
    id,
    secret: {
      identifier: BigInt(id),
      coefficients: coefficients.map(value),
      commitment: commitment.map((point) => Uint8Array.from(point)),
      signers: { min: threshold, max: count },
      step: 1,
    },
  }
}

function others(id: number, broadcasts: readonly DkgBroadcast[]): DkgBroadcast[] {
  const own = Identifier.fromNumber(id)
  return broadcasts.filter((broadcast) => broadcast.identifier !== own)
}

function idOf(identifier: string, count: number): number {
  for (let id = 1; id <= count; id++) if (Identifier.fromNumber(id) === identifier) return id
  throw new CtidError('ERR_CRYPTO_THRESHOLD', { detail: 'unknown party' })
}

/**
 * Lagrange coefficients at zero for a set of share ids: λ_i = Π_{j≠i} x_j / (x_j − x_i).
 *
 * @throws {CtidError} `ERR_CRYPTO_THRESHOLD` when ids repeat or there are none
 */
export function lagrangeAtZero(group: Group, ids: readonly number[]): Map<number, Scalar> {
  const isId = (id: number) => Number.isSafeInteger(id) && id > 0
  if (ids.length === 0 || new Set(ids).size !== ids.length || !ids.every(isId)) {
    throw new CtidError('ERR_CRYPTO_THRESHOLD')
  }
  const one = scalarFromInt(1)
  const coefficients = new Map<number, Scalar>()
  for (const i of ids) {
    let numerator = one
    let denominator = one
    for (const j of ids) {
      if (i === j) continue
      const xj = scalarFromInt(j)
      numerator = group.scalarMultiply(numerator, xj)
      denominator = group.scalarMultiply(denominator, group.scalarSubtract(xj, scalarFromInt(i)))
    }
    coefficients.set(i, group.scalarMultiply(numerator, group.scalarInvert(denominator)))
  }
  return coefficients
}

/** Σ λ_i·E_i: the parties' partial results k_i·B combined to k·B. One multiplication a part. */
export function combineAtZero(
  group: Group,
  parts: readonly { readonly id: number; readonly point: Point }[],
): Point {
  const coefficients = lagrangeAtZero(
    group,
    parts.map((part) => part.id),
  )
  let sum: Point | undefined
  for (const { id, point } of parts) {
    const term = group.multiply(coefficients.get(id) as Scalar, point)
    sum = sum === undefined ? term : group.add(sum, term)
  }
  return sum as Point
}

/** One dealer's contribution to a refresh: a random polynomial that is zero at zero. */
export type RefreshDeal = {
  /** Commitments to the coefficients of x, x², …, x^(t−1). Public. */
  readonly commitments: readonly Point[]
  /** Value at each party's id. Confidential to that party. */
  readonly parts: ReadonlyMap<number, Scalar>
}

/** Party: deals a refresh to all ids (Herzberg et al. 1995). */
export function dealRefresh(
  group: Group,
  options: { readonly threshold: number; readonly ids: readonly number[]; readonly random: RandomBytes },
): RefreshDeal {
  const coefficients = Array.from({ length: options.threshold - 1 }, () => group.randomScalar(options.random))
  const parts = new Map<number, Scalar>()
  for (const id of options.ids) {
    const x = scalarFromInt(id)
    let value: Scalar | undefined
    for (const coefficient of coefficients.toReversed()) {
      const inner = value === undefined ? coefficient : group.scalarAdd(value, coefficient)
      value = group.scalarMultiply(inner, x)
    }
    if (value === undefined) throw new CtidError('ERR_CRYPTO_THRESHOLD')
    parts.set(id, value)
  }
  return { commitments: coefficients.map((coefficient) => group.multiplyBase(coefficient)), parts }
}

/**
 * Party: checks every deal against its commitments and moves to the new share. The shared secret stays the same;
 * old and new shares do not combine.
 *
 * @throws {CtidError} `ERR_CRYPTO_PROOF` naming the dealer (1-based position) whose part does not fit
 */
export function applyRefresh(group: Group, share: Share, deals: readonly RefreshDeal[]): Share {
  let secret = share.secret
  deals.forEach((deal, index) => {
    const part = deal.parts.get(share.id)
    const expected = evaluateCommitments(group, deal.commitments, share.id)
    if (!part || !equalBytes(group.multiplyBase(part), expected)) {
      throw new CtidError('ERR_CRYPTO_PROOF', { detail: `refresh deal ${index + 1}` })
    }
    secret = group.scalarAdd(secret, part)
  })
  return { id: share.id, secret, publicKey: group.multiplyBase(secret) }
}

/** Anyone: the published share keys after a refresh, from the commitments alone. */
export function refreshedKey(group: Group, key: SharedKey, deals: readonly RefreshDeal[]): SharedKey {
  const shares = key.shares.map(({ id, publicKey }) => ({
    id,
    publicKey: deals.reduce<Point>(
      (sum, deal) => group.add(sum, evaluateCommitments(group, deal.commitments, id)),
      publicKey,
    ),
  }))
  return { ...key, shares }
}

function evaluateCommitments(group: Group, commitments: readonly Point[], id: number): Point {
  const x = scalarFromInt(id)
  let power = x
  let sum: Point | undefined
  for (const commitment of commitments) {
    const term = group.multiply(power, commitment)
    sum = sum === undefined ? term : group.add(sum, term)
    power = group.scalarMultiply(power, x)
  }
  if (sum === undefined) throw new CtidError('ERR_CRYPTO_THRESHOLD')
  return sum
}
