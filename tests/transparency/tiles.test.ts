// The tile layout and proofs from tiles: against the recursive definition, and against a log that Tessera wrote.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  appendLeaf,
  decodeBundle,
  emptyFrontier,
  encodeBundle,
  frontierRoot,
  leafHash,
  openCheckpoint,
  parseNoteKey,
  parseTilePath,
  proveConsistency,
  proveInclusion,
  readEntries,
  rootFromTiles,
  type TileSource,
  tilePath,
  tilesOfTree,
  verifyConsistency,
  verifyInclusion,
} from '#ctid/transparency'
import { memorySource, tileFiles, treeHash } from './memory-tiles.ts'

const entriesOf = (count: number) => Array.from({ length: count }, (_, i) => Buffer.from(`entry ${i}`))

describe('tile paths', () => {
  it.each([
    [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
    [{ level: 1, index: 1_234_067, width: 256 }, 'tile/1/x001/x234/067'],
    [{ level: 'entries', index: 999, width: 7 }, 'tile/entries/999.p/7'],
    [{ level: 63, index: 1000, width: 255 }, 'tile/63/x001/000.p/255'],
  ] as const)('%j is %s', (tile, path) => {
    expect(tilePath(tile)).toBe(path)
    expect(parseTilePath(path)).toEqual(tile)
  })

  it.each([
    'tile/0/0',
    'tile/00/000',
    'tile/0/x000/001',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/01',
    'tile/0/../000',
    'tile/0/000/',
    'tile/entry/000',
  ])('refuses %s', (path) => expect(parseTilePath(path)).toBeUndefined())

  it('lists 273 full and one partial level-0 tile for 70,000 entries, as the specification says', () => {
    const tiles = [...tilesOfTree(70_000)].filter((tile) => tile.level !== 'entries')
    expect(tiles.filter((t) => t.level === 0 && t.width === 256)).toHaveLength(273)
    expect(tiles.filter((t) => t.level === 0).at(-1)?.width).toBe(112)
    expect(tiles.filter((t) => t.level === 1).map((t) => t.width)).toEqual([256, 17])
    expect(tiles.filter((t) => t.level === 2).map((t) => t.width)).toEqual([1])
  })
})

describe('entry bundles', () => {
  it('round-trip, and refuse a cut or a wrong count', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (entries) => {
        const bundle = encodeBundle(entries)
        expect(decodeBundle(bundle, entries.length)).toEqual(entries)
        expect(() => decodeBundle(bundle, entries.length + 1)).toThrow()
        if (bundle.length > 0) expect(() => decodeBundle(bundle.subarray(1), entries.length)).toThrow()
      }),
      { seed: 7, numRuns: 50 },
    )
  })
})

describe('proofs from tiles', () => {
  const all = entriesOf(520)
  const leaves = all.map(leafHash)

  it('verify for every leaf and size at the edges of tiles, against the recursive definition', async () => {
    for (const size of [1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 513, 520]) {
      const source = memorySource(tileFiles(all.slice(0, size)))
      const root = treeHash(leaves.slice(0, size))
      expect(await rootFromTiles(source, size)).toEqual(root)
      for (const index of new Set([0, 1, size >> 1, size - 2, size - 1].filter((i) => i >= 0 && i < size))) {
        const leaf = leaves[index] as Uint8Array
        const proof = await proveInclusion(source, index, size)
        expect(verifyInclusion(proof, { index, size, leaf, root })).toBe(true)
        expect(verifyInclusion(proof, { index: index + 1, size, leaf, root })).toBe(false)
      }
      for (const oldSize of new Set([1, 2, size >> 1, size - 1, size].filter((n) => n > 0 && n <= size))) {
        const oldRoot = treeHash(leaves.slice(0, oldSize))
        const proof = await proveConsistency(source, oldSize, size)
        expect(verifyConsistency(proof, { oldSize, size, oldRoot, root })).toBe(true)
        if (oldSize < size)
          expect(verifyConsistency(proof, { oldSize, size, oldRoot: root, root })).toBe(false)
      }
    }
  })

  it('any flipped bit, dropped or added hash makes a proof fail', async () => {
    const size = 300
    const source = memorySource(tileFiles(all.slice(0, size)))
    const root = treeHash(leaves.slice(0, size))
    await fc.assert(
      fc.asyncProperty(fc.nat(size - 1), fc.nat(), fc.nat(255), async (index, which, bit) => {
        const proof = await proveInclusion(source, index, size)
        const claim = { index, size, leaf: leaves[index] as Uint8Array, root }
        expect(verifyInclusion(proof, claim)).toBe(true)
        const changed = proof.map((hash) => hash.slice())
        const target = changed[which % changed.length] as Uint8Array
        target[bit >> 3] = (target[bit >> 3] as number) ^ (1 << (bit & 7))
        expect(verifyInclusion(changed, claim)).toBe(false)
        expect(verifyInclusion(proof.slice(1), claim)).toBe(false)
        expect(verifyInclusion([...proof, root], claim)).toBe(false)
      }),
      { seed: 7, numRuns: 60 },
    )
  })

  it('uses the full tile when the partial one is gone, and refuses a short tile', async () => {
    const files = new Map([...tileFiles(all.slice(0, 300)), ...tileFiles(all.slice(0, 512))])
    files.delete('tile/0/001.p/44')
    const now = memorySource(files)
    const root = treeHash(leaves.slice(0, 300))
    const proof = await proveInclusion(now, 299, 300)
    expect(verifyInclusion(proof, { index: 299, size: 300, leaf: leaves[299] as Uint8Array, root })).toBe(
      true,
    )
    const short: TileSource = { read: async (path) => (await now.read(path))?.subarray(0, 100) }
    await expect(proveInclusion(short, 1, 512)).rejects.toMatchObject({ code: 'ERR_LOG_TILE' })
    await expect(proveInclusion(now, 512, 512)).rejects.toMatchObject({ code: 'ERR_LOG_PROOF' })
    await expect(proveConsistency(now, 0, 512)).rejects.toMatchObject({ code: 'ERR_LOG_PROOF' })
  })

  it('the frontier has the root of the recursive definition at every size', () => {
    const frontier = emptyFrontier()
    for (const [i, leaf] of leaves.entries()) {
      appendLeaf(frontier, leaf)
      if (i < 300) expect(frontierRoot(frontier)).toEqual(treeHash(leaves.slice(0, i + 1)))
    }
  })
})

const root = process.env['CTID_CONFORMANCE']

describe.skipIf(root === undefined)('the Tessera log (set CTID_CONFORMANCE to run)', () => {
  const folder = join(root ?? '', 'transparency/tessera-log')
  const file = (path: string) => {
    try {
      return new Uint8Array(readFileSync(join(folder, path)))
    } catch {
      return undefined
    }
  }
  const source: TileSource = { read: async (path) => file(path) }
  const policy = {
    origin: 'example.com/log/testdata',
    logKey: parseNoteKey('example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx'),
    witnesses: [],
    threshold: 0,
  }

  it('has 16 checkpoints that verify, and roots that its tiles and its entries give', async () => {
    for (let size = 0; size <= 15; size++) {
      const checkpoint = await openCheckpoint(
        readFileSync(join(folder, `checkpoint.${size}`), 'utf8'),
        policy,
      )
      expect(checkpoint.size).toBe(size)
      const frontier = emptyFrontier()
      if (size > 0) {
        for await (const { entry } of readEntries(source, { start: 0, end: size }, size)) {
          appendLeaf(frontier, leafHash(entry))
        }
        expect(await rootFromTiles(source, size)).toEqual(checkpoint.root)
      }
      expect(frontierRoot(frontier)).toEqual(checkpoint.root)
    }
  })

  it('has the tiles and bundles that we would write, byte for byte', async () => {
    const entries: Uint8Array[] = []
    for await (const { entry } of readEntries(source, { start: 0, end: 15 }, 15)) entries.push(entry)
    for (let size = 1; size <= 15; size++) {
      for (const [path, bytes] of tileFiles(entries.slice(0, size))) expect(file(path)).toEqual(bytes)
    }
  })
})
