// The scene of the verifier's tests: one issuer, holders, a gate with its policy, a trust list and a status list.
import { systemRandom } from '#ctid/base'
import { generateSigner, type Signer } from '#ctid/crypto'
import { type AttestationClaims, makeAttestation, makeCode } from '#ctid/qr'
import { keyId, type TrustList } from '#ctid/trust'
import {
  memoryReplayCache,
  type StatusAnswer,
  trustListLookup,
  type VerifierPolicy,
  type VerifyContext,
} from '#ctid/verifier'

export const NOW = 1_795_490_010 // ten seconds into a step
export const issuer = await generateSigner()
export const holder = await generateSigner()

export const policy: VerifierPolicy = {
  name: 'city library',
  useCase: 'library-card',
  purpose: 'identity',
  region: '330000',
  accept: {
    dynamic: { minAssurance: 'substantial', required: ['status-list', 'status'] },
    paper: { minAssurance: 'low', required: ['status-list', 'status'] },
  },
  kinds: ['person'],
  alternative: { en: 'Bring a paper card to the counter.', zh: '请携带纸质证件到柜台办理。' },
}

export const trustList: TrustList = {
  version: 1,
  issuedAt: NOW - 86_400,
  expiresAt: NOW + 86_400,
  issuers: [
    {
      id: 'https://issuer.example',
      name: { en: 'Example issuer', zh: '示例签发机构' },
      region: '330000',
      purposes: ['identity', 'health'],
      keys: [
        {
          kid: keyId(issuer.publicJwk),
          jwk: issuer.publicJwk,
          notBefore: NOW - 86_400 * 30,
          notAfter: NOW + 86_400 * 30,
        },
      ],
      statusListBase: 'https://issuer.example/status/',
    },
  ],
  recognition: [],
}

export const freshStatus: StatusAnswer = { state: 'valid', issuedAt: NOW - 60, expiresAt: NOW + 3600 }

/** A context in which everything is right; `changes` make it wrong in one way. */
export function gate(changes: Partial<VerifyContext> = {}): VerifyContext {
  const clock = changes.clock ?? (() => NOW)
  return {
    policy,
    trust: trustListLookup(trustList),
    status: { status: () => freshStatus },
    replay: memoryReplayCache({ clock }),
    ...changes,
    clock,
  }
}

export function claims(changes: Partial<AttestationClaims> = {}): AttestationClaims {
  return {
    handle: systemRandom(16),
    holderKey: holder.publicJwk,
    issuedAt: NOW - 3600,
    expiresAt: NOW + 86_400,
    status: { list: 7, index: 4711 },
    kind: 'person',
    assurance: 'substantial',
    ...changes,
  }
}

export const attest = (changes: Partial<AttestationClaims> = {}, by: Signer = issuer) =>
  makeAttestation(claims(changes), by)

/** The code of a person for whom everything is right. */
export async function goodCode(options: { challenge?: Uint8Array; audience?: string; now?: number } = {}) {
  return makeCode(await attest(), holder, { now: NOW, ...options })
}
