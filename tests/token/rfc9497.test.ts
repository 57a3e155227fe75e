// RFC 9497 appendix A.1 through the code that makes tokens, on both backends, byte for byte.

import { ristretto255_oprf } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blindInput, contextString, deriveKeyPair, evaluateShare, finalize, type OprfMode } from '#ctid/token'
import { fromHex, type RandomBytes, toHex } from '../../src/base/index.ts'
import { nobleGroup, type Point, verifyDleq } from '../../src/crypto/index.ts'
import file from '../vectors/token-rfc9497.json' with { type: 'json' }
import { groups, seeded, sodium } from './fixtures.ts'

describe.each(groups)('RFC 9497 appendix A.1 on %s', (_name, group) => {
  describe.each(file.modes)('mode $mode', (suite) => {
    const mode = suite.mode as OprfMode

    it('derives the key pair', () => {
      const pair = deriveKeyPair(group, fromHex(file.seed), fromHex(file.keyInfo), mode)
      expect(toHex(pair.secret)).toBe(suite.skSm)
      if (suite.pkSm) expect(toHex(pair.publicKey)).toBe(suite.pkSm)
    })

    it.each(suite.vectors.map((vector, i) => [i + 1, vector] as const))('test vector %i', (_i, vector) => {
      const { secret, publicKey } = deriveKeyPair(group, fromHex(file.seed), fromHex(file.keyInfo), mode)
      const blinds = vector.blinds.map((blind) => group.parseScalar(fromHex(blind)))
      const inputs = vector.inputs.map((input) => fromHex(input))
      const blinded = inputs.map((input, i) =>
        blindInput(group, input, blinds[i] ?? expect.unreachable(), mode),
      )
      expect(blinded.map(toHex)).toEqual(vector.blinded)

      // The proof's nonce is the only randomness: 32 bytes followed by zeros reduce to themselves.
      const nonce = fromHex(
        'proofRandomScalar' in vector ? (vector.proofRandomScalar as string) : (vector.blinds[0] ?? ''),
      )
      const random: RandomBytes = (length) => {
        const out = new Uint8Array(length)
        out.set(nonce)
        return out
      }
      const { evaluated, proof } = evaluateShare(group, { id: 1, secret, publicKey }, blinded, random)
      expect(evaluated.map(toHex)).toEqual(vector.evaluated)
      if ('proof' in vector) {
        expect(toHex(proof)).toBe(vector.proof)
        expect(verifyDleq(group, proof, { publicKey, inputs: blinded, outputs: evaluated })).toBe(true)
        proof[5] = (proof[5] ?? 0) ^ 1
        expect(verifyDleq(group, proof, { publicKey, inputs: blinded, outputs: evaluated })).toBe(false)
      }
      const outputs = inputs.map((input, i) =>
        finalize(group, input, blinds[i] ?? expect.unreachable(), evaluated[i] as Point),
      )
      expect(outputs.map(toHex)).toEqual(vector.outputs)
    })
  })
})

describe('agreement', () => {
  it('of the two backends, byte for byte, on blinding, evaluation and proof', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(bytes, fc.uint8Array({ minLength: 8, maxLength: 8 }), (input, seed) => {
        const run = (group: typeof sodium) => {
          const random = seeded(toHex(seed))
          const secret = group.randomScalar(random)
          const blind = group.randomScalar(random)
          const blinded = blindInput(group, input, blind)
          const share = { id: 1, secret, publicKey: group.multiplyBase(secret) }
          const { evaluated, proof } = evaluateShare(group, share, [blinded], random)
          return [blinded, ...evaluated, proof, finalize(group, input, blind, evaluated[0] as Point)].map(
            toHex,
          )
        }
        expect(run(sodium)).toEqual(run(nobleGroup))
      }),
      { seed: 9497, numRuns: 15 },
    )
  })

  it('with the VOPRF client and server of another implementation', () => {
    const { secretKey, publicKey } = ristretto255_oprf.voprf.deriveKeyPair(
      fromHex(file.seed),
      fromHex(file.keyInfo),
    )
    const input = fromHex('5a5a')
    const { blind, blinded } = ristretto255_oprf.voprf.blind(input)
    const share = { id: 1, secret: sodium.parseScalar(secretKey), publicKey: sodium.parsePoint(publicKey) }
    const { evaluated, proof } = evaluateShare(sodium, share, [sodium.parsePoint(blinded)], seeded('interop'))
    const theirs = ristretto255_oprf.voprf.finalize(
      input,
      blind,
      evaluated[0] as Point,
      blinded,
      publicKey,
      proof,
    )
    expect(finalize(sodium, input, sodium.parseScalar(blind), evaluated[0] as Point)).toEqual(
      new Uint8Array(theirs),
    )
  })

  it('names its context as the RFC does', () => {
    expect(toHex(contextString('voprf'))).toBe(
      `${toHex(new TextEncoder().encode('OPRFV1-'))}01${toHex(new TextEncoder().encode('-ristretto255-SHA512'))}`,
    )
  })
})
