// The project's own vectors: what a second implementation should make and accept, byte for byte where no signature is.

import { describe, expect, it } from 'vitest'
import {
  acceptCredential,
  CTID_FILE,
  type CtidFileSubject,
  conceal,
  ctidFileClaims,
  disclosablePaths,
  parseSdJwt,
  readCredential,
  select,
} from '#ctid/credential'
import { importVerifyKey, type P256PublicJwk, sha256, signerFromJwk } from '#ctid/crypto'
import { checkStatusToken, getStatus } from '#ctid/status'
import { checkTrustList, keyId, parseJws, trustListResolver } from '#ctid/trust'
import { concatBytes, type JsonObject, uintBytes, utf8 } from '../../src/base/index.ts'
import vector from '../vectors/credential-ctid-file.json' with { type: 'json' }
import statusVector from '../vectors/status-list.json' with { type: 'json' }
import listVector from '../vectors/trust-list.json' with { type: 'json' }

function vectorRandom(): (length: number) => Uint8Array {
  let counter = 0
  let pool: Uint8Array = new Uint8Array()
  return (length) => {
    while (pool.length < length) {
      pool = concatBytes(pool, sha256(concatBytes(utf8('ctid vector'), uintBytes(counter++, 4))))
    }
    const out = pool.slice(0, length)
    pool = pool.slice(length)
    return out
  }
}

describe('the CTID file vector', () => {
  const subject = ctidFileClaims(vector.person as CtidFileSubject, { now: vector.now })
  const held = parseSdJwt(vector.credential)

  it('salts, disclosures, digests and payload come out the same', () => {
    const { payload, disclosures } = conceal(vector.claims as unknown as JsonObject, {
      disclosable: disclosablePaths(subject),
      random: vectorRandom(),
    })
    expect(disclosures.map((one) => one.encoded)).toEqual(held.disclosures.map((one) => one.encoded))
    const { d: _secret, ...jwk } = vector.holder
    expect({ ...payload, _sd_alg: 'sha-256', cnf: { jwk } }).toEqual(vector.payload)
    expect(vector.claims).toMatchObject(subject)
  })

  it('the credential reads back, and the presentation shows the chosen disclosures', () => {
    expect(readCredential(vector.credential).claims).toMatchObject(vector.claims)
    const { payload } = parseJws(held.issuerJwt, { expectedTyp: 'dc+sd-jwt' })
    const shown = parseSdJwt(vector.presentation).disclosures.map((one) => one.encoded)
    expect(select(payload, held.disclosures, vector.disclose).map((one) => one.encoded)).toEqual(shown)
  })

  it('the presentation verifies through the signed trust list', async () => {
    const list = await checkTrustList(listVector.signed, {
      expectedSigners: [listVector.publisher as P256PublicJwk],
      now: listVector.now,
    })
    expect(list).toEqual(listVector.list)
    const { claims, issuer } = await acceptCredential(vector.presentation, {
      now: vector.now,
      resolveIssuer: trustListResolver(list, { purpose: 'identity', region: '310000' }),
      expectedTypes: [CTID_FILE.vct],
      keyBinding: { expectedAudience: vector.audience, expectedNonce: vector.nonce },
    })
    expect(claims).toEqual(vector.verified)
    expect(issuer.kid).toBe(vector.kid)
    expect(keyId((await signerFromJwk(vector.issuer as never)).publicJwk)).toBe(vector.kid)
  })

  it('its status list says: suspended', async () => {
    const { token } = statusVector
    const publicJwk = token.issuer as P256PublicJwk
    const signer = {
      id: 'https://issuer.example',
      kid: keyId(publicJwk),
      publicJwk,
      verifyKey: await importVerifyKey(publicJwk),
      speaksFor: () => true,
    }
    const { list } = await checkStatusToken(token.signed, {
      expectedUri: token.uri,
      expectedSigners: [signer],
      now: token.now,
    })
    for (const [index, status] of Object.entries(token.statuses))
      expect(getStatus(list, Number(index))).toBe(status)
  })
})
