// An auditor from the specification alone: it shares no code with the library and imports nothing but Node.
// Usage: node auditor.mjs FOLDER VKEY [WITNESSVKEY …]. Checks the signatures of all of these, root, tiles of every level,
// bindings, epochs and their roots.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'

const [folder, vkey, ...witnesses] = process.argv.slice(2)
const sha = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest()
const problems = []

// Checkpoint: three lines, a blank one, signature lines.
const note = readFileSync(`${folder}/checkpoint`, 'utf8')
const text = note.slice(0, note.indexOf('\n\n') + 1)
const [origin, sizeText, rootText] = text.split('\n')
const size = Number(sizeText)
if (origin !== vkey.split('+')[0]) problems.push('checkpoint: origin')
for (const each of [vkey, ...witnesses]) {
  const [name, id] = each.split('+')
  const encoded = Buffer.from(each.slice(name.length + id.length + 2), 'base64')
  const expectedId = sha(Buffer.from(`${name}\n`), encoded).subarray(0, 4)
  const line = note.split('\n').find((l) => l.startsWith(`— ${name} `)) ?? ''
  const signature = Buffer.from(line.split(' ')[2] ?? '', 'base64')
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), encoded.subarray(1)])
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  // Type 1 signs the text; type 4, a witness, signs its time along.
  const isWitness = encoded[0] === 4 && signature.length === 76
  const time = isWitness ? signature.readBigUInt64BE(4) : 0n
  const message = isWitness ? `cosignature/v1\ntime ${time}\n${text}` : text
  const signed = verify(null, Buffer.from(message), key, signature.subarray(isWitness ? 12 : 4))
  if (!signature.subarray(0, 4).equals(expectedId) || !signed)
    problems.push(`checkpoint: signature of ${name}`)
}

// Entries from bundles.
const path = (n) => {
  const digits = String(n).padStart(Math.ceil(String(n).length / 3) * 3, '0')
  const groups = digits.match(/.../g)
  return groups.map((g, i) => (i < groups.length - 1 ? `x${g}` : g)).join('/')
}
const entries = []
for (let bundle = 0; bundle * 256 < size; bundle++) {
  const width = Math.min(256, size - bundle * 256)
  const data = readFileSync(`${folder}/tile/entries/${path(bundle)}${width < 256 ? `.p/${width}` : ''}`)
  for (let i = 0, at = 0; i < width; i++) {
    const length = data.readUInt16BE(at)
    entries.push(data.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
}

// Tiles: level 0 has the leaf hashes, each level above the hash of every full tile below.
const node = (list) =>
  list.length === 1
    ? list[0]
    : sha(Buffer.of(1), node(list.slice(0, list.length / 2)), node(list.slice(list.length / 2)))
let level = entries.map((entry) => sha(Buffer.of(0), entry))
for (let number = 0; level.length > 0; number++) {
  const above = []
  for (let tile = 0; tile * 256 < level.length; tile++) {
    const hashes = level.slice(tile * 256, tile * 256 + 256)
    const name = `tile/${number}/${path(tile)}${hashes.length < 256 ? `.p/${hashes.length}` : ''}`
    if (!readFileSync(`${folder}/${name}`).equals(Buffer.concat(hashes))) problems.push(name)
    if (hashes.length === 256) above.push(node(hashes))
  }
  level = above
}

// RFC 6962 section 2.1, as it is written there.
const mth = (list) => {
  if (list.length === 0) return sha()
  if (list.length === 1) return sha(Buffer.of(0), list[0])
  let k = 1
  while (k * 2 < list.length) k *= 2
  return sha(Buffer.of(1), mth(list.slice(0, k)), mth(list.slice(k)))
}
if (entries.length !== size || !mth(entries).equals(Buffer.from(rootText, 'base64'))) problems.push('root')

// Bindings and epochs.
const long = (n) => {
  const b = Buffer.alloc(8)
  b.writeBigUInt64BE(BigInt(n))
  return b
}
const prefixRoot = (leaves, depth = 0) => {
  if (leaves.length === 0) return Buffer.alloc(32)
  if (leaves.length === 1) return sha(Buffer.of(2), leaves[0].label, leaves[0].value)
  const bit = ({ label }) => (label[depth >> 3] >> (7 - (depth % 8))) & 1
  return sha(
    Buffer.of(3),
    prefixRoot(
      leaves.filter((l) => bit(l) === 0),
      depth + 1,
    ),
    prefixRoot(
      leaves.filter((l) => bit(l) === 1),
      depth + 1,
    ),
  )
}
const sides = { record: new Map(), token: new Map() }
let epochs = 0
for (const [index, entry] of entries.entries()) {
  const code = entry[0]
  if (code === 0x10 || code === 0x11) {
    const labels = { record: entry.subarray(9, 41), token: entry.subarray(41, 73) }
    const seen = ['record', 'token'].map((side) => sides[side].get(labels[side].toString('hex')))
    if (seen[0] !== undefined && seen[0] === seen[1]) continue
    const twice = ['record', 'token'].filter((_, i) => seen[i] !== undefined)
    for (const side of twice) problems.push(`entry ${index}: ${side} label bound twice`)
    if (twice.length > 0) continue
    const leaf = (side, other) => ({
      label: labels[side],
      value: sha(Buffer.of(4), long(index), labels[other]),
    })
    const pair = { record: leaf('record', 'token'), token: leaf('token', 'record') }
    for (const side of ['record', 'token']) sides[side].set(labels[side].toString('hex'), pair)
  } else if (code === 0x08) {
    epochs++
    const pairs = [...sides.record.values()]
    const records = pairs.map((pair) => pair.record)
    const tokens = pairs.map((pair) => pair.token)
    const same =
      entry.subarray(9, 41).equals(prefixRoot(records)) &&
      entry.subarray(41, 73).equals(prefixRoot(tokens)) &&
      entry.subarray(73).equals(long(records.length))
    if (!same) problems.push(`entry ${index}: epoch roots`)
    if (!entry.subarray(1, 9).equals(long(epochs))) problems.push(`entry ${index}: epoch number`)
  }
}

if (problems.length === 0) console.log(`ok: ${size} entries, ${sides.record.size} bindings, ${epochs} epochs`)
else for (const problem of problems) console.log(problem)
process.exitCode = problems.length === 0 ? 0 : 1
