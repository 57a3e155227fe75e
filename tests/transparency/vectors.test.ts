// The vectors that second implementations test against: made by this code from fixed inputs, and unchanged since.
// With UPDATE_VECTORS=1 the file is written anew.
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { concatBytes, isCtidError } from '#ctid/base'
import {
  auditTag,
  COSIGNATURE,
  createDirectory,
  encodeEntry,
  encodePrefixProof,
  epochEntry,
  formatReceipt,
  type IndexedBinding,
  LOG_SIGNATURE,
  makeHolderReceipt,
  makeLabel,
  makePersonalEntry,
  memoryLog,
  noteSigner,
  parseEntry,
  parseNote,
  proveConsistency,
  type Roots,
  recordInput,
  registryLog,
  rootFromTiles,
  sealOpening,
  signatureLines,
  tokenInput,
  unsealOpening,
  type VrfKey,
  verifyConsistency,
  verifyEpochUpdate,
  verifyHolderReceipt,
  verifyReceipt,
  vrfKey,
  writerKey,
} from '#ctid/transparency'

const file = new URL('../vectors/transparency.json', import.meta.url)
const fill = (byte: number, length = 32) => new Uint8Array(length).fill(byte)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

const TIME = 1_800_000_000
const RECORDS = [10, 11, 12, 13, 14, 15, 16, 17].map((byte) => fill(byte))
const TOKENS = [20, 21, 22, 23, 24, 25, 26, 27].map((byte) => fill(byte))

function bindingOf(vrf: VrfKey, person: number, index: number): IndexedBinding {
  const recordLabel = makeLabel(vrf, recordInput(RECORDS[person] as Uint8Array, 1)).label
  const tokenLabel = makeLabel(vrf, tokenInput(TOKENS[person] as Uint8Array)).label
  return { index, entry: { form: 'binding', type: 'registration', epoch: 1, recordLabel, tokenLabel } }
}

const describeEntry = (entry: Uint8Array) => ({ bytes: hex(entry), type: parseEntry(entry).type })
const describeRoots = ({ recordRoot, tokenRoot }: Roots) => ({
  record: hex(recordRoot),
  token: hex(tokenRoot),
})

// The opcodes of an update in pre-order: 0 empty, 1 leaf, 2 untouched subtree, 3 node.
function opcodesOf(proof: Uint8Array): string {
  const content = [0, 64, 32, 0]
  let opcodes = ''
  for (let at = 0; at < proof.length; at += 1 + (content[proof[at] as number] ?? 0)) opcodes += proof[at]
  return opcodes
}

async function make() {
  const origin = 'log.example/vectors'
  const signer = noteSigner(origin, LOG_SIGNATURE, fill(1))
  const witness = noteSigner('witness.example/1', COSIGNATURE, fill(2))
  const vrf = vrfKey(fill(3))
  const tiles = await memoryLog({ origin, signer })
  const log = registryLog(tiles)
  const directory = createDirectory()
  const bindings = [0, 1, 2, 3, 4].map((person) => bindingOf(vrf, person, person))
  const before = directory.roots()
  const update = directory.update(bindings)
  verifyEpochUpdate(before, directory.roots(), update)
  const key = writerKey(fill(4), 'transport')
  const payload = { asked: 'transport', purpose: 'refund' }
  const random = (length: number) => fill(5, length)
  const personal = makePersonalEntry('conversion', payload, key, { counter: 7, time: TIME, random })
  const tag = auditTag(key, 7)
  const mail = await sealOpening(personal.opening, key, { tag, random: (length) => fill(6, length) })
  expect(await unsealOpening(mail, key, tag)).toEqual(personal.opening)
  const rules = encodeEntry({
    form: 'public',
    type: 'rule-set',
    time: TIME,
    body: { hash: 'aa', id: 'r1' },
  })
  const epoch = encodeEntry(epochEntry(1, directory.roots()))
  const entries = [...bindings.map(({ entry }) => encodeEntry(entry)), epoch, personal.entry, rules]
  const receipts = await log.append(entries)
  const [first] = receipts
  const epochReceipt = receipts[5]
  if (!first || !epochReceipt) throw new Error('no receipt')
  const { text } = parseNote(first.checkpoint)
  const cosigned = first.checkpoint + (await signatureLines(text, [witness], TIME))
  const record = makeLabel(vrf, recordInput(fill(10), 1))
  const holder = makeHolderReceipt(directory, {
    entry: entries[0] as Uint8Array,
    entryReceipt: formatReceipt({ ...first, checkpoint: cosigned }),
    epoch,
    epochReceipt: formatReceipt({ ...epochReceipt, checkpoint: cosigned }),
    recordVrf: record.proof,
    tokenVrf: makeLabel(vrf, tokenInput(fill(20))).proof,
    next: makeLabel(vrf, recordInput(fill(10), 2)),
  })
  const policy = { origin, logKey: signer.key, witnesses: [witness.key], threshold: 1 }
  await verifyReceipt(entries[0] as Uint8Array, holder.entryReceipt, policy)
  await verifyHolderReceipt({ record: fill(10), token: fill(20), version: 1 }, holder, {
    ...policy,
    vrfPublicKey: vrf.publicKey,
  })
  return {
    description:
      'Binary values in hexadecimal but those of `holder` and of notes. Seeds: log 0x01…, witness 0x02…, VRF 0x03…, audit key 0x04…, opening randomness 0x05…, 32 bytes each; nonce of the mail 0x06…, 12 bytes.',
    inputs: {
      records: RECORDS.map(hex),
      tokens: TOKENS.map(hex),
      personal: { auditKey: hex(fill(4)), writer: 'transport', counter: 7 },
      time: TIME,
    },
    entries: entries.map(describeEntry),
    opening: { randomness: hex(personal.opening.randomness), payload: personal.opening.payload },
    writerKey: hex(key),
    tag: hex(tag),
    mail: hex(mail),
    vrf: { publicKey: hex(vrf.publicKey), input: hex(recordInput(fill(10), 1)), proof: hex(record.proof) },
    checkpoint: cosigned,
    roots: describeRoots(directory.roots()),
    absence: { label: hex(fill(255)), proof: hex(encodePrefixProof(directory.prove('record', fill(255)))) },
    update: { recordProof: hex(update.recordProof), tokenProof: hex(update.tokenProof) },
    holder,
    second: await secondEpoch(),
  }

  // Three more bindings and the second epoch: the update now touches a tree in which something stands.
  async function secondEpoch() {
    const added = [5, 6, 7].map((person, i) => bindingOf(vrf, person, entries.length + i))
    const old = directory.roots()
    const step = directory.update(added)
    const roots = directory.roots()
    verifyEpochUpdate(old, roots, step)
    const more = [...added.map(({ entry }) => encodeEntry(entry)), encodeEntry(epochEntry(2, roots))]
    const receipts = await log.append(more)
    const size = entries.length + more.length
    const root = await rootFromTiles(tiles.source, size)
    const consistency = []
    for (const oldSize of [1, 6, 8, 11]) {
      const proof = await proveConsistency(tiles.source, oldSize, size)
      const oldRoot = await rootFromTiles(tiles.source, oldSize)
      expect(verifyConsistency(proof, { oldSize, size, oldRoot, root })).toBe(true)
      consistency.push({ oldSize, size, oldRoot: hex(oldRoot), root: hex(root), proof: proof.map(hex) })
    }
    const refusal = (why: string, bindings: readonly IndexedBinding[], recordProof = step.recordProof) => {
      const next = { ...roots, count: old.count + bindings.length }
      let error = 'none'
      try {
        verifyEpochUpdate(old, next, { ...step, bindings, recordProof })
      } catch (thrown) {
        error = isCtidError(thrown) ? thrown.code : 'another'
      }
      return { why, added: bindings.map(({ index }) => index), recordProof: hex(recordProof), error }
    }
    return {
      entries: more.map(describeEntry),
      checkpoint: receipts[0]?.checkpoint,
      consistency,
      roots: describeRoots(roots),
      update: {
        added: added.map(({ index }) => index),
        recordProof: hex(step.recordProof),
        tokenProof: hex(step.tokenProof),
        opcodes: [step.recordProof, step.tokenProof].map(opcodesOf),
      },
      refused: [
        refusal('a label under an untouched subtree', [...added, bindings[0] as IndexedBinding]),
        refusal('a label that stands there', [...added, bindings[4] as IndexedBinding]),
        refusal('a binding is left out', added.slice(1)),
        refusal('a byte follows', added, concatBytes(step.recordProof, fill(0, 1))),
      ],
    }
  }
}

it('are what this code makes', async () => {
  const made = await make()
  if (process.env['UPDATE_VECTORS']) writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`)
  expect(made).toEqual(JSON.parse(readFileSync(file, 'utf8')))
})
