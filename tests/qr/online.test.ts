// The online token and the relay: one fetch, short life, and nothing learned by whoever keeps the mailbox.

import { describe, expect, it } from 'vitest'
import { concatBytes, systemRandom, utf8 } from '#ctid/base'
import { dropOnline, fetchOnline, memoryRelay, parseCode, type Relay } from '#ctid/qr'

const presentation = utf8('eyJ0eXAiOiJkYytzZC1qd3QifQ~presentation')
const secretOf = (text: string): Uint8Array => {
  const code = parseCode(text)
  if (code.form !== 'online') throw new Error('form')
  return code.secret
}
const refused = (code: string) => expect.objectContaining({ code })

describe('online token', () => {
  it('brings the presentation to who holds the token, once', async () => {
    const relay = memoryRelay({ clock: () => 1000 })
    const text = await dropOnline(presentation, { relay, random: systemRandom })
    expect(text).toHaveLength(53)
    expect(await fetchOnline(secretOf(text), relay)).toEqual(presentation)
    await expect(fetchOnline(secretOf(text), relay)).rejects.toEqual(refused('ERR_QR_RELAY_EMPTY'))
  })

  it('expires', async () => {
    let now = 1000
    const relay = memoryRelay({ clock: () => now })
    const early = await dropOnline(presentation, { relay, random: systemRandom, ttlSeconds: 30 })
    const late = await dropOnline(presentation, { relay, random: systemRandom, ttlSeconds: 30 })
    now = 1029
    expect(await fetchOnline(secretOf(early), relay)).toEqual(presentation)
    now = 1030
    await expect(fetchOnline(secretOf(late), relay)).rejects.toEqual(refused('ERR_QR_RELAY_EMPTY'))
  })

  it('shows the relay neither content, nor length, nor the token', async () => {
    const seen: { mailbox: string; sealed: Uint8Array }[] = []
    const relay: Relay = {
      put: (mailbox, sealed) => void seen.push({ mailbox, sealed }),
      take: () => undefined,
    }
    const text = await dropOnline(presentation, { relay, random: systemRandom })
    await dropOnline(concatBytes(presentation, presentation), { relay, random: systemRandom })
    const [first, second] = seen
    expect(first?.sealed.length).toBe(second?.sealed.length)
    expect(Buffer.from(first?.sealed ?? []).includes(Buffer.from(presentation.subarray(0, 8)))).toBe(false)
    expect(first?.mailbox).not.toBe(Buffer.from(secretOf(text)).toString('hex').slice(0, 32))
    expect(first?.mailbox).not.toBe(second?.mailbox)
  })

  it('refuses what a relay altered or exchanged', async () => {
    const kept = new Map<string, Uint8Array>()
    const relay: Relay = {
      put: (mailbox, sealed) => void kept.set(mailbox, sealed),
      take: (mailbox) => kept.get(mailbox),
    }
    const mine = await dropOnline(presentation, { relay, random: systemRandom })
    const [mailbox, sealed] = [...kept][0] as [string, Uint8Array]
    kept.set(mailbox, sealed.with(20, (sealed[20] ?? 0) ^ 1))
    await expect(fetchOnline(secretOf(mine), relay)).rejects.toEqual(refused('ERR_CRYPTO_DECRYPT'))
    await dropOnline(presentation, { relay, random: systemRandom })
    kept.set(mailbox, [...kept.values()].at(-1) as Uint8Array)
    await expect(fetchOnline(secretOf(mine), relay)).rejects.toEqual(refused('ERR_CRYPTO_DECRYPT'))
  })

  it('has bounds', async () => {
    let now = 0
    const relay = memoryRelay({ clock: () => now, maxMessages: 2, maxTtlSeconds: 10 })
    const options = { relay, random: systemRandom }
    await expect(dropOnline(new Uint8Array(40_000), options)).rejects.toEqual(refused('ERR_QR_TOO_LARGE'))
    expect(() => relay.put('x', presentation, { ttlSeconds: 1 })).toThrow(refused('ERR_QR_ONLINE'))
    const mailbox = '0'.repeat(32)
    expect(() => relay.put(mailbox, new Uint8Array(40_000), { ttlSeconds: 1 })).toThrow(
      refused('ERR_QR_TOO_LARGE'),
    )
    relay.put(mailbox, presentation, { ttlSeconds: 1e9 })
    expect(() => relay.put(mailbox, presentation, { ttlSeconds: 1 })).toThrow(refused('ERR_QR_RELAY_TAKEN'))
    await dropOnline(presentation, options)
    await expect(dropOnline(presentation, options)).rejects.toEqual(refused('ERR_QR_RELAY_FULL'))
    now = 10
    await dropOnline(presentation, options)
    expect(relay.size).toBe(1)
  })
})
