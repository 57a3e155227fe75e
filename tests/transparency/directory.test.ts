// One-to-one, publicly: prefix trees against a recursive definition, lookups, the step between epochs, the holder's receipt.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createAuditor,
  createDirectory,
  createPrefixTree,
  decodePrefixProof,
  encodeEntry,
  encodePrefixProof,
  epochEntry,
  formatReceipt,
  type IndexedBinding,
  LOG_SIGNATURE,
  makeHolderReceipt,
  makeLabel,
  memoryLog,
  noteSigner,
  type PrefixLeaf,
  parseEntry,
  parseHolderReceipt,
  prefixLeafHash,
  prefixParentHash,
  recordInput,
  registryLog,
  tokenInput,
  verifyAbsent,
  verifyEpochUpdate,
  verifyHolderReceipt,
  verifyPresent,
  vrfKey,
} from '#ctid/transparency'

const hash = (text: string) => new Uint8Array(createHash('sha256').update(text).digest())
const leafOf = (name: string): PrefixLeaf => ({ label: hash(name), value: hash(`value of ${name}`) })

// The definition: split by the next bit until one leaf is left.
function definition(leaves: readonly PrefixLeaf[], depth = 0): Uint8Array {
  const [only] = leaves
  if (only === undefined) return new Uint8Array(32)
  if (leaves.length === 1) return prefixLeafHash(only)
  const bit = (leaf: PrefixLeaf) => ((leaf.label[depth >> 3] as number) >> (7 - (depth & 7))) & 1
  return prefixParentHash(
    definition(
      leaves.filter((leaf) => bit(leaf) === 0),
      depth + 1,
    ),
    definition(
      leaves.filter((leaf) => bit(leaf) === 1),
      depth + 1,
    ),
  )
}

describe('prefix trees', () => {
  it('have the root of the definition, whatever the order of insertion and of asking', () => {
    const names = fc.uniqueArray(fc.string({ maxLength: 6 }), { maxLength: 40 })
    fc.assert(
      fc.property(names, fc.nat(3), (list, every) => {
        const tree = createPrefixTree()
        for (const [i, name] of list.entries()) {
          tree.insert(leafOf(name))
          if (i % (every + 1) === 0) tree.root()
        }
        expect(tree.root()).toEqual(definition(list.map(leafOf)))
      }),
      { seed: 7, numRuns: 100 },
    )
  })

  it('prove presence and absence, and no proof serves for another label, value or root', () => {
    const tree = createPrefixTree()
    const labels = Array.from({ length: 300 }, (_, i) => `n${i}`)
    for (const name of labels) tree.insert(leafOf(name))
    const root = tree.root()
    for (let i = 0; i < 300; i += 7) {
      const leaf = leafOf(`n${i}`)
      const proof = decodePrefixProof(encodePrefixProof(tree.prove(leaf.label)))
      expect(verifyPresent(proof, leaf, root)).toBe(true)
      expect(verifyPresent(proof, { ...leaf, value: hash('x') }, root)).toBe(false)
      expect(verifyPresent(proof, leafOf('absent'), root)).toBe(false)
      expect(verifyAbsent(proof, leaf.label, root)).toBe(false)
      expect(verifyAbsent({ ...proof, kind: 'empty' }, leaf.label, root)).toBe(false)
      expect(verifyAbsent({ ...proof, kind: 'other', other: leaf }, leaf.label, root)).toBe(false)
      expect(verifyPresent({ ...proof, siblings: proof.siblings.slice(1) }, leaf, root)).toBe(false)

      const missing = hash(`missing ${i}`)
      const absence = decodePrefixProof(encodePrefixProof(tree.prove(missing)))
      expect(verifyAbsent(absence, missing, root)).toBe(true)
      expect(verifyAbsent(absence, leaf.label, root)).toBe(false)
      expect(verifyAbsent(absence, missing, hash('another root'))).toBe(false)
    }
    expect(verifyAbsent(createPrefixTree().prove(hash('a')), hash('a'), new Uint8Array(32))).toBe(true)
  })

  it('refuse a second value for a label', () => {
    const tree = createPrefixTree()
    tree.insert(leafOf('a'))
    expect(() => tree.insert({ label: hash('a'), value: hash('b') })).toThrow(
      expect.objectContaining({ code: 'ERR_LOG_DUPLICATE' }),
    )
  })

  it('grow in depth with the logarithm: at 20,000 labels a proof has about log2(n) + 1.33 siblings', () => {
    const tree = createPrefixTree()
    for (let i = 0; i < 20_000; i++) tree.insert(leafOf(String(i)))
    let total = 0
    for (let i = 0; i < 500; i++) total += tree.prove(hash(String(i))).siblings.length
    expect(total / 500).toBeGreaterThan(Math.log2(20_000) + 0.8)
    expect(total / 500).toBeLessThan(Math.log2(20_000) + 1.9)
  })

  it('decoding proofs refuses rubbish with its own error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        try {
          decodePrefixProof(data)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_LOG_PROOF' })
        }
      }),
      { seed: 7, numRuns: 300 },
    )
  })
})

const bindingOf = (index: number, record = `r${index}`, token = `t${index}`): IndexedBinding => ({
  index,
  entry: {
    form: 'binding',
    type: 'registration',
    epoch: 1,
    recordLabel: hash(record),
    tokenLabel: hash(token),
  },
})

describe('the step between epochs', () => {
  const base = () => {
    const directory = createDirectory()
    for (let i = 0; i < 200; i++) directory.add(bindingOf(i))
    return directory
  }

  it('is verified from the two roots alone', () => {
    const directory = base()
    const before = directory.roots()
    const update = directory.update(Array.from({ length: 30 }, (_, i) => bindingOf(300 + i)))
    const after = directory.roots()
    expect(() => verifyEpochUpdate(before, after, update)).not.toThrow()
    expect(() => verifyEpochUpdate(createDirectory().roots(), before, createDirectory().update([]))).toThrow()
  })

  it('shows a removed, changed, added or repeated binding', () => {
    const directory = base()
    const before = directory.roots()
    const bindings = Array.from({ length: 5 }, (_, i) => bindingOf(300 + i))
    const update = directory.update(bindings)
    const after = directory.roots()
    const refuse = (change: Partial<typeof update>, next = after) =>
      expect(() => verifyEpochUpdate(before, next, { ...update, ...change })).toThrow()
    refuse({ bindings: bindings.slice(1) })
    refuse({ bindings: [...bindings.slice(1), bindingOf(999)] })
    refuse({ bindings: [...bindings.slice(1), bindings[1] as IndexedBinding] })
    refuse({ bindings: [...bindings.slice(1), bindingOf(300, 'r300', 'another token')] })
    refuse({}, before)
    refuse({ recordProof: update.recordProof.slice(1) })

    const without = createDirectory()
    for (let i = 1; i < 200; i++) without.add(bindingOf(i))
    without.update(bindings)
    refuse({}, { ...without.roots(), count: after.count })
  })

  it('cannot be proven for a label that was there', () => {
    const directory = base()
    expect(() => directory.update([bindingOf(400, 'r7')])).toThrow(
      expect.objectContaining({ code: 'ERR_LOG_DUPLICATE' }),
    )
    expect(directory.conflict(bindingOf(400, 'new', 't7').entry)).toBe('token')
  })
})

describe("the holder's receipt", () => {
  const key = vrfKey(new Uint8Array(32).fill(3))
  const signer = noteSigner('log.example/registry', LOG_SIGNATURE, new Uint8Array(32).fill(4))
  const policy = {
    origin: 'log.example/registry',
    logKey: signer.key,
    witnesses: [],
    threshold: 0,
    vrfPublicKey: key.publicKey,
  }
  const record = hash('a canonical record')
  const token = hash('a token')

  async function register(later?: { record: Uint8Array; token: Uint8Array }) {
    const log = registryLog(await memoryLog({ origin: policy.origin, signer }))
    const auditor = createAuditor()
    const append = async (entry: Uint8Array) => {
      const [receipt] = await log.append([entry])
      expect(auditor.see(receipt?.index ?? -1, entry).findings).toEqual([])
      return receipt?.index ?? -1
    }
    const bind = (r: Uint8Array, version: number, t: Uint8Array) => {
      const recordLabel = makeLabel(key, recordInput(r, version))
      const tokenLabel = makeLabel(key, tokenInput(t))
      const labels = { recordLabel: recordLabel.label, tokenLabel: tokenLabel.label }
      const type = version === 1 ? 'registration' : 'replacement'
      const entry = encodeEntry({ form: 'binding', type, epoch: 1, ...labels })
      return { entry, recordVrf: recordLabel.proof, tokenVrf: tokenLabel.proof }
    }
    await append(bind(hash('another record'), 1, hash('another token')).entry)
    const mine = bind(record, 1, token)
    const index = await append(mine.entry)
    if (later) await append(bind(later.record, 2, later.token).entry)
    const epoch = encodeEntry(epochEntry(1, auditor.directory.roots()))
    const epochIndex = await append(epoch)
    return makeHolderReceipt(auditor.directory, {
      ...mine,
      epoch,
      entryReceipt: formatReceipt(await log.receipt(index)),
      epochReceipt: formatReceipt(await log.receipt(epochIndex)),
      next: makeLabel(key, recordInput(record, 2)),
    })
  }

  it('verifies for the record and token, and for no other', async () => {
    const receipt = parseHolderReceipt(JSON.stringify(await register()))
    expect(await verifyHolderReceipt({ record, token, version: 1 }, receipt, policy)).toEqual({
      index: 1,
      epoch: 1,
      size: 4 - 1,
    })
    const wrong = [
      { record: hash('x'), token, version: 1 },
      { record, token: hash('x'), version: 1 },
      { record, token, version: 2 },
    ]
    for (const claim of wrong) await expect(verifyHolderReceipt(claim, receipt, policy)).rejects.toThrow()
    const otherKey = { ...policy, vrfPublicKey: vrfKey(new Uint8Array(32).fill(9)).publicKey }
    await expect(verifyHolderReceipt({ record, token, version: 1 }, receipt, otherKey)).rejects.toMatchObject(
      {
        code: 'ERR_LOG_VRF',
      },
    )
  })

  it('fails once a later token exists for the record: the old token cannot pass for the current one', async () => {
    const receipt = await register({ record, token: hash('a newer token') })
    await expect(verifyHolderReceipt({ record, token, version: 1 }, receipt, policy)).rejects.toMatchObject({
      code: 'ERR_LOG_RECEIPT',
      detail: 'later version',
    })
  })

  it('entries hold labels only: 73 bytes, no part of the record or token', async () => {
    const { entry } = await register()
    const bytes = Buffer.from(entry, 'base64url')
    expect(bytes).toHaveLength(73)
    expect(parseEntry(bytes).form).toBe('binding')
    expect(bytes.includes(Buffer.from(record))).toBe(false)
    expect(bytes.includes(Buffer.from(token))).toBe(false)
  })
})
