// The relay over HTTP: wallet and verifier meet there without it learning more than two random-looking texts.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemRandom, utf8 } from '#ctid/base'
import { createApp, listen, relayRouter } from '#ctid/http'
import { dropOnline, fetchOnline, httpRelay, memoryRelay, parseCode } from '#ctid/qr'

const seen: string[] = []
const inner = memoryRelay({ clock: () => 1000 })
let server: Awaited<ReturnType<typeof listen>>
beforeAll(async () => {
  const relay = {
    put: (mailbox: string, sealed: Uint8Array, options: { ttlSeconds: number }) => {
      seen.push(mailbox, Buffer.from(sealed).toString('latin1'))
      return inner.put(mailbox, sealed, options)
    },
    take: (mailbox: string) => inner.take(mailbox),
  }
  server = await listen(createApp({ routers: [relayRouter({ relay })] }))
})
afterAll(() => server.close())

const secretOf = (text: string) => {
  const code = parseCode(text)
  return code.form === 'online' ? code.secret : new Uint8Array()
}
const refused = (code: string) => expect.objectContaining({ code })

describe('relay over HTTP', () => {
  it('delivers once', async () => {
    const relay = httpRelay(server.url, fetch)
    const text = await dropOnline(utf8('presentation of someone'), { relay, random: systemRandom })
    expect(await fetchOnline(secretOf(text), relay)).toEqual(utf8('presentation of someone'))
    await expect(fetchOnline(secretOf(text), relay)).rejects.toEqual(refused('ERR_QR_RELAY_EMPTY'))
    expect(seen.join()).not.toContain('presentation')
    expect(seen.join()).not.toContain(text.slice(5))
  })

  it('of two verifiers that fetch at once one gets it', async () => {
    const relay = httpRelay(server.url, fetch)
    const text = await dropOnline(utf8('x'), { relay, random: systemRandom })
    const results = await Promise.allSettled([0, 1, 2].map(() => fetchOnline(secretOf(text), relay)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('answers with problem documents', async () => {
    const mailbox = '0'.repeat(32)
    const put = (path: string) => fetch(`${server.url}/relay/${path}`, { method: 'PUT', body: 'sealed' })
    expect((await put('not-a-mailbox')).status).toBe(400)
    expect((await put(`${mailbox}?ttl=0`)).status).toBe(400)
    expect((await put(`${mailbox}?ttl=60`)).status).toBe(204)
    const again = await put(mailbox)
    expect([again.status, again.headers.get('content-type')]).toEqual([
      409,
      'application/problem+json; charset=utf-8',
    ])
    expect((await fetch(`${server.url}/relay/${mailbox}`)).status).toBe(404)
    const taken = await fetch(`${server.url}/relay/${mailbox}`, { method: 'DELETE' })
    expect(await taken.text()).toBe('sealed')
    expect((await fetch(`${server.url}/relay/${mailbox}`, { method: 'DELETE' })).status).toBe(410)
  })

  it('a relay that sends too much, whatever it says of the length, is not listened to', async () => {
    const much = new Uint8Array(40_000)
    for (const headers of [{ 'content-length': '99999999' }, { 'content-length': '10' }, {}]) {
      const relay = httpRelay('https://relay.example', async () => new Response(much, { headers }))
      await expect(relay.take('0'.repeat(32))).rejects.toEqual(refused('ERR_QR_TOO_LARGE'))
    }
    // Behind a proxy that sends in chunks nobody says how long a message is.
    const relay = httpRelay('https://relay.example', async () => new Response(utf8('sealed')))
    expect(await relay.take('0'.repeat(32))).toEqual(utf8('sealed'))
  })

  it('an answer that breaks off is an error with a code', async () => {
    const body = new ReadableStream({
      pull: (controller) => controller.error(new TypeError('terminated')),
    })
    const relay = httpRelay('https://relay.example', async () => new Response(body))
    await expect(relay.take('0'.repeat(32))).rejects.toEqual(refused('ERR_QR_RELAY_UNREACHABLE'))
  })

  it('a relay that cannot be reached is said to be so', async () => {
    const relay = httpRelay('http://127.0.0.1:1', fetch)
    await expect(dropOnline(utf8('x'), { relay, random: systemRandom })).rejects.toEqual(
      refused('ERR_QR_RELAY_UNREACHABLE'),
    )
    await expect(relay.take('0'.repeat(32))).rejects.toEqual(refused('ERR_QR_RELAY_UNREACHABLE'))
  })
})
