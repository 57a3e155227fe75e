// Our wallet against our issuer and our verifier, over HTTP: every flow, every response mode, every client identifier.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CtidError, systemClock } from '#ctid/base'
import { readCredential } from '#ctid/credential'
import { generateSigner } from '#ctid/crypto'
import {
  createOffer,
  type Holding,
  offerLink,
  presentTo,
  type ReceiveOptions,
  receiveCredentials,
} from '#ctid/openid'
import { random, type System, startSystem, VCT } from './system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.close())

const walletOptions = async (more: Partial<ReceiveOptions> = {}): Promise<ReceiveOptions> => ({
  fetch,
  clock: systemClock,
  random,
  dpopKey: await generateSigner(),
  createKey: generateSigner,
  ...more,
})

const offer = (withTxCode = false) =>
  createOffer(system.issuer, { subject: 'person-1', configurationIds: ['ctid-file'], withTxCode })

async function holdings(count = 1): Promise<Holding[]> {
  const received = await receiveCredentials(offerLink(offer().offer), await walletOptions({ count }))
  return received.credentials.map((credential, i) => ({
    credential,
    key: received.keys[i] as Holding['key'],
    authorityKeyIds: [],
  }))
}

const ageQuery = {
  credentials: [
    {
      id: 'age',
      format: 'dc+sd-jwt',
      meta: { vct_values: [VCT] },
      claims: [{ path: ['age_equal_or_over', '18'], values: [true] }],
    },
  ],
}

async function start(body: object = {}) {
  const response = await fetch(`${system.url}/openid4vp/requests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: ageQuery, ...body }),
  })
  expect(response.status).toBe(201)
  return (await response.json()) as {
    id: string
    authorization_request: string
    result_uri: string
    result_secret: string
  }
}

const result = async (started: { result_uri: string; result_secret: string }, code?: string) => {
  const response = await fetch(started.result_uri + (code ? `?response_code=${code}` : ''), {
    headers: { authorization: `Bearer ${started.result_secret}` },
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('receiving', () => {
  it('a batch by a pre-authorised code, each copy with its own key, and the issuer hears that it arrived', async () => {
    const received = await receiveCredentials(offerLink(offer().offer), await walletOptions({ count: 5 }))
    expect(new Set(received.credentials).size).toBe(5)
    expect(system.notifications).toContain('credential_accepted')
  })

  it('with a transaction code; the wrong one five times kills the offer', async () => {
    const good = offer(true)
    const received = await receiveCredentials(
      offerLink(good.offer),
      await walletOptions({ txCode: async () => good.txCode ?? '' }),
    )
    expect(received.credentials).toHaveLength(1)

    const bad = offer(true)
    for (let i = 0; i < 5; i++) {
      await expect(
        receiveCredentials(offerLink(bad.offer), await walletOptions({ txCode: async () => 'wrong' })),
      ).rejects.toThrow(/token: invalid_grant/)
    }
    await expect(
      receiveCredentials(offerLink(bad.offer), await walletOptions({ txCode: async () => bad.txCode ?? '' })),
    ).rejects.toThrow(/token: invalid_grant/)
  })

  it('an offer works once', async () => {
    const link = offerLink(offer().offer)
    await receiveCredentials(link, await walletOptions())
    await expect(receiveCredentials(link, await walletOptions())).rejects.toThrow(/invalid_grant/)
  })

  it('by authorization code: pushed request, login page, PKCE, issuer named in the answer', async () => {
    const link = offerLink({
      issuer: system.issuer.baseUrl,
      configurationIds: ['ctid-file'],
      authorizationCode: {},
    })
    const received = await receiveCredentials(
      link,
      await walletOptions({
        authorize: async (url) => {
          const page = await (await fetch(url)).text()
          expect(page).not.toContain('<script>')
          const transaction = /name="transaction" value="([^"]+)"/.exec(page)?.[1] ?? ''
          const decided = await fetch(url.split('?')[0] ?? '', {
            method: 'POST',
            redirect: 'manual',
            body: new URLSearchParams({ transaction, subject: 'person-1', decision: 'approve' }),
          })
          expect(decided.status).toBe(303)
          return decided.headers.get('location') ?? ''
        },
      }),
    )
    expect(received.credentials).toHaveLength(1)
  })

  it('later, when a registrar has to look first', async () => {
    system.answers.push({ state: 'pending', retrySeconds: 1 })
    const received = await receiveCredentials(offerLink(offer().offer), await walletOptions())
    expect(received.credentials).toHaveLength(1)
  })

  it('with a server that demands its own DPoP nonce', async () => {
    const strict = await startSystem({ policy: { dpopNonce: true } })
    const { offer: strictOffer } = createOffer(strict.issuer, {
      subject: 'person-1',
      configurationIds: ['ctid-file'],
      withTxCode: false,
    })
    const received = await receiveCredentials(offerLink(strictOffer), await walletOptions())
    expect(received.credentials).toHaveLength(1)
    await strict.close()
  })
})

describe('presenting', () => {
  it.each([
    ['direct_post.jwt', 'x509_hash'],
    ['direct_post.jwt', 'x509_san_dns'],
    ['direct_post', 'x509_hash'],
    ['direct_post', 'x509_san_dns'],
    ['direct_post.jwt', 'redirect_uri'],
    ['direct_post', 'redirect_uri'],
  ])('by %s to a client of prefix %s: only the age is disclosed', async (mode, prefix) => {
    const started = await start({ response_mode: mode, client_id_prefix: prefix })
    expect((await result(started)).body).toEqual({ state: 'pending' })
    const presented = await presentTo(started.authorization_request, {
      fetch,
      clock: systemClock,
      random,
      holdings: await holdings(),
      resolveVerifier: system.resolveVerifier,
      allowUnsigned: prefix === 'redirect_uri',
    })
    expect(presented.state).toBe('sent')
    const { body } = await result(started)
    expect(body['state']).toBe('accepted')
    const [presentation] = body['presentations'] as { claims: Record<string, unknown> }[]
    expect(presentation?.claims).toMatchObject({ vct: VCT, age_equal_or_over: { '18': true } })
    expect(presentation?.claims).not.toHaveProperty('name')
  })

  it('on one device: the result needs the response code that the wallet sent the browser back with', async () => {
    const started = await start({ completion_uri: `${system.url}/done` })
    const presented = await presentTo(started.authorization_request, {
      fetch,
      clock: systemClock,
      random,
      holdings: await holdings(),
      resolveVerifier: system.resolveVerifier,
    })
    const redirect = new URL(presented.state === 'sent' ? (presented.redirectUri ?? '') : '')
    expect((await result(started)).status).toBe(400)
    expect((await result(started, 'AAAAAAAAAAAAAAAAAAAAAA')).status).toBe(400)
    const code = redirect.searchParams.get('response_code') ?? ''
    expect((await result(started, code)).body['state']).toBe('accepted')
    expect((await result({ ...started, result_secret: 'other' }, code)).status).toBe(400)
  })

  it('takes one answer only, and tells the wallet when it has nothing that fits', async () => {
    const started = await start()
    const options = {
      fetch,
      clock: systemClock,
      random,
      holdings: await holdings(),
      resolveVerifier: system.resolveVerifier,
    }
    await presentTo(started.authorization_request, options)
    await expect(presentTo(started.authorization_request, options)).rejects.toThrow(/status 400/)

    const other = await start()
    await expect(presentTo(other.authorization_request, { ...options, holdings: [] })).rejects.toThrow(
      /no credential/,
    )
    expect((await result(other)).body).toEqual({ state: 'declined', error: 'access_denied' })
  })

  it('with a second copy when another run took the first, and with none when they are all gone', async () => {
    const taken = await holdings(2)
    const present = async (gone: readonly Holding[]) => {
      const started = await start()
      const presented = await presentTo(started.authorization_request, {
        fetch,
        clock: systemClock,
        random,
        holdings: taken,
        resolveVerifier: system.resolveVerifier,
        onSpend: async (used) => {
          if (used.some((one) => gone.includes(one))) throw new CtidError('ERR_WALLET_EMPTY')
        },
      })
      return presented.state === 'sent' ? presented.used : []
    }
    expect(await present(taken.slice(0, 1))).toEqual(taken.slice(1))
    await expect(present(taken)).rejects.toMatchObject({ code: 'ERR_WALLET_EMPTY' })
  })

  it('asks its holder before a refusal too, so that a verifier cannot try guesses on it unseen', async () => {
    const [held] = await holdings()
    const name = String(readCredential(held?.credential ?? '').claims['name'])
    for (const guess of [name, 'Somebody Else']) {
      const query = structuredClone(ageQuery) as { credentials: { claims: object[] }[] }
      for (const one of query.credentials) one.claims = [{ path: ['name'], values: [guess] }]
      const started = await start({ query })
      const seen: string[] = []
      const answer = await presentTo(started.authorization_request, {
        fetch: (input, init) => {
          seen.push(new URL(String(input)).pathname.split('/')[2] ?? '')
          return fetch(input, init)
        },
        clock: systemClock,
        random,
        holdings: held ? [held] : [],
        resolveVerifier: system.resolveVerifier,
        approve: async ({ isHeld, items }) => {
          expect(isHeld).toBe(guess === name)
          expect(items).toHaveLength(isHeld ? 1 : 0)
          // The verifier has been asked for its question, and heard nothing yet.
          expect(seen).toEqual(['requests'])
          return false
        },
      })
      expect(answer).toEqual({ state: 'declined' })
      expect(seen).toEqual(['requests', 'responses'])
      expect((await result(started)).body).toEqual({ state: 'declined', error: 'access_denied' })
    }
  })
})
