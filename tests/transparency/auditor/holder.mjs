// A holder's check from the specification alone: it shares no code with the library and imports nothing but Node and
// the curve of @noble/curves. Usage: node holder.mjs FILE RECORD TOKEN VERSION VRFKEY LOGVKEY [WITNESSVKEY …] (hexadecimal).
// Checks both receipts with every witness named, the ECVRF proofs (RFC 9381), and the two prefix trees.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ed25519 } from '@noble/curves/ed25519.js'

const [file, record, token, versionText, vrfKey, logVkey, ...witnessVkeys] = process.argv.slice(2)
const hash = (name, parts) => createHash(name).update(Buffer.concat(parts)).digest()
const sha = (...parts) => hash('sha256', parts)
const sha512 = (...parts) => hash('sha512', parts)
const problems = []
const check = (what, ok) => ok || problems.push(what)
const uint = (value, length) =>
  Buffer.from(
    BigInt(value)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  )
const framed = (...parts) =>
  Buffer.concat(parts.map((part) => Buffer.from(part)).flatMap((part) => [uint(part.length, 2), part]))
const receipt = JSON.parse(readFileSync(file, 'utf8'))
const bytes = (name) => Buffer.from(receipt[name], 'base64url')

// Signed notes: name+id+base64(type ‖ key); type 1 signs the text, type 4 a time and the text.
function signedBy(vkey, text, lines) {
  const [name, id] = vkey.split('+')
  const encoded = Buffer.from(vkey.slice(name.length + id.length + 2), 'base64')
  if (
    sha(Buffer.from(`${name}\n`), encoded)
      .subarray(0, 4)
      .toString('hex') !== id
  )
    return false
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), encoded.subarray(1)])
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  return lines.some((line) => {
    const [dash, who, base64] = line.split(' ')
    const signature = Buffer.from(base64 ?? '', 'base64')
    if (dash !== '—' || who !== name || signature.subarray(0, 4).toString('hex') !== id) return false
    if (encoded[0] === 1) return verify(null, Buffer.from(text), key, signature.subarray(4))
    const message = `cosignature/v1\ntime ${signature.readBigUInt64BE(4)}\n${text}`
    return encoded[0] === 4 && verify(null, Buffer.from(message), key, signature.subarray(12))
  })
}

// tlog-proof: the index, the hashes, an empty line, the checkpoint. The proof is folded as RFC 9162 section 2.1.3.2 has it.
function logged(name, entry) {
  const text = receipt[name]
  const [head, body] = [text.slice(0, text.indexOf('\n\n')), text.slice(text.indexOf('\n\n') + 2)]
  const [first, indexLine, ...hashes] = head.split('\n').filter((line) => !line.startsWith('extra '))
  const cut = body.lastIndexOf('\n\n')
  const [note, lines] = [body.slice(0, cut + 1), body.slice(cut + 2).split('\n')]
  const [origin, size, root] = note.split('\n')
  check(`${name}: form`, first === 'c2sp.org/tlog-proof@v1' && origin === logVkey.split('+')[0])
  for (const vkey of [logVkey, ...witnessVkeys]) {
    check(`${name}: signature of ${vkey.split('+')[0]}`, signedBy(vkey, note, lines))
  }
  const index = BigInt(indexLine.slice(6))
  let [fn, sn] = [index, BigInt(size) - 1n]
  let ok = fn <= sn
  let node = sha(Buffer.of(0), entry)
  for (const sibling of hashes.map((line) => Buffer.from(line, 'base64'))) {
    ok &&= sn !== 0n
    const onRight = fn % 2n === 1n || fn === sn
    node = onRight ? sha(Buffer.of(1), sibling, node) : sha(Buffer.of(1), node, sibling)
    while (onRight && fn % 2n === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n]
    ;[fn, sn] = [fn >> 1n, sn >> 1n]
  }
  check(`${name}: inclusion`, ok && sn === 0n && node.toString('base64') === root)
  return index
}

// ECVRF-EDWARDS25519-SHA512-TAI, RFC 9381 sections 5.3 and 5.4.
const { Point } = ed25519
const little = (buffer) => BigInt(`0x${Buffer.from(buffer).reverse().toString('hex') || '0'}`)
function toCurve(input) {
  for (let counter = 0; counter < 256; counter++) {
    const parts = [Buffer.of(3, 1), Buffer.from(vrfKey, 'hex'), input, Buffer.of(counter, 0)]
    try {
      return Point.fromBytes(new Uint8Array(sha512(...parts).subarray(0, 32))).multiplyUnsafe(8n)
    } catch {
      // No point: the next counter.
    }
  }
  throw new Error('no point')
}
function label(name, input) {
  const proof = bytes(name)
  const [key, gamma] = [vrfKey, proof.subarray(0, 32).toString('hex')].map((hex) => Point.fromHex(hex))
  const [c, s] = [little(proof.subarray(32, 48)), little(proof.subarray(48))]
  const h = toCurve(input)
  const u = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(c))
  const v = h.multiplyUnsafe(s).subtract(gamma.multiplyUnsafe(c))
  const points = [key, h, gamma, u, v].map((point) => Buffer.from(point.toBytes()))
  const expected = sha512(Buffer.of(3, 2), ...points, Buffer.of(0)).subarray(0, 16)
  const isValid = proof.length === 80 && s < Point.Fn.ORDER && !key.multiplyUnsafe(8n).is0()
  check(`${name}: proof`, isValid && expected.equals(proof.subarray(32, 48)))
  return sha512(Buffer.of(3, 3), Buffer.from(gamma8(gamma)), Buffer.of(0)).subarray(0, 32)
}
const gamma8 = (gamma) => gamma.multiplyUnsafe(8n).toBytes()

// Prefix proof: kind, count, bitmap, the siblings that are not zero, for kind 2 the other leaf.
const bit = (buffer, i) => (buffer[i >> 3] >> (7 - (i % 8))) & 1
function prefixRoot(name, wanted, value) {
  const proof = bytes(name)
  const [kind, count] = [proof[0], proof.readUInt16BE(1)]
  const bitmap = proof.subarray(3, 3 + Math.ceil(count / 8))
  let at = 3 + bitmap.length
  const take = () => {
    at += 32
    return proof.subarray(at - 32, at)
  }
  const siblings = Array.from({ length: count }, (_, i) => (bit(bitmap, i) ? take() : Buffer.alloc(32)))
  let node = Buffer.alloc(32)
  if (kind === 0 && value) node = sha(Buffer.of(2), wanted, value)
  if (kind === 2) {
    const other = take()
    const shares = siblings.every((_, i) => bit(other, i) === bit(wanted, i))
    check(`${name}: the other leaf`, shares && !other.equals(wanted))
    node = sha(Buffer.of(2), other, take())
  }
  check(`${name}: kind`, value ? kind === 0 : kind === 1 || kind === 2)
  check(`${name}: length`, at === proof.length)
  for (let i = count - 1; i >= 0; i--) {
    const pair = bit(wanted, i) ? [siblings[i], node] : [node, siblings[i]]
    node = sha(Buffer.of(3), ...pair)
  }
  return node
}

const [entry, epoch] = [bytes('entry'), bytes('epoch')]
const version = Number(versionText)
const recordInput = (n) => framed('CTID-LOG-RECORD-V1', Buffer.from(record, 'hex'), uint(n, 4))
check('entry: a binding', entry.length === 73 && (entry[0] === 0x10 || entry[0] === 0x11))
check('epoch: an epoch', epoch.length === 81 && epoch[0] === 0x08)
const index = logged('entryReceipt', entry)
check('epoch: after the entry', logged('epochReceipt', epoch) > index)
const [mine, its] = [entry.subarray(9, 41), entry.subarray(41)]
check('record label', label('recordVrf', recordInput(version)).equals(mine))
check('token label', label('tokenVrf', framed('CTID-LOG-TOKEN-V1', Buffer.from(token, 'hex'))).equals(its))
const place = (other) => sha(Buffer.of(4), uint(index, 8), other)
const roots = [epoch.subarray(9, 41), epoch.subarray(41, 73)]
check('recordProof: root', prefixRoot('recordProof', mine, place(its)).equals(roots[0]))
check('tokenProof: root', prefixRoot('tokenProof', its, place(mine)).equals(roots[1]))
const next = label('nextVrf', recordInput(version + 1))
check('nextProof: root', prefixRoot('nextProof', next).equals(roots[0]))

if (problems.length === 0)
  console.log(`ok: entry ${index}, epoch ${epoch.readBigUInt64BE(1)}, no later version`)
else for (const problem of problems) console.log(problem)
process.exitCode = problems.length === 0 ? 0 : 1
