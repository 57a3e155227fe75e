// Wrong on purpose, as a use: SM3 itself is sound; a plain SM3 of an ID number is what integrators store as "irreversible".
// GB/T 32905-2016 for messages of at most 55 bytes: one block, enough for an ID number, and it runs in a browser.

const IV = [
  0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e,
] as const
const ROUND = Uint32Array.from({ length: 64 }, (_, j) => rotate(j < 16 ? 0x79cc4519 : 0x7a879d8a, j % 32))
const START = Uint32Array.from(IV)
const words = new Uint32Array(68)
const block = new Uint8Array(64)
const view = new DataView(block.buffer)

function rotate(x: number, n: number): number {
  return (x << n) | (x >>> (32 - n))
}

/** SM3 of up to 55 bytes. */
export function sm3(message: Uint8Array): Uint8Array {
  if (message.length > 55) throw new RangeError('one block only')
  block.fill(0)
  block.set(message)
  block[message.length] = 0x80
  view.setUint32(60, message.length * 8)
  const w = words
  for (let j = 0; j < 16; j++) w[j] = view.getUint32(4 * j)
  for (let j = 16; j < 68; j++) {
    const x = at(w, j - 16) ^ at(w, j - 9) ^ rotate(at(w, j - 3), 15)
    w[j] = x ^ rotate(x, 15) ^ rotate(x, 23) ^ rotate(at(w, j - 13), 7) ^ at(w, j - 6)
  }
  let [a, b, c, d, e, f, g, h] = IV as readonly number[] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  for (let j = 0; j < 64; j++) {
    const a12 = rotate(a, 12)
    const ss1 = rotate((a12 + e + at(ROUND, j)) | 0, 7)
    const ss2 = ss1 ^ a12
    const isEarly = j < 16
    const ff = isEarly ? a ^ b ^ c : (a & b) | (a & c) | (b & c)
    const gg = isEarly ? e ^ f ^ g : (e & f) | (~e & g)
    const tt1 = (ff + d + ss2 + (at(w, j) ^ at(w, j + 4))) | 0
    const tt2 = (gg + h + ss1 + at(w, j)) | 0
    d = c
    c = rotate(b, 9)
    b = a
    a = tt1
    h = g
    g = rotate(f, 19)
    f = e
    e = tt2 ^ rotate(tt2, 9) ^ rotate(tt2, 17)
  }
  const out = new Uint8Array(32)
  const result = new DataView(out.buffer)
  for (const [i, value] of [a, b, c, d, e, f, g, h].entries()) result.setUint32(4 * i, value ^ at(START, i))
  return out
}

function at(array: Uint32Array, index: number): number {
  return array[index] as number
}
