// ristretto255 on @noble/curves: the portable backend, the browser's, and the oracle the tests compare with.
// JavaScript big integers are not constant-time, so servers multiply long-lived secrets with the sodium backend.
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import { CtidError, type RandomBytes } from '../base/index.ts'
import type { Group, Point, Scalar } from './group.ts'

const { Point: Element } = ristretto255
type Element = InstanceType<typeof Element>
const { Fn } = Element

function decode(point: Uint8Array): Element {
  try {
    return Element.fromBytes(point)
  } catch {
    throw new CtidError('ERR_CRYPTO_POINT')
  }
}

function encode(element: Element): Point {
  if (element.equals(Element.ZERO)) throw new CtidError('ERR_CRYPTO_POINT')
  return element.toBytes() as Point
}

function toInt(scalar: Uint8Array): bigint {
  try {
    return Fn.fromBytes(scalar)
  } catch {
    throw new CtidError('ERR_CRYPTO_SCALAR')
  }
}

function fromInt(value: bigint): Scalar {
  if (value === 0n) throw new CtidError('ERR_CRYPTO_SCALAR')
  return Fn.toBytes(value) as Scalar
}

function reduceWide(bytes: Uint8Array): Scalar {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number)
  return fromInt(Fn.create(value))
}

/** The portable backend. About 1 ms per multiplication. */
export const nobleGroup: Group = {
  name: 'noble',
  parsePoint: (bytes) => encode(decode(bytes)),
  parseScalar: (bytes) => fromInt(toInt(bytes)),
  hashToGroup: (message, dst) => encode(ristretto255_hasher.hashToCurve(message, { DST: dst })),
  hashToScalar: (message, dst) => fromInt(ristretto255_hasher.hashToScalar(message, { DST: dst })),
  randomScalar: (random: RandomBytes) => reduceWide(random(64)),
  multiply: (scalar, point) => encode(decode(point).multiply(toInt(scalar))),
  multiplyBase: (scalar) => encode(Element.BASE.multiply(toInt(scalar))),
  add: (a, b) => encode(decode(a).add(decode(b))),
  subtract: (a, b) => encode(decode(a).subtract(decode(b))),
  scalarAdd: (a, b) => fromInt(Fn.add(toInt(a), toInt(b))),
  scalarSubtract: (a, b) => fromInt(Fn.sub(toInt(a), toInt(b))),
  scalarMultiply: (a, b) => fromInt(Fn.mul(toInt(a), toInt(b))),
  scalarInvert: (a) => fromInt(Fn.inv(toInt(a))),
  scalarNegate: (a) => fromInt(Fn.neg(toInt(a))),
}
