// Bytes: encodings are strict and one-to-one, framing is injective.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  concatBytes,
  equalBytes,
  framed,
  fromBase64url,
  fromHex,
  toBase64url,
  toHex,
  uintBytes,
  utf8,
} from '#ctid/base'

const bytes = fc.uint8Array({ maxLength: 40 })

describe('base64url and hexadecimal', () => {
  it('round-trip, and agree with the platform', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(fromBase64url(toBase64url(value))).toEqual(value)
        expect(toBase64url(value)).toBe(Buffer.from(value).toString('base64url'))
        expect(fromHex(toHex(value))).toEqual(value)
      }),
    )
  })

  it('refuse padding, other alphabets, white space, dangling characters and non-zero trailing bits', () => {
    for (const bad of ['AA==', 'A+', 'A/8', 'A A', 'A', 'AB', 'AAB', 'é', 'AA\n']) {
      expect(() => fromBase64url(bad)).toThrow(TypeError)
    }
    for (const bad of ['a', 'zz', '0x00', ' 00 ']) expect(() => fromHex(bad)).toThrow(TypeError)
  })
})

describe('framing', () => {
  it('gives different bytes for different tuples', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 4 }), fc.array(bytes, { maxLength: 4 }), (a, b) => {
        const same = a.length === b.length && a.every((part, i) => toHex(part) === toHex(b[i] as Uint8Array))
        expect(equalBytes(framed(...a), framed(...b))).toBe(same)
      }),
      { numRuns: 500 },
    )
    expect(framed('ab', 'c')).not.toEqual(framed('a', 'bc'))
    expect(toHex(framed('ab', new Uint8Array([9])))).toBe('0002616200' + '0109')
  })

  it('refuses parts and integers that do not fit', () => {
    expect(() => framed(new Uint8Array(65_536))).toThrow(RangeError)
    expect(() => uintBytes(256, 1)).toThrow(RangeError)
    expect(() => uintBytes(-1, 2)).toThrow(RangeError)
    expect(uintBytes(258, 2)).toEqual(Uint8Array.of(1, 2))
    expect(concatBytes(utf8('é'), new Uint8Array())).toEqual(Uint8Array.of(0xc3, 0xa9))
  })
})
