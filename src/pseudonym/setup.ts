// A whole ceremony in one process, for tests, demo and a first set-up: all trustees' parts side by side. In a deployment each
// trustee runs its own part of the rounds in `multiply.ts` and keeps only what `trusteeShares` gives for its number.
import { CtidError, type RandomBytes } from '../base/index.ts'
import {
  applyRefresh,
  dealRefresh,
  type Group,
  type P256PublicJwk,
  refreshedKey,
  type Share,
  scalarFromInt,
} from '../crypto/index.ts'
import {
  runFactorCeremony,
  type SharedFactor,
  type SharedSecret,
  shareSecret,
  verifyFactor,
  witnessFactor,
} from './ceremony.ts'
import type { FactorShare } from './convert.ts'
import { ANCHOR, type Directory, type FactorEntry, pairId, type SectorEntry } from './directory.ts'

/** Everything the trustees share, all of it secret. */
export type Ceremony = {
  readonly threshold: number
  readonly count: number
  readonly envelope: SharedSecret
  readonly sectors: ReadonlyMap<string, SharedSecret>
  readonly factors: ReadonlyMap<string, SharedFactor>
}

export type CeremonyPlan = {
  /** New sectors, the anchor excluded. */
  readonly sectors: readonly string[]
  /** Ordered pairs between which conversions shall be possible; what is not listed stays impossible. */
  readonly pairs: readonly (readonly [from: string, to: string])[]
  readonly random: RandomBytes
}

/** First ceremony: envelope key, sectors, factors. */
export function holdCeremony(
  group: Group,
  plan: CeremonyPlan & { readonly threshold: number; readonly count: number },
): Ceremony {
  const { threshold, count, random } = plan
  const envelope = shareSecret({ threshold, count, random })
  return extendCeremony(group, { threshold, count, envelope, sectors: new Map(), factors: new Map() }, plan)
}

/** Later ceremony: adds sectors (a purpose, a department's next key) and pairs to what is there. */
export function extendCeremony(group: Group, ceremony: Ceremony, plan: CeremonyPlan): Ceremony {
  const { threshold, count, envelope } = ceremony
  const sectors = new Map(ceremony.sectors)
  const factors = new Map(ceremony.factors)
  for (const id of plan.sectors) sectors.set(id, shareSecret({ threshold, count, random: plan.random }))
  for (const [from, to] of plan.pairs) {
    const source = from === ANCHOR ? undefined : secretOf(sectors, from)
    const target = secretOf(sectors, to)
    const made = runFactorCeremony(group, { from: source, to: target, envelope }, { random: plan.random })
    const fromPoint = source?.key.groupKey ?? group.multiplyBase(scalarFromInt(1))
    const statement = { from: fromPoint, envelope: envelope.key.groupKey, random: plan.random }
    verifyFactor(group, {
      ...statement,
      to: target.key.groupKey,
      factor: made.factor.key,
      strip: made.strip.key,
      witnesses: made.factor.shares.map((share) => witnessFactor(group, share, statement)),
    })
    factors.set(pairId(from, to), made)
  }
  return { threshold, count, envelope, sectors, factors }
}

/**
 * Refreshes every share (Herzberg et al. 1995): secrets and factors stay, old and new shares do not combine, so that what
 * leaked from fewer than t trustees before is worthless afterwards. The directory must be published anew.
 */
export function refreshCeremony(
  group: Group,
  ceremony: Ceremony,
  { random }: { readonly random: RandomBytes },
): Ceremony {
  const refresh = ({ key, shares }: SharedSecret): SharedSecret => {
    const ids = shares.map(({ id }) => id)
    const deals = ids.map(() => dealRefresh(group, { threshold: key.threshold, ids, random }))
    return {
      key: refreshedKey(group, key, deals),
      shares: shares.map((share) => applyRefresh(group, share, deals)),
    }
  }
  return {
    ...ceremony,
    envelope: refresh(ceremony.envelope),
    sectors: new Map([...ceremony.sectors].map(([id, secret]) => [id, refresh(secret)])),
    factors: new Map(
      [...ceremony.factors].map(([pair, { factor, strip }]) => [
        pair,
        { factor: refresh(factor), strip: refresh(strip) },
      ]),
    ),
  }
}

/** One trustee's secret shares by pair: all that `createTrustee` needs. */
export function trusteeShares(ceremony: Ceremony, id: number): Map<string, FactorShare> {
  return new Map(
    [...ceremony.factors].map(([pair, { factor, strip }]) => [
      pair,
      { factor: shareOf(factor, id).secret, strip: shareOf(strip, id).secret },
    ]),
  )
}

/** The public directory of a ceremony. `parties` has each sector's published key and signer, the anchor's too. */
export function makeDirectory(
  group: Group,
  ceremony: Ceremony,
  options: {
    readonly audit: string
    readonly log: P256PublicJwk
    readonly epochSeconds: number
    readonly authorities: readonly P256PublicJwk[]
    readonly parties: ReadonlyMap<string, Omit<SectorEntry, 'commitment'>>
  },
): Directory {
  const { parties, ...rest } = options
  const sectors = [...parties].map(([id, party]): [string, SectorEntry] => [
    id,
    {
      commitment:
        id === ANCHOR ? group.multiplyBase(scalarFromInt(1)) : secretOf(ceremony.sectors, id).key.groupKey,
      ...party,
    },
  ])
  const factors = [...ceremony.factors].map(([pair, { factor, strip }]): [string, FactorEntry] => [
    pair,
    { factor: factor.key, strip: strip.key },
  ])
  return {
    ...rest,
    threshold: ceremony.threshold,
    envelope: ceremony.envelope.key.groupKey,
    sectors: new Map(sectors),
    factors: new Map(factors),
  }
}

function secretOf(sectors: ReadonlyMap<string, SharedSecret>, id: string): SharedSecret {
  const secret = sectors.get(id)
  if (!secret) throw new CtidError('ERR_PSEUDONYM_PAIR', { detail: 'unknown sector' })
  return secret
}

function shareOf({ shares }: SharedSecret, id: number): Share {
  const share = shares.find((candidate) => candidate.id === id)
  if (!share) throw new CtidError('ERR_PSEUDONYM_KEYS', { detail: 'no such trustee' })
  return share
}
