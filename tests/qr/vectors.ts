// Makes the published vectors of codes from fixed inputs; `UPDATE_VECTORS=1 npx vitest run tests/qr` writes them anew.
import { fromHex, toHex } from '#ctid/base'
import { compressPoint, jwkToPoint } from '#ctid/crypto'
import {
  type AttestationClaims,
  audienceHash,
  decodeSign1,
  dropOnline,
  makeAttestation,
  makeCode,
  makePaperCode,
  signatureInput,
  signedAs,
  toMatrix,
} from '#ctid/qr'
import { seededSigner } from './signers.ts'

export const NOW = 1_795_490_000
export const issuer = seededSigner('vector issuer')
export const holder = seededSigner('vector holder')
const handle = fromHex('000102030405060708090a0b0c0d0e0f')

const person: AttestationClaims = {
  handle,
  holderKey: holder.publicJwk,
  issuedAt: NOW - 3600,
  expiresAt: NOW + 7 * 86_400,
  status: { list: 3, index: 123_456 },
  kind: 'person',
  assurance: 'substantial',
}
const health: AttestationClaims = {
  ...person,
  expiresAt: NOW + 86_400,
  kind: 'health',
  health: { outcome: 'pass', ruleSet: fromHex('a0a1a2a3a4a5a6a7'), until: NOW + 43_200 },
}
const paper: AttestationClaims = {
  handle,
  issuedAt: NOW - 3600,
  expiresAt: NOW + 30 * 86_400,
  status: { list: 3, index: 123_457 },
  kind: 'person',
  assurance: 'low',
}

/** The content of tests/vectors/qr-codes.json. */
export async function makeVectors() {
  const attestation = await makeAttestation(person, issuer)
  const healthAttestation = await makeAttestation(health, issuer)
  const challenge = fromHex('c0c1c2c3c4c5c6c7c8c9cacb')
  const codes = [
    { name: 'dynamic', text: await makeCode(attestation, holder, { now: NOW }) },
    { name: 'dynamic with challenge', text: await makeCode(attestation, holder, { now: NOW, challenge }) },
    {
      name: 'dynamic with challenge and audience',
      text: await makeCode(attestation, holder, { now: NOW, challenge, audience: 'city library' }),
    },
    { name: 'health', text: await makeCode(healthAttestation, holder, { now: NOW }) },
    { name: 'paper', text: makePaperCode(await makeAttestation(paper, issuer)) },
  ]
  const message = decodeSign1(attestation)
  let mailbox = ''
  let sealed = ''
  const online = await dropOnline(Uint8Array.of(1, 2, 3), {
    relay: {
      put: (name, bytes) => {
        mailbox = name
        sealed = toHex(bytes)
      },
      take: () => undefined,
    },
    random: (length) => new Uint8Array(length).fill(length),
  })
  return {
    note: 'Signatures are deterministic (RFC 6979) only so that the vectors can be made again. Keys are public test keys.',
    now: NOW,
    issuerKey: issuer.publicJwk,
    holderKey: holder.publicJwk,
    holderPoint: toHex(compressPoint(jwkToPoint(holder.publicJwk))),
    attestation: toHex(attestation),
    attestationClaims: toHex(message.payload),
    attestationToBeSigned: toHex(signatureInput(message, signedAs.attestation)),
    audience: { name: 'city library', hash: toHex(audienceHash('city library')) },
    codes: codes.map((code) => ({
      ...code,
      characters: code.text.length,
      version: toMatrix(code.text).version,
    })),
    online: {
      text: online,
      secret: toHex(new Uint8Array(32).fill(32)),
      mailbox,
      presentation: '010203',
      sealed,
    },
  }
}
