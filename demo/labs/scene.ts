// A gate, an issuer and holders for the labs about codes: everything right, so that one wrong thing shows.
import { systemRandom } from '#ctid/base'
import type { Signer } from '#ctid/crypto'
import { type AttestationClaims, makeAttestation } from '#ctid/qr'
import { keyId, type TrustList } from '#ctid/trust'
import { memoryReplayCache, trustListLookup, type VerifierPolicy, type VerifyContext } from '#ctid/verifier'

/** 2026-11-24T10:00:00Z, the beginning of a time step. */
export const NOON = 1_795_514_400

/** The trust list with one issuer, whose key can be taken out. */
export function trustIn(issuer: Signer, options: { readonly withdrawn?: boolean } = {}): TrustList {
  const key = {
    kid: keyId(issuer.publicJwk),
    jwk: issuer.publicJwk,
    notBefore: NOON - 86_400 * 30,
    notAfter: NOON + 86_400 * 30,
  }
  return {
    version: 1,
    issuedAt: NOON - 86_400,
    expiresAt: NOON + 86_400 * 30,
    issuers: [
      {
        id: 'https://issuer.example',
        name: { en: 'Example issuer', zh: '示例签发机构' },
        region: '330000',
        purposes: ['identity', 'health'],
        keys: options.withdrawn ? [] : [key],
        statusListBase: 'https://issuer.example/status/',
      },
    ],
    recognition: [],
  }
}

export const gatePolicy: VerifierPolicy = {
  name: 'city library',
  useCase: 'library-card',
  purpose: 'identity',
  region: '330000',
  accept: {
    dynamic: { minAssurance: 'substantial', required: [] },
    paper: { minAssurance: 'low', required: [] },
  },
  kinds: ['person'],
  alternative: { en: 'Bring a paper card to the counter.', zh: '请携带纸质证件到柜台办理。' },
}

/** A gate with a replay cache of its own. */
export function openGate(
  issuer: Signer,
  clock: () => number,
  changes: Partial<VerifyContext> = {},
): VerifyContext {
  return {
    policy: gatePolicy,
    trust: trustListLookup(trustIn(issuer)),
    replay: memoryReplayCache({ clock }),
    clock,
    ...changes,
  }
}

/** An attestation for a holder's key. */
export function attest(
  issuer: Signer,
  holder: Signer,
  changes: Partial<AttestationClaims> = {},
): Promise<Uint8Array> {
  return makeAttestation(
    {
      handle: systemRandom(16),
      holderKey: holder.publicJwk,
      issuedAt: NOON - 3600,
      expiresAt: NOON + 86_400 * 20,
      status: { list: 7, index: 4711 },
      kind: 'person',
      assurance: 'substantial',
      ...changes,
    },
    issuer,
  )
}
