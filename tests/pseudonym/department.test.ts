// What departments keep: one row a person, nothing joinable, keys that can change without people.
import { beforeAll, describe, expect, test } from 'vitest'
import { CtidError, equalBytes, fromBase64url, toBase64url, utf8 } from '#ctid/base'
import { type Group, loadSodiumGroup, type Point, type Signer } from '#ctid/crypto'
import {
  ANCHOR,
  convertBatch,
  createTrustee,
  type DepartmentKeys,
  type DepartmentRow,
  departmentTable,
  enrolInAudit,
  extendCeremony,
  legacyBpk,
  legacySourcePinBlock,
  makeDirectory,
  makeRequest,
  memoryJournal,
  openPseudonym,
  publishReceiverKey,
  receive,
  rekeyPseudonym,
  type SectorEntry,
  type StoredPseudonym,
  storePseudonym,
  trusteeShares,
  verifierIdentifier,
  verifierKey,
} from '#ctid/pseudonym'
import { makeWorld, NOW, openAll, oracle, seededRandom, syntheticAnchors, type World } from './world.ts'

let group: Group
let world: World
const random = seededRandom('department')
beforeAll(async () => {
  group = await loadSodiumGroup()
  world = await makeWorld(group, { seed: 'department' })
})

const keysOf = (sector: string, version = 1): DepartmentKeys => ({
  sector,
  version,
  index: random(32),
  seal: random(32),
})

describe('a department table', () => {
  test('has one row a person, natural or legal', async () => {
    const table = departmentTable<{ name: string }>(keysOf('market'), { random })
    const [person] = syntheticAnchors(group, 1, 'person') as [Point]
    const [company] = syntheticAnchors(group, 1, 'company') as [Point]
    const points = [person, company].map((anchor) => oracle(world, anchor, 'market')) as [Point, Point]
    expect(await table.add(points[0], { name: 'licence 1' })).toBe('created')
    expect(await table.add(points[1], { name: 'licence 2' })).toBe('created')
    expect(await table.add(points[0], { name: 'again' })).toBe('existing')
    expect(table.size).toBe(2)
    expect(table.get(points[0])).toEqual({ name: 'licence 1' })
    const restored = departmentTable(keysOf('market'), { random, stored: table.rows() })
    expect(restored.size).toBe(2)
    expect(() =>
      departmentTable(keysOf('market'), { random, stored: [...table.rows(), ...table.rows()] }),
    ).toThrow(CtidError)
  })

  test('opens for its own keys only, and a row cannot be moved to another index', async () => {
    const keys = keysOf('health')
    const [a, b] = syntheticAnchors(group, 2) as [Point, Point]
    const [first, second] = [
      await storePseudonym(a, keys, { random }),
      await storePseudonym(b, keys, { random }),
    ]
    expect(await openPseudonym(group, first, keys)).toEqual(a)
    await expect(openPseudonym(group, { ...first, index: second.index }, keys)).rejects.toThrow(CtidError)
    await expect(openPseudonym(group, first, { ...keys, sector: 'civil' })).rejects.toThrow(CtidError)
    await expect(openPseudonym(group, first, keysOf('health'))).rejects.toThrow(CtidError)
  })

  test('changes its storage keys row by row, without trustees and without people', async () => {
    const [from, to] = [keysOf('health', 1), keysOf('health', 2)]
    const [point] = syntheticAnchors(group, 1) as [Point]
    const old = await storePseudonym(point, from, { random })
    const renewed = await rekeyPseudonym(group, old, { from, to }, { random })
    expect(renewed.index).not.toBe(old.index)
    expect(await openPseudonym(group, renewed, to)).toEqual(point)
  })

  test('changes them for the whole table, also when killed in the middle, and serves everybody meanwhile', async () => {
    const [first, second] = [keysOf('health', 1), keysOf('health', 2)]
    const points = syntheticAnchors(group, 7, 'rekeyed')
    const before = departmentTable<number>(first, { random })
    for (const [i, point] of points.entries()) await before.add(point, i)
    const disk = new Map([...before.rows()].map((stored) => [stored.index, stored]))
    const open = () => departmentTable<number>(second, { random, stored: disk.values(), earlier: [first] })
    const write = ({ old, renewed }: { old: DepartmentRow<number>; renewed: DepartmentRow<number> }) => {
      disk.delete(old.index)
      disk.set(renewed.index, renewed)
    }

    let done = 0
    for await (const change of open().rekey(group)) {
      if (done++ === 3) break // killed: this change was never written
      write(change)
    }
    expect([...disk.values()].map(({ version }) => version).sort()).toEqual([1, 1, 1, 1, 2, 2, 2])
    const half = open()
    expect(points.map((point) => half.get(point))).toEqual([0, 1, 2, 3, 4, 5, 6])
    for (const point of points) expect(await half.add(point, 99)).toBe('existing')

    for await (const change of half.rekey(group)) write(change)
    const after = departmentTable<number>(second, { random, stored: disk.values() })
    expect(points.map((point) => after.get(point))).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(() => departmentTable(second, { random, stored: before.rows() })).toThrow(CtidError)
  })
})

describe('two leaked tables', () => {
  test('joined by every column they hold, in every encoding, match no better than chance', async () => {
    const people = 200
    const anchors = syntheticAnchors(group, people)
    // Everybody comes to both departments in the same order; who is who is known here from the points alone.
    const dump = async (sector: string): Promise<{ rows: StoredPseudonym[]; people: number[] }> => {
      const table = departmentTable<number>(keysOf(sector), { random })
      for (const [i, anchor] of anchors.entries()) await table.add(oracle(world, anchor, sector), i)
      const rows = [...table.rows()]
      return { rows: rows.map(({ row: _, ...kept }) => kept), people: rows.map(({ row }) => row) }
    }
    const [left, right] = [await dump('health'), await dump('transport')]
    // By the place in the table alone.
    const samePlace = left.people.filter((person, i) => right.people[i] === person).length
    expect(samePlace).toBeLessThan(8)
    // Nothing but these columns is kept, and the version is the same for all.
    expect(Object.keys(left.rows[0] ?? {}).sort()).toEqual(['index', 'sealed', 'version'])
    const inOneOrder = ({ rows, people }: typeof left) =>
      people.map((person, i) => [person, rows[i] as StoredPseudonym] as const).sort(([a], [b]) => a - b)
    const [health, transport] = [left, right].map((table) => inOneOrder(table).map(([, row]) => row)) as [
      StoredPseudonym[],
      StoredPseudonym[],
    ]
    const columns = (rows: StoredPseudonym[]): Uint8Array[][] => [
      rows.map(({ index }) => fromBase64url(index)),
      rows.map(({ sealed }) => sealed),
      rows.map(({ sealed }) => sealed.subarray(0, 12)),
      rows.map(({ sealed }) => sealed.subarray(12, 44)),
      rows.map(({ sealed }) => sealed.subarray(44)),
    ]
    for (const ours of columns(health)) {
      for (const theirs of columns(transport)) {
        // Exact join: no value appears on both sides.
        const values = new Set(ours.map(toBase64url))
        expect(theirs.filter((value) => values.has(toBase64url(value))).length).toBe(0)
        // Nearest join by Hamming distance, and by rank: as many true pairs as blind guessing gives (1 expected of 200).
        expect(nearestMatches(ours, theirs)).toBeLessThan(8)
        expect(rankMatches(ours, theirs)).toBeLessThan(8)
      }
    }
    // The measures are able to find a join where there is one.
    expect(nearestMatches(columns(health)[0] as Uint8Array[], columns(health)[0] as Uint8Array[])).toBe(
      people,
    )
    expect(rankMatches(columns(health)[0] as Uint8Array[], columns(health)[0] as Uint8Array[])).toBe(people)
  })

  test('with both departments’ keys as well: still no point in common', () => {
    const anchors = syntheticAnchors(group, 50)
    const health = new Set(anchors.map((anchor) => toBase64url(oracle(world, anchor, 'health'))))
    expect(anchors.some((anchor) => health.has(toBase64url(oracle(world, anchor, 'transport'))))).toBe(false)
  })
})

describe('rotation of a whole department', () => {
  test('to a new sector key: blindly, without plaintext, equal to fresh enrolment, also killed in the middle', async () => {
    const anchors = syntheticAnchors(group, 4, 'rotated')
    const payloads = anchors.map(() => group.multiplyBase(group.randomScalar(random)))
    await enrolInAudit(await world.request(ANCHOR, 'audit', anchors, { payloads }), world.gateway())
    const ceremony = extendCeremony(group, world.ceremony, {
      sectors: ['health.2'],
      pairs: [['health', 'health.2']],
      random,
    })
    const secret = group.randomScalar(random)
    const signer = (world.signers.get('health') as Signer).publicJwk
    const directory = makeDirectory(group, ceremony, {
      audit: 'audit',
      log: world.directory.log,
      epochSeconds: world.directory.epochSeconds,
      authorities: world.directory.authorities,
      parties: new Map<string, Omit<SectorEntry, 'commitment'>>([
        ...world.directory.sectors,
        ['health.2', { ...publishReceiverKey(group, 'health.2', secret, { random }), signer }],
      ]),
    })
    const clock = () => NOW
    const trustees = [1, 2].map((id) =>
      createTrustee(group, {
        id,
        directory,
        shares: trusteeShares(ceremony, id),
        journal: memoryJournal(),
        clock,
        random,
      }),
    )
    const log = world.openLog(memoryJournal([...world.logJournal.records]))
    const [oldKeys, newKeys] = [keysOf('health'), keysOf('health.2')]
    const old = departmentTable<number>(oldKeys, { random })
    for (const [i, anchor] of anchors.entries()) await old.add(oracle(world, anchor, 'health'), i)
    const renewed = departmentTable<number>(newKeys, { random })
    // Two rows at a time. Each sends its old index along to itself, so that the shuffle does not lose it.
    const rotate = async ({ isKilled }: { isKilled: boolean }): Promise<void> => {
      const some = [...old.rows()].slice(0, 2)
      const grant = await world.grant('health', 'health.2', {
        purpose: { code: 'rotation', text: { en: 'New key' } },
      })
      const batch = await makeRequest(
        group,
        await Promise.all(some.map((row) => openPseudonym(group, row, oldKeys))),
        {
          directory,
          grant,
          payloads: some.map(({ index }) => utf8(index)),
          signer: world.signers.get('health') as Signer,
          nowSeconds: NOW,
          random,
        },
      )
      const { deliveries } = await convertBatch(group, batch, {
        directory,
        trustees,
        log,
        nowSeconds: NOW,
        random,
      })
      if (isKilled) return
      for (const { point, payload } of await receive(group, secret, deliveries, { to: 'health.2' })) {
        const row = old.take(new TextDecoder().decode(payload))
        if (row !== undefined) await renewed.add(point, row)
      }
    }
    await rotate({ isKilled: false })
    // Converted, and killed before anything was written: the rows are still in the old table, and come again.
    await rotate({ isKilled: true })
    expect([old.size, renewed.size]).toEqual([2, 2])
    while (old.size > 0) await rotate({ isKilled: false })
    const scalar = openAll(group, ceremony.sectors.get('health.2')?.shares ?? [])
    expect(anchors.map((anchor) => renewed.get(group.multiply(scalar, anchor)))).toEqual([0, 1, 2, 3])
  })
})

describe('per-verifier identifiers', () => {
  test('recognise a returning citizen at one service, and nobody at another', () => {
    const master = random(32)
    const [a, b] = syntheticAnchors(group, 2).map((anchor) => oracle(world, anchor, 'civil')) as [
      Point,
      Point,
    ]
    const library = verifierKey(master, 'https://library.example')
    const bank = verifierKey(master, 'https://bank.example')
    expect(verifierIdentifier(library, a)).toEqual(verifierIdentifier(library, a))
    expect(verifierIdentifier(library, a).length).toBe(32)
    expect(equalBytes(verifierIdentifier(library, a), verifierIdentifier(library, b))).toBe(false)
    expect(equalBytes(verifierIdentifier(library, a), verifierIdentifier(bank, a))).toBe(false)
  })
})

describe('legacy: Austrian bPK, for comparison', () => {
  // Published: the register's example for BW, and the Federal Chancellery's SHA-1 example. SA and GH: same formula.
  test.each([
    ['Qq03dPrgcHsx3G0lKSH6SQ==', 'BW', 'j/NxdRQhp+tNyE9WhHdBSYuy3hA='],
    ['MDEyMzQ1Njc4OWFiY2RIZg==', 'BW', 'XNV5ThCj5OwJR0oOcWmK4WUs5p4='],
    ['Qq03dPrgcHsx3G0lKSH6SQ==', 'SA', 'Xcd0Rg71oIx2vonv/3CV8YF/mMg='],
    ['Qq03dPrgcHsx3G0lKSH6SQ==', 'GH', '35hSLIcljwICeJUHggTxhg0P6r0='],
  ])('%s in %s', (sourcePin, sector, bpk) => {
    expect(legacyBpk(sourcePin, sector)).toBe(bpk)
  })

  test('block of the source PIN', () => {
    const block = legacySourcePinBlock('000247681888', 0xff)
    expect(Buffer.from(block).toString('hex')).toBe('000ec35360ff000ec35360000ec35360')
  })

  test('malformed input is refused', () => {
    expect(() => legacyBpk('short', 'BW')).toThrow(CtidError)
    expect(() => legacyBpk('Qq03dPrgcHsx3G0lKSH6SQ==', 'bw')).toThrow(CtidError)
    expect(() => legacySourcePinBlock('12', 0)).toThrow(CtidError)
    expect(() => legacySourcePinBlock('000247681888', 256)).toThrow(CtidError)
  })
})

/** How many rows of `left` have their true partner as the nearest row of `right`. */
function nearestMatches(left: readonly Uint8Array[], right: readonly Uint8Array[]): number {
  const distance = (a: Uint8Array, b: Uint8Array): number => {
    let bits = 0
    for (let i = 0; i < a.length; i++) {
      for (let x = (a[i] as number) ^ (b[i] ?? 0); x > 0; x >>= 1) bits += x & 1
    }
    return bits
  }
  return left.filter((a, i) => {
    const distances = right.map((b) => distance(a, b))
    return distances.indexOf(Math.min(...distances)) === i
  }).length
}

/** How many rows have the same rank when both columns are sorted. */
function rankMatches(left: readonly Uint8Array[], right: readonly Uint8Array[]): number {
  const order = (column: readonly Uint8Array[]): number[] =>
    column.map((_, i) => i).sort((a, b) => Buffer.compare(column[a] as Uint8Array, column[b] as Uint8Array))
  const [a, b] = [order(left), order(right)]
  return a.filter((row, rank) => row === b[rank]).length
}
