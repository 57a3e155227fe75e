// Claims are read only from their one deterministic encoding (RFC 8949 section 4.2.1): whatever is accepted is written back
// byte for byte.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, isCtidError } from '#ctid/base'
import { type CborValue, readClaims, writeCbor } from '../../src/qr/cbor.ts'

const value: fc.Arbitrary<CborValue> = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.uint8Array({ maxLength: 300 }),
  fc.array(fc.oneof(fc.integer(), fc.uint8Array({ maxLength: 8 })), { maxLength: 4 }),
)
const label = fc.oneof(fc.integer({ min: -30, max: 30 }), fc.integer({ min: -70_000, max: 70_000 }))
const claims = fc.array(fc.tuple(label, value), { maxLength: 8 }).map((entries) => new Map(entries))

function accepted(bytes: Uint8Array): ReadonlyMap<number, CborValue> | undefined {
  try {
    return readClaims(bytes, 4096)
  } catch (error) {
    if (isCtidError(error) && error.code === 'ERR_QR_CBOR') return undefined
    throw error
  }
}

describe('claims', () => {
  it('are read back as they were written', () => {
    fc.assert(
      fc.property(claims, (map) => {
        const bytes = writeCbor(map)
        const read = readClaims(bytes, 4096)
        expect(new Set(read.keys())).toEqual(new Set(map.keys()))
        expect(writeCbor(read)).toEqual(bytes)
      }),
    )
  })

  it('have one encoding: bytes changed anywhere are refused, or are the encoding of what they then say', () => {
    const change = fc.tuple(fc.nat(), fc.nat(255))
    let kept = 0
    fc.assert(
      fc.property(claims, fc.array(change, { minLength: 1, maxLength: 3 }), (map, changes) => {
        const bytes = writeCbor(map)
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        const read = accepted(bytes)
        if (!read) return
        kept++
        expect(writeCbor(read)).toEqual(bytes)
      }),
      { numRuns: 2000, seed: 1 },
    )
    expect(kept).toBeGreaterThan(100)
  })

  it.each([
    ['an integer as a float', 'a101f93c00'],
    ['an integer as a double', 'a101fb3ff0000000000000'],
    ['labels out of order', 'a202000100'],
    ['a negative label first', 'a220000100'],
    ['negative labels out of order', 'a221002000'],
    ['the same label twice', 'a201000100'],
    ['a label that is text', 'a1616100'],
    ['a label that is a float', 'a1f93c0000'],
    ['text', 'a1016161'],
    ['text that is not UTF-8', 'a10161ff'],
    ['true', 'a101f5'],
    ['null', 'a101f6'],
    ['a map inside', 'a101a0'],
    ['a map inside an array', 'a10181a0'],
    ['a tag', 'a101c100'],
    ['a longer head than needed', 'a1011801'],
    ['a longer length than needed', 'a101580100'],
    ['a longer map head than needed', 'b8010100'],
    ['an indefinite map', 'bf0100ff'],
    ['indefinite bytes', 'a1015f4100ff'],
    ['an integer beyond 2^53', 'a1011b0020000000000001'],
    ['something after the map', 'a1010000'],
    ['an end before the end', 'a10142ff'],
    ['no map', '820102'],
    ['nothing', ''],
  ])('are refused with %s', (_what, hex) => {
    expect(accepted(fromHex(hex))).toBeUndefined()
  })

  it('are not looked at when too long', () => {
    expect(() => readClaims(new Uint8Array(301), 300)).toThrowError(
      expect.objectContaining({ code: 'ERR_QR_TOO_LARGE' }),
    )
  })
})
