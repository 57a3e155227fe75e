// Token Status List: the draft's vectors, the token's checks, the cache, an independent judge, and what must be refused.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { getListFromStatusListJWT, StatusList as JudgeList } from '@sd-jwt/jwt-status-list'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkStatusToken,
  createStatusChecker,
  createStatusList,
  decodeStatusList,
  encodeStatusList,
  getStatus,
  inflate,
  memoryIndexAllocator,
  randomIndex,
  type StatusBits,
  setStatus,
  signStatusToken,
  statusListSize,
} from '#ctid/status'
import { type ErrorCode, systemRandom, toBase64url } from '../../src/base/index.ts'
import { generateSigner, importVerifyKey, type Signer } from '../../src/crypto/index.ts'
import { keyId, signJws, type TrustedSigner } from '../../src/trust/index.ts'
import vectors from '../vectors/status-list.json' with { type: 'json' }

const NOW = 1_795_500_000
const URI = 'https://issuer.example/status/1'
const issuer = await generateSigner()
const stranger = await generateSigner()
const trusted = await trust(issuer)

async function trust(signer: Signer): Promise<TrustedSigner> {
  return {
    id: 'https://issuer.example',
    kid: keyId(signer.publicJwk),
    publicJwk: signer.publicJwk,
    verifyKey: await importVerifyKey(signer.publicJwk),
    speaksFor: () => true,
  }
}

const root = process.env['CTID_CONFORMANCE']
type Vector = { file: string; bits: number; lst: string; decoded_bytes: number; non_zero: [number, number][] }

describe('vectors', () => {
  it.each(vectors.lists)('own: $bits bits', async ({ bits, statuses, bytes, lst }) => {
    const list = createStatusList(statuses.length, bits as StatusBits)
    for (const [index, status] of statuses.entries()) setStatus(list, index, status)
    expect(toBase64url(list.bytes)).toBe(bytes)
    const decoded = await decodeStatusList({ bits, lst })
    expect(statuses.map((_, index) => getStatus(decoded, index))).toEqual(statuses)
    expect(await decodeStatusList(await encodeStatusList(list))).toEqual(decoded)
  })

  it.skipIf(!root)('of the draft: every entry of six lists (CTID_CONFORMANCE)', async () => {
    const all = JSON.parse(
      readFileSync(join(root ?? '', 'token-status-list-draft/vectors.json'), 'utf8'),
    ) as Vector[]
    expect(all).toHaveLength(6)
    for (const vector of all) {
      const list = await decodeStatusList({ bits: vector.bits, lst: vector.lst })
      expect(list.bytes).toHaveLength(vector.decoded_bytes)
      const found: [number, number][] = []
      for (let index = 0; index < statusListSize(list); index++) {
        const status = getStatus(list, index)
        if (status !== 0) found.push([index, status])
      }
      expect(found).toEqual(vector.non_zero)
    }
  })

  it('set and get are inverse for any bits, index and value (property)', () => {
    fc.assert(
      fc.property(fc.constantFrom<StatusBits>(1, 2, 4, 8), fc.nat(999), fc.nat(255), (bits, index, value) => {
        const list = createStatusList(1000, bits)
        const status = value % 2 ** bits
        setStatus(list, index, status)
        expect(getStatus(list, index)).toBe(status)
        setStatus(list, index, 0)
        expect(list.bytes.every((byte) => byte === 0)).toBe(true)
      }),
      { seed: 21, numRuns: 200 },
    )
  })
})

it('a list takes no status that its bits cannot hold, and no index outside', () => {
  const list = createStatusList(16, 2)
  for (const status of [4, -1, 0.5]) {
    expect(() => setStatus(list, 0, status)).toThrow(expect.objectContaining({ code: 'ERR_STATUS_VALUE' }))
  }
  for (const index of [16, -1, 0.5, Number.NaN]) {
    expect(() => getStatus(list, index)).toThrow(expect.objectContaining({ code: 'ERR_STATUS_INDEX' }))
  }
})

describe('an independent implementation agrees', () => {
  it('it reads our token', async () => {
    const list = createStatusList(1000, 2)
    setStatus(list, 7, 1)
    setStatus(list, 999, 2)
    const token = await signStatusToken(list, issuer, {
      uri: URI,
      now: NOW,
      expiresInSeconds: 3600,
      ttlSeconds: 60,
    })
    const judged = getListFromStatusListJWT(token)
    expect([judged.getStatus(7), judged.getStatus(8), judged.getStatus(999)]).toEqual([1, 0, 2])
  })
  it('we read its list', async () => {
    const statuses = Array.from({ length: 64 }, (_, index) => index % 4)
    const list = await decodeStatusList({ bits: 2, lst: new JudgeList(statuses, 2).compressStatusList() })
    expect(statuses.map((_, index) => getStatus(list, index))).toEqual(statuses)
  })
})

describe('the token is refused', () => {
  const good = { sub: URI, iat: NOW, exp: NOW + 60, ttl: 30, status_list: { bits: 1, lst: 'eNrbuRgAAhcBXQ' } }
  const bomb = toBase64url(deflateSync(Buffer.alloc(4_000_000)))
  const CASES: [string, object, ErrorCode, { typ?: string; signer?: Signer }?][] = [
    ['other subject', { sub: `${URI}0` }, 'ERR_STATUS_LIST_SUBJECT'],
    ['no subject', { sub: undefined }, 'ERR_STATUS_LIST_SUBJECT'],
    ['expired', { exp: NOW }, 'ERR_STATUS_LIST_EXPIRED'],
    ['from the future', { iat: NOW + 61 }, 'ERR_STATUS_LIST_EXPIRED'],
    ['no iat', { iat: undefined }, 'ERR_STATUS_LIST'],
    ['exp as text', { exp: 'never' }, 'ERR_STATUS_LIST'],
    ['ttl zero', { ttl: 0 }, 'ERR_STATUS_LIST'],
    ['three bits', { status_list: { bits: 3, lst: 'eNrbuRgAAhcBXQ' } }, 'ERR_STATUS_LIST'],
    ['no list', { status_list: undefined }, 'ERR_STATUS_LIST'],
    ['list that is not base64url', { status_list: { bits: 1, lst: 'eNrb+' } }, 'ERR_STATUS_LIST'],
    ['list that is not zlib', { status_list: { bits: 1, lst: 'AAAA' } }, 'ERR_STATUS_LIST'],
    ['list cut short', { status_list: { bits: 1, lst: 'eNrbuRgA' } }, 'ERR_STATUS_LIST'],
    ['bytes after the list', { status_list: { bits: 1, lst: 'eNrbuRgAAhcBXQAA' } }, 'ERR_STATUS_LIST'],
    ['decompression bomb', { status_list: { bits: 1, lst: bomb } }, 'ERR_STATUS_LIST_TOO_LARGE'],
    ['another typ', {}, 'ERR_TRUST_TYPE', { typ: 'JWT' }],
    ['another signer', {}, 'ERR_STATUS_LIST_SIGNER', { signer: stranger }],
  ]
  it.each(CASES)('%s', async (_title, change, code, other = {}) => {
    const payload = JSON.parse(JSON.stringify({ ...good, ...change }))
    const token = await signJws(payload, other.signer ?? issuer, { typ: other.typ ?? 'statuslist+jwt' })
    const check = checkStatusToken(token, { expectedUri: URI, expectedSigners: [trusted], now: NOW })
    await expect(check).rejects.toMatchObject({ code })
  })
  it('unless it is good', async () => {
    const token = await signJws(good, issuer, { typ: 'statuslist+jwt' })
    const checked = await checkStatusToken(token, { expectedUri: URI, expectedSigners: [trusted], now: NOW })
    expect(checked.refreshAt).toBe(NOW + 30)
  })
  it('the bound on decompression is exact', async () => {
    const packed = deflateSync(Buffer.alloc(1000))
    expect(await inflate(packed, 1000)).toHaveLength(1000)
    expect(() => inflate(packed, 999)).toThrow(/larger than accepted/)
  })
})

describe('checking', () => {
  const setup = async (now = { value: NOW }) => {
    const list = createStatusList(1 << 20, 2)
    setStatus(list, 1, 1)
    setStatus(list, 2, 2)
    setStatus(list, 3, 3)
    const fetched: string[] = []
    const checker = createStatusChecker({
      clock: () => now.value,
      fetchToken: async (uri) => {
        fetched.push(uri)
        return await signStatusToken(list, issuer, {
          uri,
          now: now.value,
          expiresInSeconds: 600,
          ttlSeconds: 300,
        })
      },
    })
    return { checker, fetched, list, now }
  }

  it('valid, revoked, suspended, unknown, out of range', async () => {
    const { checker } = await setup()
    const check = (index: number) => checker.check({ uri: URI, index }, trusted)
    await expect(check(0)).resolves.toBeUndefined()
    await expect(check(1)).rejects.toMatchObject({ code: 'ERR_STATUS_REVOKED' })
    await expect(check(2)).rejects.toMatchObject({ code: 'ERR_STATUS_SUSPENDED' })
    await expect(check(3)).rejects.toMatchObject({ code: 'ERR_STATUS_UNKNOWN' })
    await expect(check(1 << 20)).rejects.toMatchObject({ code: 'ERR_STATUS_INDEX' })
  })

  it('fetches once within ttl, also when many ask at once, and again after it', async () => {
    const { checker, fetched, list, now } = await setup()
    await Promise.all(Array.from({ length: 50 }, () => checker.check({ uri: URI, index: 0 }, trusted)))
    expect(fetched).toHaveLength(1)
    setStatus(list, 0, 1)
    await checker.check({ uri: URI, index: 0 }, trusted)
    now.value += 300
    await expect(checker.check({ uri: URI, index: 0 }, trusted)).rejects.toMatchObject({
      code: 'ERR_STATUS_REVOKED',
    })
    expect(fetched).toHaveLength(2)
  })

  it('a list kept for one issuer does not count for another', async () => {
    const { checker } = await setup()
    await checker.check({ uri: URI, index: 0 }, trusted)
    const foreign = await trust(await generateSigner())
    await expect(checker.check({ uri: URI, index: 0 }, foreign)).rejects.toMatchObject({
      code: 'ERR_STATUS_LIST_SIGNER',
    })
  })

  it('no list, no verdict: a failed fetch is not "valid", and is tried again', async () => {
    let calls = 0
    const checker = createStatusChecker({
      clock: () => NOW,
      fetchToken: async () => {
        calls++
        throw new Error('network')
      },
    })
    for (let i = 0; i < 2; i++) {
      await expect(checker.check({ uri: URI, index: 0 }, trusted)).rejects.toMatchObject({
        code: 'ERR_STATUS_UNAVAILABLE',
      })
    }
    expect(calls).toBe(2)
  })

  it('with the network cut a gate may go on until exp, not longer, and only if it was told so', async () => {
    const now = { value: NOW }
    const token = await signStatusToken(createStatusList(8, 1), issuer, {
      uri: URI,
      now: NOW,
      expiresInSeconds: 600,
      ttlSeconds: 60,
    })
    for (const staleWhenUnreachable of [true, false]) {
      now.value = NOW
      let online = true
      const checker = createStatusChecker({
        clock: () => now.value,
        staleWhenUnreachable,
        fetchToken: async () => {
          if (!online) throw new Error('network')
          return token
        },
      })
      await checker.prefetch(URI, trusted)
      online = false
      const check = () => checker.check({ uri: URI, index: 0 }, trusted)
      now.value = NOW + 59
      await check()
      now.value = NOW + 599
      if (staleWhenUnreachable) await check()
      else await expect(check()).rejects.toMatchObject({ code: 'ERR_STATUS_UNAVAILABLE' })
      now.value = NOW + 600
      await expect(check()).rejects.toMatchObject({ code: 'ERR_STATUS_UNAVAILABLE' })
    }
  })

  it('refreshed by a clock, makes no request when somebody is checked, also if a refresh fails', async () => {
    const now = { value: NOW }
    let calls = 0
    let online = true
    const checker = createStatusChecker({
      clock: () => now.value,
      fetchToken: async (uri) => {
        calls++
        if (!online) throw new Error('network')
        const times = { uri, now: now.value, expiresInSeconds: 600, ttlSeconds: 300 }
        return await signStatusToken(createStatusList(8, 1), issuer, times)
      },
    })
    const check = () => checker.check({ uri: URI, index: 0 }, trusted)
    await checker.refresh()
    expect(calls).toBe(0)
    await check()
    for (let i = 1; i <= 20; i++) {
      now.value = NOW + 120 * i
      online = i % 2 === 1
      await checker.refresh()
      const before = calls
      now.value += 59
      await check()
      expect(calls).toBe(before)
    }
    expect(calls).toBe(21)
  })

  it('lists outside the place named by the trust list are not even fetched', async () => {
    const { checker, fetched } = await setup()
    const listed = {
      ...trusted,
      issuer: { statusListBase: 'https://issuer.example/status/' },
    } as TrustedSigner
    await checker.check({ uri: URI, index: 0 }, listed)
    await expect(checker.check({ uri: 'http://10.0.0.1/x', index: 0 }, listed)).rejects.toMatchObject({
      code: 'ERR_STATUS_LIST_SUBJECT',
    })
    expect(fetched).toEqual([URI])
  })

  it('a million-entry list: first check in milliseconds, then microseconds', async () => {
    const { checker } = await setup()
    await checker.check({ uri: URI, index: 0 }, trusted)
    const start = process.hrtime.bigint()
    for (let i = 0; i < 1000; i++) await checker.check({ uri: URI, index: 4 * i + 4 }, trusted)
    expect(Number(process.hrtime.bigint() - start) / 1e6 / 1000).toBeLessThan(1)
  })
})

describe('allocation', () => {
  it('never gives one place twice, opens the next list, leaves decoys', () => {
    const allocator = memoryIndexAllocator({ listSize: 100, fill: 0.75, random: systemRandom })
    const places = [...Array(20)].flatMap(() => allocator.allocate(10) as { list: number; index: number }[])
    expect(new Set(places.map(({ list, index }) => `${list}/${index}`)).size).toBe(200)
    expect(places.filter(({ list }) => list === 0)).toHaveLength(75)
    expect(places.every(({ index }) => index >= 0 && index < 100)).toBe(true)
    expect(() => allocator.allocate(76)).toThrow(/No status index/)
  })
  it('draws every index with the same chance', () => {
    const counts = new Array(5).fill(0) as number[]
    for (let i = 0; i < 5000; i++) {
      const hit = randomIndex(5, systemRandom)
      counts[hit] = (counts[hit] ?? 0) + 1
    }
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(300)
  })
})
