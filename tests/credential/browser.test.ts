// The same rooms without node:crypto, node:zlib and Buffer: what a browser runs, exercised here without one.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import vector from '../vectors/credential-ctid-file.json' with { type: 'json' }
import listVector from '../vectors/trust-list.json' with { type: 'json' }

type Rooms = {
  credential: typeof import('#ctid/credential')
  crypto: typeof import('#ctid/crypto')
  status: typeof import('#ctid/status')
  trust: typeof import('#ctid/trust')
}
let rooms: Rooms

beforeAll(async () => {
  vi.resetModules()
  vi.stubGlobal('process', { ...process, getBuiltinModule: undefined })
  vi.stubGlobal('Buffer', undefined)
  rooms = {
    credential: await import('#ctid/credential'),
    crypto: await import('#ctid/crypto'),
    status: await import('#ctid/status'),
    trust: await import('#ctid/trust'),
  }
  vi.unstubAllGlobals()
})
afterAll(() => vi.resetModules())

describe('without Node', () => {
  it('runs on WebCrypto, not on node:crypto', () => {
    expect(rooms.crypto.nodeCrypto).toBeUndefined()
  })

  it('verifies the published presentation', async () => {
    const { credential, trust } = rooms
    const list = trust.parseTrustList(listVector.list)
    const policy = {
      now: vector.now,
      resolveIssuer: trust.trustListResolver(list, { purpose: 'identity' }),
      expectedTypes: [credential.CTID_FILE.vct],
      keyBinding: { expectedAudience: vector.audience, expectedNonce: vector.nonce },
    }
    expect((await credential.acceptCredential(vector.presentation, policy)).claims).toEqual(vector.verified)
    const spoilt = vector.presentation.replace(/.{4}$/, 'AAAA')
    const report = await credential.verifyCredential(spoilt, policy)
    expect(report.ok ? 'accepted' : report.error.code).toBe('ERR_CREDENTIAL_BINDING_SIGNATURE')
  })

  it('issues, and presents with a key that cannot be exported', async () => {
    const { credential, crypto, trust } = rooms
    const issuer = await crypto.generateSigner()
    const pair = await globalThis.crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
      'sign',
      'verify',
    ])
    const publicJwk = crypto.parsePublicJwk(await globalThis.crypto.subtle.exportKey('jwk', pair.publicKey))
    const holder = crypto.signerFromCryptoKey(pair.privateKey, publicJwk)
    const text = await credential.issueCredential(
      { vct: 'https://ctid.example/x', a: 1, b: ['x'] },
      { signer: issuer },
      {
        disclosable: [['a'], ['b', null]],
        holderKey: publicJwk,
        random: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)),
      },
    )
    const shown = await credential.presentCredential(text, {
      disclose: [['a']],
      binding: { holder, audience: 'v', nonce: 'n', now: 100 },
    })
    const signer = {
      id: 'x',
      kid: trust.keyId(issuer.publicJwk),
      publicJwk: issuer.publicJwk,
      verifyKey: await crypto.importVerifyKey(issuer.publicJwk),
      speaksFor: () => true,
    }
    const { claims } = await credential.acceptCredential(shown, {
      now: 100,
      resolveIssuer: () => signer,
      expectedTypes: 'any',
      keyBinding: { expectedAudience: 'v', expectedNonce: 'n' },
    })
    expect([claims['a'], claims['b']]).toEqual([1, []])
  })

  it('compresses and decompresses status lists, within the same bounds', async () => {
    const { status } = rooms
    const list = status.createStatusList(1 << 20, 2)
    status.setStatus(list, 77, 2)
    const encoded = await status.encodeStatusList(list)
    expect(status.getStatus(await status.decodeStatusList(encoded), 77)).toBe(2)
    const packed = await status.deflate(new Uint8Array(3_000_000))
    await expect(status.inflate(packed, 1000)).rejects.toMatchObject({ code: 'ERR_STATUS_LIST_TOO_LARGE' })
    await expect(status.inflate(packed.subarray(0, 20), 1e7)).rejects.toMatchObject({
      code: 'ERR_STATUS_LIST',
    })
    // Bytes after the end: the Compression standard makes browsers refuse them; Node's own stream does not, so it is
    // not asked here.
    await expect(status.inflate(Uint8Array.of(1, 2, 3), 1e7)).rejects.toMatchObject({
      code: 'ERR_STATUS_LIST',
    })
  })
})
