// Guarantee G1 against a real registry: the attacker has every row of every table, every key of the registry but the
// vault's, and k − 1 evaluator shares, knows all but the last digits of a number, and finds nobody. With k shares the same
// search finds the person at once, which shows that it is a real one.
import { createHash, createHmac, getHashes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemRandom, toHex } from '#ctid/base'
import { asProvenKey } from '#ctid/credential'
import { generateSigner, loadSodiumGroup } from '#ctid/crypto'
import { type Deployment, openDeployment } from '#ctid/deployment'
import { canonicalIdentity } from '#ctid/identity'
import { inputElement, sectorPoint, sectorToken } from '#ctid/token'
import { lagrangeAtZero, type Scalar, type Share } from '../../src/crypto/index.ts'
import { residentCheckCharacter } from '../../src/identity/index.ts'
import { openBinding } from '../../src/registry/binding.ts'
import type { SectorKey } from '../../src/registry/keys.ts'

const START = Date.parse('2026-11-24T03:00:00Z') / 1000
const group = await loadSodiumGroup()
const numberOf = (order: number) => {
  const body = `32019919870614${String(order).padStart(3, '0')}`
  return body + residentCheckCharacter(body)
}
const ENROLLED = [42, 137]
const GUESSES = Array.from({ length: 150 }, (_, i) => numberOf(i + 1))
const identityOf = (documentNumber: string) =>
  canonicalIdentity({ documentType: 'resident-id', issuingState: 'CHN', documentNumber })

let folder: string
let system: Deployment
let shares: readonly Share[]
/** Every value of every column of every table, and every point that the binding key opens. */
const loot = new Set<string>()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ctid-attack-'))
  system = await openDeployment({
    keysFolder: join(folder, 'keys'),
    storeUrl: join(folder, 'ctid.db'),
    clock: () => START,
    random: systemRandom,
  })
  for (const order of ENROLLED) {
    const document = { documentType: 'resident-id', documentNumber: numberOf(order), name: '测试·玉英' }
    const { token, record } = await system.enrol(document)
    await system.issue(token, record, [asProvenKey((await generateSigner()).publicJwk)])
  }
  shares = await system.keyring.shares()
  const names = await system.store.rows<{ name: string }>(
    "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'",
  )
  for (const { name } of names) {
    for (const row of await system.store.rows(`select * from ${name}`)) {
      for (const value of Object.values(row))
        loot.add(value instanceof Uint8Array ? toHex(value) : String(value))
    }
  }
  for (const row of await system.store.rows<Bound>(
    'select token, binding, binding_version from registry_by_token',
  )) {
    const sealed = { binding: row.binding, version: row.binding_version }
    const opened = await openBinding(sealed, system.keyring.registry().binding, row.token)
    loot.add(toHex(opened.tokenPoint))
    loot.add(toHex(opened.recordPoint))
  }
})
afterAll(async () => {
  await system.close()
  rmSync(folder, { recursive: true })
})
type Bound = { readonly token: Uint8Array; readonly binding: Uint8Array; readonly binding_version: number }

// What a guess would look like in the tables if K were `key`: points and labels of both sectors.
function traces(guess: string, key: Scalar): string[] {
  const anchor = group.multiply(key, inputElement(group, identityOf(guess)))
  const { token, record } = system.keyring.registry()
  return [...token, ...record].flatMap((sector: SectorKey) => {
    const point = sectorPoint(group, sector.scalar.reveal() as Scalar, anchor)
    const label = sectorToken(sector.mac.reveal(), point, { keyVersion: sector.version })
    return [toHex(anchor), toHex(point), toHex(label)]
  })
}
const search = (key: Scalar) => GUESSES.filter((guess) => traces(guess, key).some((one) => loot.has(one)))
const weighted = (share: Share, quorum: readonly number[]) =>
  group.scalarMultiply(lagrangeAtZero(group, quorum).get(share.id) as Scalar, share.secret)

it('k shares find everybody', () => {
  const [one, two] = shares as [Share, Share, Share]
  const key = group.scalarAdd(weighted(one, [1, 2]), weighted(two, [1, 2]))
  expect(search(key)).toEqual(ENROLLED.map(numberOf))
})

it('k − 1 shares find nobody, as they are or weighted for any quorum', () => {
  const [stolen] = shares as [Share, Share, Share]
  for (const key of [stolen.secret, weighted(stolen, [1, 2]), weighted(stolen, [1, 3])]) {
    expect(search(key)).toEqual([])
  }
})

it('no hash of a guess, plain or under any key of the registry, is in any table', () => {
  const { token, record, binding } = system.keyring.registry()
  const keys = [
    ...[...token, ...record].flatMap(({ mac, scalar }) => [mac.reveal(), scalar.reveal()]),
    ...binding.map(({ key }) => key.reveal()),
    system.keyring.linkKey,
  ]
  const hashes = ['sm3', 'sha256', 'sha1', 'md5'].filter((name) => getHashes().includes(name))
  const found = GUESSES.filter((guess) =>
    [Buffer.from(guess), identityOf(guess)].some((input) =>
      [
        ...hashes.map((name) => createHash(name).update(input).digest('hex')),
        ...keys.map((key) => createHmac('sha256', key).update(input).digest('hex')),
      ].some((digest) => loot.has(digest)),
    ),
  )
  expect(found).toEqual([])
  expect(loot.size).toBeGreaterThan(40)
})
