// The issuer's public files over HTTP: media types, caching, open to any page, and nothing for bad addresses.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStatusPublisher, memoryLedger } from '#ctid/issuer'
import { checkStatusToken, getStatus } from '#ctid/status'
import { systemRandom } from '../../src/base/index.ts'
import { generateSigner, importVerifyKey } from '../../src/crypto/index.ts'
import { issuerStatusRouter } from '../../src/http/issuer-status.ts'
import { createApp, type Listening, listen } from '../../src/http/server.ts'
import { keyId } from '../../src/trust/index.ts'

const BASE = 'https://issuer.example/status/'
const NOW = 1_795_500_000
const signer = await generateSigner()
const ledger = memoryLedger({ random: systemRandom, listSize: 1024 })
const publisher = createStatusPublisher({
  ledger,
  key: { signer },
  statusListBase: BASE,
  clock: () => NOW,
  listSize: 1024,
})
let server: Listening

beforeAll(async () => {
  await ledger.setStatuses([{ list: 0, index: 5 }], 1)
  const router = issuerStatusRouter({ publisher, trustList: () => 'signed.list.here', anchorPem: 'PEM' })
  server = await listen(createApp({ routers: [router] }), { port: 0 })
})
afterAll(async () => {
  await server.close()
})

describe('the issuer over HTTP', () => {
  it('serves a status list token that its checker accepts', async () => {
    const response = await fetch(`${server.url}/status/0`, {
      headers: { accept: 'application/statuslist+jwt' },
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/statuslist+jwt')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('cache-control')).toMatch(/^public, max-age=\d+, no-transform$/)
    expect(response.headers.get('content-encoding')).toBeNull()
    const verifyKey = await importVerifyKey(signer.publicJwk)
    const self = {
      id: 'x',
      kid: keyId(signer.publicJwk),
      publicJwk: signer.publicJwk,
      verifyKey,
      speaksFor: () => true,
    }
    const { list } = await checkStatusToken(await response.text(), {
      expectedUri: `${BASE}0`,
      expectedSigners: [self],
      now: NOW,
    })
    expect([getStatus(list, 5), getStatus(list, 6)]).toEqual([1, 0])
  })

  it('has no list of the past', async () => {
    const response = await fetch(`${server.url}/status/0?time=${NOW - 9000}`)
    expect(response.status).toBe(501)
    expect(await response.json()).toMatchObject({ code: 'ERR_STATUS_HISTORY' })
  })

  it('a hundred requests cost one signature', async () => {
    const bodies = await Promise.all(
      Array.from({ length: 100 }, async () => (await fetch(`${server.url}/status/0`)).text()),
    )
    expect(new Set(bodies).size).toBe(1)
  })

  it.each(['1', '00', '-1', '1.5', 'x', '99999999999', '%2e%2e'])('knows no list %s', async (name) => {
    const response = await fetch(`${server.url}/status/${name}`)
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
  })

  it('serves the trust list and the anchor', async () => {
    const list = await fetch(`${server.url}/trust-list`)
    expect([list.headers.get('content-type'), await list.text()]).toEqual([
      'application/trustlist+jwt',
      'signed.list.here',
    ])
    expect(await (await fetch(`${server.url}/anchor.pem`)).text()).toBe('PEM')
  })
})
