// Several processes share one key folder: keys are made once, change under services that run, and a process that is
// killed while it replaces them leaves a folder that works.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemRandom, toHex } from '#ctid/base'
import { loadSodiumGroup } from '#ctid/crypto'
import { type Deployment, enrolFile, openDeployment, openKeyring, rotateEvaluators } from '#ctid/deployment'
import { syntheticDocuments } from '#ctid/identity'
import { addKeyVersion, createVaultKey, dropOldVersions } from '#ctid/registry'
import { runRefresh } from '#ctid/token'

const START = Date.parse('2026-11-24T03:00:00Z') / 1000
const documents = syntheticDocuments({ seed: 'folder', count: 6 })
const [first, second] = documents
const group = await loadSodiumGroup()
const officer = 'desk-1'

let folder: string
const opened: Deployment[] = []
const keysFolder = () => join(folder, 'keys')
const open = async () => {
  const deployment = await openDeployment({
    keysFolder: keysFolder(),
    storeUrl: join(folder, 'ctid.db'),
    clock: () => START,
    random: systemRandom,
  })
  opened.push(deployment)
  return deployment
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ctid-folder-'))
})
afterEach(async () => {
  for (const deployment of opened.splice(0)) await deployment.close()
  rmSync(folder, { recursive: true })
})

const refreshed = async ({ keyring }: Deployment) =>
  runRefresh(keyring.keySet(), await keyring.shares(), { group, random: systemRandom })

async function refresh(system: Deployment): Promise<void> {
  const { keySet, shares } = await refreshed(system)
  await system.keyring.saveEvaluators(keySet, shares)
}

async function rotateKey({ keyring, registry }: Deployment, kind: 'token' | 'record' | 'binding') {
  const keys = addKeyVersion(keyring.registry(), kind, { group, random: systemRandom })
  await keyring.saveRegistry(keys)
  await registry.useKeys(keys)
  await registry.rotate(kind)
  await registry.retire(kind)
  const kept = dropOldVersions(keys, kind)
  await registry.useKeys(kept)
  await keyring.saveRegistry(kept)
}

async function rotateVault({ keyring, registry }: Deployment) {
  await keyring.saveVault([...keyring.vault(), createVaultKey(systemRandom)])
  await registry.rotateVault()
  await keyring.saveVault(keyring.vault().slice(-1))
}

it('makes one set of keys, however many begin at once', async () => {
  const options = { group, random: systemRandom, now: START, baseUrl: 'http://localhost:8080' }
  const rings = await Promise.all([1, 2, 3].map(() => openKeyring(keysFolder(), options)))
  const keys = rings.map((ring) => toHex(ring.keySet().groupKey))
  expect(new Set(keys).size).toBe(1)
  expect(new Set(rings.map((ring) => toHex(ring.linkKey))).size).toBe(1)
  expect(existsSync(join(keysFolder(), 'lock'))).toBe(false)
})

it.each([
  ['whose process has ended', JSON.stringify({ pid: 4_194_305, started: '1', id: 'x', host: hostname() })],
  ['that was never written: killed, or the disk was full', ''],
])('a lock %s is taken over', async (_title, left) => {
  mkdirSync(keysFolder())
  writeFileSync(join(keysFolder(), 'lock'), left)
  expect((await (await open()).enrol(first)).status).toBe('created')
})

const changes = [
  ['a refresh of the shares', refresh],
  ['a rotation of the token key', (of: Deployment) => rotateKey(of, 'token')],
  ['a rotation of the record key', (of: Deployment) => rotateKey(of, 'record')],
  ['a rotation of the binding key', (of: Deployment) => rotateKey(of, 'binding')],
  ['a rotation of the vault key', rotateVault],
  ['a rotation of the evaluators’ key', (of: Deployment) => rotateEvaluators(of)],
] as const

it.each(changes)('a service goes on after %s by another process', async (_name, change) => {
  const service = await open()
  const { entry } = await service.enrol(first)
  await change(await open())
  const again = await service.enrol(first)
  expect(again).toMatchObject({ status: 'existing', entry: { id: entry.id } })
  const newcomer = await service.enrol(second)
  expect(newcomer.status).toBe('created')
  // And again, without an enrolment in between that would have read the keys.
  await change(await open())
  const other = await open()
  const { token } = await other.enrol(second)
  expect((await service.registry.lookup(token))?.id).toEqual(newcomer.entry.id)
  for (const one of [service, other]) {
    const because = { reason: 'supervision', officer } as const
    expect(await one.registry.openRecord(token, because)).toMatchObject({ name: second?.name })
  }
  expect(await service.registry.audit({ deep: true })).toMatchObject({ passed: true, entries: 2 })
})

it('a refresh killed between two share files is finished by the next process', async () => {
  const system = await open()
  const { entry } = await system.enrol(first)
  const old = join(folder, 'old')
  cpSync(keysFolder(), old, { recursive: true })
  await refresh(system)
  // What the folder looks like after one of three: all new shares aside, one in place, the key set of before.
  const change = join(keysFolder(), 'evaluator-change')
  mkdirSync(change)
  for (const id of [1, 2, 3]) {
    cpSync(join(keysFolder(), `evaluator-${id}.json`), join(change, `next-${id}.json`))
  }
  cpSync(join(keysFolder(), 'evaluators.json'), join(change, 'next.json'))
  for (const name of ['evaluator-2.json', 'evaluator-3.json', 'evaluators.json']) {
    cpSync(join(old, name), join(keysFolder(), name))
  }
  const next = await open()
  expect(next.keyring.keySet().epoch).toBe(1)
  expect(existsSync(change)).toBe(false)
  expect(await next.enrol(first)).toMatchObject({ status: 'existing', faults: [], entry: { id: entry.id } })
  // The service of before, too.
  expect(await system.enrol(first)).toMatchObject({ status: 'existing', entry: { id: entry.id } })
})

it('of two that rotate one key, the second is told so and loses nothing', async () => {
  const [one, two] = [await open(), await open()]
  await one.enrol(first)
  await rotateKey(one, 'token')
  const kept = readFileSync(join(keysFolder(), 'registry.json'), 'utf8')
  await expect(rotateKey(two, 'token')).rejects.toMatchObject({ code: 'ERR_DEPLOYMENT_LOCKED' })
  expect(readFileSync(join(keysFolder(), 'registry.json'), 'utf8')).toBe(kept)
  const late = await refreshed(two)
  await refresh(one)
  await expect(two.keyring.saveEvaluators(late.keySet, late.shares)).rejects.toMatchObject({
    code: 'ERR_DEPLOYMENT_LOCKED',
  })
  expect(await two.enrol(first)).toMatchObject({ status: 'existing' })
})

it('enrols in bulk while the evaluators’ key is rotated', async () => {
  const system = await open()
  const { entry } = await system.enrol(first)
  const killed = () => {
    throw new RangeError('killed')
  }
  await expect(rotateEvaluators(system, { onProgress: killed })).rejects.toThrow(RangeError)
  const file = join(folder, 'people.jsonl')
  writeFileSync(file, documents.map((one) => `${JSON.stringify(one)}\n`).join(''))
  const options = { file, workers: 1, warmSeconds: 0 } as const
  for (const prove of ['all', 'sampled'] as const) {
    rmSync(`${file}.checkpoint`, { force: true })
    await enrolFile(system, { ...options, prove })
  }
  await rotateEvaluators(system)
  for (const one of documents) expect((await system.enrol(one)).status).toBe('existing')
  expect((await system.enrol(first)).entry.id).toEqual(entry.id)
  expect(await system.registry.audit({ deep: true })).toMatchObject({ passed: true, entries: 6 })
})
