// Token derivation: against the raw ristretto255 multiplications it cannot avoid, and against @cloudflare/voprf-ts.
// Two evaluators of three answer. The peer does less: one server, one key, no threshold.
import { OPRFClient, OPRFServer, Oprf, VOPRFClient, VOPRFServer } from '@cloudflare/voprf-ts'
import { CryptoNoble } from '@cloudflare/voprf-ts/crypto-noble'
import { systemRandom } from '../../src/base/index.ts'
import { type Group, loadSodiumGroup, nobleGroup } from '../../src/crypto/index.ts'
import { canonicalIdentity, syntheticPeople } from '../../src/identity/index.ts'
import {
  deriveAnchors,
  deriveAnchorsBulk,
  deriveKeyPair,
  localEvaluator,
  runCeremony,
  weightedShare,
} from '../../src/token/index.ts'
import { type Bench, type BenchContext, type BenchRow, compare } from './harness.ts'

const THRESHOLD = 2
const BATCH = 64

/** Multiplications of one proved batch: blind, evaluate, prove, verify, combine (RFC 9497 section 2.2 for the proofs). */
const provedMultiplications = (m: number) => m * (1 + 5 * THRESHOLD) + 7 * THRESHOLD
/** Multiplications of the bulk path: blind, evaluate at each of t, unblind. */
const bulkMultiplications = (m: number) => m * (2 + THRESHOLD)

const identities = syntheticPeople({ seed: 'bench', count: BATCH }).map((record) => canonicalIdentity(record))

export const bench: Bench = { name: 'token', run }

async function run(context: BenchContext): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  const sodium = await loadSodiumGroup()
  for (const group of [sodium, nobleGroup]) {
    rows.push(...(await againstMultiplications(group, context)))
    context.log(`token: ${group.name} done`)
  }
  rows.push(...(await againstVoprfTs(sodium, context)))
  return rows
}

async function againstMultiplications(group: Group, context: BenchContext): Promise<BenchRow[]> {
  const { bulk, proved } = derivations(group)
  // As many multiplications in one call as a bulk call makes, so that both sides are measured alike.
  const points = Array.from({ length: 4 }, () => group.multiplyBase(group.randomScalar(systemRandom)))
  const scalar = group.randomScalar(systemRandom)
  const rawCount = 4 * (group.name === 'sodium' ? BATCH : 2)
  const raw = () => {
    for (let i = 0; i < rawCount / 4; i++) for (const point of points) group.multiply(scalar, point)
  }
  const few = group.name === 'noble' && !context.full ? 8 : BATCH
  const settings = { kind: 'limit', unit: 'token', seconds: context.full ? 1 : 0.3, rounds: 7 } as const
  const row = (name: string, count: number, multiplications: number, work: () => unknown, target?: number) =>
    compare(work, raw, {
      ...settings,
      name: `${name}, ${group.name}`,
      reference: `its ${multiplications / count} multiplications`,
      oursPerCall: count,
      theirsPerCall: (rawCount * count) / multiplications,
      ...(target === undefined ? {} : { target }),
    })
  return [
    await row('single with proofs, 2 of 3', 1, provedMultiplications(1), () => proved(1)),
    await row(`batch of ${few} with proofs, 2 of 3`, few, provedMultiplications(few), () => proved(few)),
    await row(
      'bulk, 2 of 3',
      few,
      bulkMultiplications(few),
      () => bulk(few),
      group.name === 'sodium' ? 1.2 : undefined,
    ),
  ]
}

function derivations(group: Group) {
  const { keySet, shares } = runCeremony({ threshold: THRESHOLD, count: 3, random: systemRandom, group })
  const quorum = shares.slice(0, THRESHOLD)
  const evaluators = quorum.map((share) => localEvaluator(share, { group, random: systemRandom }))
  const ids = quorum.map((share) => share.id)
  const weighted = quorum.map((share) => weightedShare(group, share, ids))
  return {
    bulk: (count: number) =>
      deriveAnchorsBulk(identities.slice(0, count), { group, weighted, random: systemRandom }),
    proved: (count: number) =>
      deriveAnchors(identities.slice(0, count), { evaluators, keySet, group, random: systemRandom }),
  }
}

async function againstVoprfTs(sodium: Group, context: BenchContext): Promise<BenchRow[]> {
  const { bulk, proved } = derivations(sodium)
  const suite = Oprf.Suite.RISTRETTO255_SHA512
  const oprfKey = deriveKeyPair(sodium, new Uint8Array(32).fill(1), new Uint8Array(), 'oprf')
  const voprfKey = deriveKeyPair(sodium, new Uint8Array(32).fill(2), new Uint8Array(), 'voprf')
  const oprf = {
    client: new OPRFClient(suite, CryptoNoble),
    server: new OPRFServer(suite, oprfKey.secret, CryptoNoble),
  }
  const voprf = {
    client: new VOPRFClient(suite, voprfKey.publicKey, CryptoNoble),
    server: new VOPRFServer(suite, voprfKey.secret, CryptoNoble),
  }
  const few = context.full ? BATCH : 8
  const theirs = async ({ client, server }: typeof oprf | typeof voprf) => {
    const [state, request] = await client.blind(identities.slice(0, few))
    return client.finalize(state, await server.blindEvaluate(request))
  }
  const settings = {
    kind: 'peer',
    unit: 'token',
    seconds: context.full ? 1 : 0.2,
    oursPerCall: BATCH,
    theirsPerCall: few,
  } as const
  return [
    await compare(
      () => bulk(BATCH),
      () => theirs(oprf),
      {
        ...settings,
        name: 'bulk, 2 of 3, sodium',
        reference: '@cloudflare/voprf-ts 1.0.0, OPRF, one server',
        target: 8,
      },
    ),
    await compare(
      () => proved(BATCH),
      () => theirs(voprf),
      {
        ...settings,
        name: `batch of ${BATCH} with proofs, 2 of 3, sodium`,
        reference: '@cloudflare/voprf-ts 1.0.0, VOPRF, one server',
      },
    ),
  ]
}
