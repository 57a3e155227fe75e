// Our own messages are cut apart without a CBOR reader: what comes out must be what the general reader makes of the same bytes.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CtidError, isCtidError } from '#ctid/base'
import { generateSigner } from '#ctid/crypto'
import { decodeSign1, signSign1 } from '#ctid/qr'
import { type OwnForm, readOwnSign1 } from '../../src/qr/own-sign1.ts'

const signer = await generateSigner()
const kid = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const made = (form: OwnForm, payload: Uint8Array) => signSign1(payload, signer, form === 'kid' ? { kid } : {})
const form = fc.constantFrom<OwnForm>('kid', 'no kid')
const payload = fc
  .oneof(fc.constantFrom(0, 1, 23, 24, 255, 256), fc.integer({ min: 0, max: 400 }))
  .chain((length) => fc.uint8Array({ minLength: length, maxLength: length }))

function accepted(bytes: Uint8Array, expected: OwnForm) {
  try {
    return readOwnSign1(bytes, expected, 600)
  } catch (error) {
    if (isCtidError(error)) return error.code
    throw error
  }
}

describe('a message of our own', () => {
  it('is read as the general reader reads it', async () => {
    await fc.assert(
      fc.asyncProperty(form, payload, async (one, content) => {
        const bytes = await made(one, content)
        const [message, found] = readOwnSign1(bytes, one, 600)
        expect(message).toEqual(decodeSign1(bytes))
        expect(found).toEqual(one === 'kid' ? kid : new Uint8Array(0))
        expect(accepted(bytes, one === 'kid' ? 'no kid' : 'kid')).toBe('ERR_QR_COSE')
      }),
    )
  })

  it('changed anywhere, is refused or read as the general reader reads it', async () => {
    const change = fc.tuple(fc.nat(), fc.nat(255))
    const changes = fc.array(change, { minLength: 1, maxLength: 2 })
    const cut = fc.integer({ min: -3, max: 3 })
    await fc.assert(
      fc.asyncProperty(form, payload, changes, cut, async (one, content, edits, more) => {
        const whole = await made(one, content)
        const bytes = new Uint8Array(Math.max(0, whole.length + more))
        bytes.set(whole.subarray(0, bytes.length))
        for (const [at, byte] of edits) bytes[at % bytes.length] = byte
        const read = accepted(bytes, one)
        if (typeof read === 'string') expect(['ERR_QR_COSE', 'ERR_QR_CBOR']).toContain(read)
        else expect(read[0]).toEqual(decodeSign1(bytes))
      }),
      { numRuns: 1000, seed: 1 },
    )
  })

  it('is refused with its code when it is too long, or nothing', () => {
    expect(() => readOwnSign1(new Uint8Array(601), 'kid', 600)).toThrowError(
      new CtidError('ERR_QR_TOO_LARGE'),
    )
    expect(accepted(new Uint8Array(0), 'kid')).toBe('ERR_QR_COSE')
  })
})
