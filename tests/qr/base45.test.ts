// Base45 against RFC 9285: its examples, and every way of writing one byte string twice refused.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase45, encodeBase45 } from '#ctid/qr'

const text = (value: string) => new TextEncoder().encode(value)

describe('base45', () => {
  it.each([
    ['AB', 'BB8'],
    ['Hello!!', '%69 VD92EX0'],
    ['base-45', 'UJCLQE7W581'],
    ['ietf!', 'QED8WEX0'],
    ['', ''],
  ])('RFC 9285 section 4: %j', (plain, encoded) => {
    expect(encodeBase45(text(plain))).toBe(encoded)
    expect(decodeBase45(encoded)).toEqual(text(plain))
  })

  it.each([
    ['one character left over', 'BB8B'],
    ['group above 65,535 (RFC 9285 section 6)', 'GGX'],
    ['largest group', ':::'],
    ['final pair above 255', 'U6'],
    ['final pair far above 255', '::'],
    ['lower case', 'bb8'],
    ['not of the alphabet', 'B_8'],
    ['not ASCII', 'B８8'],
    ['line break', 'BB8\n'],
  ])('refuses: %s', (_, encoded) => {
    expect(() => decodeBase45(encoded)).toThrow(expect.objectContaining({ code: 'ERR_QR_BASE45' }))
  })

  it('accepts the largest group and the largest pair', () => {
    expect(decodeBase45('FGW')).toEqual(Uint8Array.of(255, 255))
    expect(decodeBase45('U5')).toEqual(Uint8Array.of(255))
  })

  it('is a bijection between byte strings and the texts it accepts', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(decodeBase45(encodeBase45(bytes))).toEqual(bytes)
      }),
      { seed: 9285 },
    )
    const alphabet = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:']
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...alphabet), { maxLength: 12 }), (characters) => {
        const encoded = characters.join('')
        let decoded: Uint8Array
        try {
          decoded = decodeBase45(encoded)
        } catch {
          return
        }
        expect(encodeBase45(decoded)).toBe(encoded)
      }),
      { seed: 9286, numRuns: 500 },
    )
  })
})
