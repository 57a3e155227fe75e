// Makes the published vectors of a ceremony and a refresh from fixed inputs: every document that travels, and every secret behind
// it. `UPDATE_VECTORS=1 npx vitest run tests/token/ceremony-vectors.test.ts` writes them anew.
import {
  beginCeremony,
  ceremonySession,
  dealShareRefresh,
  exchangeShares,
  finishCeremony,
  formatBroadcast,
  formatConfirmation,
  formatDeal,
  formatKeySet,
  formatMessage,
  formatPart,
  keySetHash,
  refreshKeySet,
  refreshShare,
} from '#ctid/token'
import { type JsonObject, toHex } from '../../src/base/index.ts'
import { exportDkgState, type Group, type Scalar, type Share } from '../../src/crypto/index.ts'
import { sodium as group, seeded } from './fixtures.ts'
import { proofChallenge } from './possession.ts'

const terms = { threshold: 2, count: 3, version: 1 }

/** The content of tests/vectors/token-ceremony.json. */
export function makeVectors() {
  const random = seeded('ceremony vectors')
  const parties = [1, 2, 3].map((id) => beginCeremony(id, { ...terms, random }))
  const broadcasts = parties.map((party) => party.broadcast)
  const secrets = parties.map(({ state, broadcast: { id, package: dkg } }) => {
    const [constant, ...rest] = exportDkgState(state.dkg).map((scalar) => group.parseScalar(scalar))
    const proof = {
      id,
      commitment: dkg.commitment[0] as Uint8Array,
      nonce: dkg.proofOfKnowledge.slice(0, 32),
    }
    const challenge = proofChallenge(group, proof)
    const response = group.parseScalar(dkg.proofOfKnowledge.slice(32))
    const k = group.scalarSubtract(response, group.scalarMultiply(challenge, constant as Scalar))
    return { id, coefficients: [constant as Scalar, ...rest].map(toHex), k: toHex(k), c: toHex(challenge) }
  })
  const session = ceremonySession(broadcasts, terms)
  const messages = parties.flatMap((party) => exchangeShares(party.state, broadcasts))
  const results = parties.map((party) => finishCeremony(party.state, broadcasts, messages, group))
  const { keySet } = results[0] ?? fail()
  const refresh = makeRefresh(
    group,
    keySet,
    results.map((result) => result.share),
  )
  return {
    note: 'SPEC section 6.4, t = 2 of 3. Scalars in hexadecimal; documents as they travel, in base64url. k and c: of the proof of possession. What a party deals to itself is among the refresh parts. Secrets are printed because these are vectors.',
    ceremony: {
      secrets,
      broadcasts: broadcasts.map((broadcast) => formatBroadcast(broadcast, terms)),
      session,
      messages: messages.map((message) => formatMessage(message, session)),
      shares: results.map(({ share }) => secretOf(share)),
      keySet: formatKeySet(keySet),
      keySetHash: keySetHash(keySet),
    },
    refresh,
  }
}

type KeySet = Parameters<typeof refreshKeySet>[0]

function makeRefresh(on: Group, keySet: KeySet, shares: readonly Share[]) {
  const random = seeded('refresh vectors')
  const deals = shares.map(() => dealShareRefresh(keySet, on, random))
  const next = refreshKeySet(keySet, deals, on)
  const documents: JsonObject[] = deals.map((deal, i) => formatDeal(i + 1, deal.commitments, keySet))
  return {
    deals: documents,
    parts: deals.flatMap(({ parts }, i) =>
      [...parts].map(([to, part]) => formatPart(i + 1, to, part, documents[i] as JsonObject)),
    ),
    confirmations: shares.map(({ id }) => formatConfirmation(id, next)),
    shares: shares.map((share) => secretOf(refreshShare(share, next, deals, on))),
    keySet: formatKeySet(next),
  }
}

const secretOf = ({ id, secret }: Share) => ({ id, secret: toHex(secret) })

function fail(): never {
  throw new Error('no party')
}
