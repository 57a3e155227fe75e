// The vectors that second implementations test against: made by this code from fixed inputs, and unchanged since.
// With CTID_WRITE_VECTORS=1 the file is written anew.
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import {
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
  recordInput,
  registryLog,
  signatureLines,
  tokenInput,
  verifyEpochUpdate,
  verifyHolderReceipt,
  verifyReceipt,
  vrfKey,
  writerKey,
} from '#ctid/transparency'

const file = new URL('../vectors/transparency.json', import.meta.url)
const fill = (byte: number, length = 32) => new Uint8Array(length).fill(byte)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

async function make() {
  const origin = 'log.example/vectors'
  const signer = noteSigner(origin, LOG_SIGNATURE, fill(1))
  const witness = noteSigner('witness.example/1', COSIGNATURE, fill(2))
  const vrf = vrfKey(fill(3))
  const log = registryLog(await memoryLog({ origin, signer }))
  const directory = createDirectory()
  const bindings: IndexedBinding[] = []
  for (let i = 0; i < 5; i++) {
    const recordLabel = makeLabel(vrf, recordInput(fill(10 + i), 1)).label
    const tokenLabel = makeLabel(vrf, tokenInput(fill(20 + i))).label
    bindings.push({
      index: i,
      entry: { form: 'binding', type: 'registration', epoch: 1, recordLabel, tokenLabel },
    })
  }
  const before = directory.roots()
  const update = directory.update(bindings)
  verifyEpochUpdate(before, directory.roots(), update)
  const personal = makePersonalEntry(
    'conversion',
    { asked: 'transport', purpose: 'refund' },
    writerKey(fill(4), 'transport'),
    { counter: 7, time: 1_800_000_000, random: (length) => fill(5, length) },
  )
  const rules = encodeEntry({
    form: 'public',
    type: 'rule-set',
    time: 1_800_000_000,
    body: { hash: 'aa', id: 'r1' },
  })
  const epoch = encodeEntry(epochEntry(1, directory.roots()))
  const entries = [...bindings.map(({ entry }) => encodeEntry(entry)), epoch, personal.entry, rules]
  const receipts = await log.append(entries)
  const [first] = receipts
  const epochReceipt = receipts[5]
  if (!first || !epochReceipt) throw new Error('no receipt')
  const { text } = parseNote(first.checkpoint)
  const cosigned = first.checkpoint + (await signatureLines(text, [witness], 1_800_000_000))
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
      'Seeds: log 0x01…, witness 0x02…, VRF 0x03…, audit key 0x04…, opening randomness 0x05…, 32 bytes each.',
    entries: entries.map((entry) => ({ bytes: hex(entry), type: parseEntry(entry).type })),
    opening: { randomness: hex(personal.opening.randomness), payload: personal.opening.payload },
    writerKey: hex(writerKey(fill(4), 'transport')),
    vrf: { publicKey: hex(vrf.publicKey), input: hex(recordInput(fill(10), 1)), proof: hex(record.proof) },
    checkpoint: cosigned,
    roots: { record: hex(directory.roots().recordRoot), token: hex(directory.roots().tokenRoot) },
    absence: { label: hex(fill(255)), proof: hex(encodePrefixProof(directory.prove('record', fill(255)))) },
    update: { recordProof: hex(update.recordProof), tokenProof: hex(update.tokenProof) },
    holder,
  }
}

it('are what this code makes', async () => {
  const made = await make()
  if (process.env['CTID_WRITE_VECTORS']) writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`)
  expect(made).toEqual(JSON.parse(readFileSync(file, 'utf8')))
})
