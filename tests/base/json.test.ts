// Strict JSON and canonical JSON: what the platform's parser lets through is refused, and RFC 8785's examples hold.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, type Json, parseJson, parseJsonObject } from '#ctid/base'

const code = (run: () => unknown) => {
  try {
    run()
    return 'accepted'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('strict parsing', () => {
  it('agrees with JSON.parse on every valid document', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseJson(text)).toEqual(JSON.parse(text))
      }),
      { numRuns: 300, seed: 8259 },
    )
  })

  it.each([
    ['{"a":1,"a":2}', 'ERR_JSON_DUPLICATE_KEY'],
    ['{"a":1,"\\u0061":2}', 'ERR_JSON_DUPLICATE_KEY'],
    ['{"x":{"a":1,"b":[{"c":1,"c":1}]}}', 'ERR_JSON_DUPLICATE_KEY'],
    ['{"a":"b","c":"b"}', 'accepted'],
    ['["a","a"]', 'accepted'],
    ['{"a":{"a":{"a":"a"}}}', 'accepted'],
    ['{"a":"\\"a\\":","b":1}', 'accepted'],
    ['{"a":1', 'ERR_JSON_MALFORMED'],
    ['{"a', 'ERR_JSON_MALFORMED'],
    ['{"a":1}x', 'ERR_JSON_MALFORMED'],
    ['{a:1}', 'ERR_JSON_MALFORMED'],
    ['{"\\u00zz":1}', 'ERR_JSON_MALFORMED'],
    ['', 'ERR_JSON_MALFORMED'],
    ['[NaN]', 'ERR_JSON_MALFORMED'],
    ['[1]'.padEnd(70_000), 'ERR_JSON_TOO_LARGE'],
    ['['.repeat(40) + ']'.repeat(40), 'ERR_JSON_TOO_LARGE'],
    ['['.repeat(60_000), 'ERR_JSON_TOO_LARGE'],
  ])('%j gives %s', (text, expected) => {
    expect(code(() => parseJson(text))).toBe(expected)
  })

  it('wants an object where an object is meant, and a __proto__ member stays data', () => {
    expect(code(() => parseJsonObject('[]'))).toBe('ERR_JSON_MALFORMED')
    const value = parseJsonObject('{"__proto__":{"admin":true}}')
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
    expect(Object.keys(value)).toEqual(['__proto__'])
  })
})

describe('canonical form', () => {
  it('sorts members by UTF-16 units and writes numbers as ECMAScript does (RFC 8785 sections 3.2.2, 3.2.3)', () => {
    const numbers = JSON.parse('[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001]') as Json
    expect(canonicalJson(numbers)).toBe('[333333333.3333333,1e+30,4.5,0.002,1e-27]')
    const members = JSON.parse(
      '{"\\u20ac":1,"\\r":2,"\\ufb33":3,"1":4,"\\ud83d\\ude00":5,"\\u0080":6,"\\u00f6":7}',
    ) as Json
    expect(canonicalJson(members)).toBe(
      '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
    )
  })

  it('does not depend on the order of members and survives a round trip', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 2 })), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse()) as Json
        const text = canonicalJson(object as Json)
        expect(canonicalJson(reversed)).toBe(text)
        expect(canonicalJson(JSON.parse(text) as Json)).toBe(text)
      }),
      { numRuns: 200, seed: 8785 },
    )
  })

  it('refuses what JSON cannot carry', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, '\ud800', [undefined], { a: () => 1 }]) {
      expect(code(() => canonicalJson(bad as unknown as Json))).toBe('ERR_JSON_MALFORMED')
    }
  })
})
