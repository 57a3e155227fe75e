// Budgets and callers: how much a caller may ask, and that it is that caller.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Allowance, authorizeCall, type Bucket, callChecker, replay, spend } from '#ctid/token'
import { utf8 } from '../../src/base/index.ts'
import { seeded } from './fixtures.ts'

describe('token bucket', () => {
  const allowance: Allowance = { burst: 100, perHour: 3600 }

  it('allows a burst, then what comes back, and says when', () => {
    const first = spend(undefined, 100, { allowance, now: 0 })
    expect(first).toEqual({ allowed: true, bucket: { level: 0, at: 0 } })
    expect(spend(first.bucket, 10, { allowance, now: 4 })).toMatchObject({
      allowed: false,
      retryAfterSeconds: 6,
    })
    expect(spend(first.bucket, 10, { allowance, now: 10 })).toMatchObject({
      allowed: true,
      bucket: { level: 0 },
    })
    expect(spend(undefined, 101, { allowance, now: 0 })).toMatchObject({ allowed: false })
  })

  it('never allows more than burst + rate × time, whatever the order, also when the clock steps back', () => {
    const step = fc.record({
      seconds: fc.integer({ min: -5, max: 30 }),
      elements: fc.integer({ min: 1, max: 100 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let bucket: Bucket | undefined
        let now = 1000
        let latest = now
        let used = 0
        for (const { seconds, elements } of steps) {
          now += seconds
          latest = Math.max(latest, now)
          const result = spend(bucket, elements, { allowance, now })
          if (result.allowed) used += elements
          bucket = result.bucket
        }
        expect(used).toBeLessThanOrEqual(100 + (latest - 1000) + 1e-6)
      }),
      { seed: 42, numRuns: 200 },
    )
  })

  it('replayed from the count gives the same bucket', () => {
    let live: Bucket | undefined
    let restored: Bucket | undefined
    for (const [now, elements] of [
      [0, 60],
      [10, 30],
      [20, 20],
      [500, 99],
    ] as const) {
      const result = spend(live, elements, { allowance, now })
      live = result.bucket
      if (result.allowed) restored = replay(restored, elements, { allowance, now })
    }
    expect(restored).toEqual(live)
  })
})

describe('caller authentication', () => {
  const secret = new Uint8Array(32).fill(7)
  const request = { evaluator: 1, method: 'POST', path: '/evaluate', body: utf8('{}') } as const
  const credential = { caller: 'registrar', secret }
  const header = authorizeCall(request, credential, { now: 1000, random: seeded('n') })
  const checkerAt = (now: number) => callChecker(new Map([['registrar', secret]]), { now: () => now })
  const refused = (call: () => unknown) =>
    expect(call).toThrowError(expect.objectContaining({ code: 'ERR_TOKEN_CALLER' }))

  it('accepts a request once, within the window', () => {
    const check = checkerAt(1060)
    expect(check(header, request)).toBe('registrar')
    refused(() => check(header, request))
    refused(() => checkerAt(1061)(header, request))
    refused(() => checkerAt(939)(header, request))
  })

  it('refuses anything changed', () => {
    refused(() => checkerAt(1000)(header, { ...request, body: utf8('{ }') }))
    refused(() => checkerAt(1000)(header, { ...request, path: '/prove' }))
    refused(() => checkerAt(1000)(header, { ...request, evaluator: 2 }))
    refused(() => checkerAt(1000)(header.replace('1000', '1001'), request))
    refused(() => checkerAt(1000)(header.replace('registrar', 'registry'), request))
    for (const bad of [undefined, '', 'Bearer x', `${header}x`, header.toLowerCase(), 'x'.repeat(100_000)]) {
      refused(() => checkerAt(1000)(bad, request))
    }
  })

  it('does not accept an unknown caller with a MAC under zeros', () => {
    const forged = authorizeCall(
      request,
      { caller: 'nobody', secret: new Uint8Array(32) },
      { now: 1000, random: seeded('f') },
    )
    refused(() => checkerAt(1000)(forged, request))
  })
})
