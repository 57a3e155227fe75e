// Copies outlive keys: what was issued before the keys were rotated is still found, frozen, revoked and superseded
// after, shown end to end by codes that verifiers accepted before.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemRandom, toHex } from '#ctid/base'
import { asProvenKey } from '#ctid/credential'
import { generateSigner, type Point, type Signer } from '#ctid/crypto'
import { type Deployment, openDeployment, rotateEvaluators } from '#ctid/deployment'
import { canonicalIdentity, parseLegalRecord, syntheticDocuments } from '#ctid/identity'
import type { IssuedCopy } from '#ctid/issuer'
import { makeCode } from '#ctid/qr'
import { addKeyVersion, dropOldVersions } from '#ctid/registry'
import { deriveAnchors } from '#ctid/token'
import { verifyCode } from '#ctid/verifier'

const START = Date.parse('2026-11-24T03:00:00Z') / 1000
const [document, second, passport] = syntheticDocuments({ seed: 'rotation', count: 3 })
const officer = 'desk-1'

let folder: string
let now: number
let system: Deployment
const open = () =>
  openDeployment({
    keysFolder: join(folder, 'keys'),
    storeUrl: join(folder, 'ctid.db'),
    clock: () => now,
    random: systemRandom,
  })
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ctid-rotation-'))
  now = START
  system = await open()
})
afterEach(async () => {
  await system.close()
  rmSync(folder, { recursive: true })
})

type Held = { readonly copy: IssuedCopy; readonly holder: Signer }

async function issue(token: Uint8Array, of: unknown): Promise<Held> {
  const { record } = await system.enrol(of)
  const holder = await generateSigner()
  const [copy] = await system.issue(token, record, [asProvenKey(holder.publicJwk)])
  if (!copy) throw new Error('no copy')
  return { copy, holder }
}

// What a gate answers to a code made now: "accepted", or why not. The gate has fetched the newest list.
async function atGate({ copy, holder }: Held): Promise<string> {
  now += 3600
  const { ok, code } = await verifyCode(
    await makeCode(copy.attestation, holder, { now }),
    await system.verifier(),
  )
  return ok ? 'accepted' : String(code)
}

async function rotateKey(kind: 'token' | 'record'): Promise<void> {
  const keys = addKeyVersion(system.keyring.registry(), kind, { group: system.group, random: systemRandom })
  await system.keyring.saveRegistry(keys)
  await system.registry.useKeys(keys)
  await system.registry.rotate(kind)
  await system.registry.retire(kind)
  const kept = dropOldVersions(keys, kind)
  await system.registry.useKeys(kept)
  await system.keyring.saveRegistry(kept)
}

const rotations = [
  ['the token key', () => rotateKey('token')],
  ['the record key', () => rotateKey('record')],
  ['the evaluators’ key', () => rotateEvaluators(system)],
] as const

describe.each(rotations)('copies issued before a rotation of %s', (_name, rotate) => {
  it('are frozen, thawed and revoked after it', async () => {
    const { token } = await system.enrol(document)
    const held = await issue(token, document)
    const bystander = await issue((await system.enrol(second)).token, second)
    expect(await atGate(held)).toBe('accepted')

    await rotate()
    const { token: present, status } = await system.enrol(document)
    expect(status).toBe('existing')
    const later = await issue(present, document)
    expect([await atGate(held), await atGate(later)]).toEqual(['accepted', 'accepted'])

    await system.registry.freeze(present, { reason: 'device-lost', officer })
    await system.followState(present)
    expect(await atGate(held)).toBe('ERR_VERIFIER_SUSPENDED')
    await expect(issue(present, document)).rejects.toMatchObject({ code: 'ERR_ISSUER_REVOKED' })
    await system.registry.unfreeze(present, { reason: 'holder-request', officer })
    await system.followState(present)
    expect(await atGate(held)).toBe('accepted')

    await system.registry.revoke(present, { reason: 'holder-request', officer })
    await system.followState(present)
    expect([await atGate(held), await atGate(later)]).toEqual([
      'ERR_VERIFIER_REVOKED',
      'ERR_VERIFIER_REVOKED',
    ])
    expect(await atGate(bystander)).toBe('accepted')
  })
})

it('a document that replaces another revokes the copies of the other, and not its own', async () => {
  const { token } = await system.enrol(document)
  const held = await issue(token, document)
  await rotateKey('token')
  const present = (await system.enrol(document)).token
  const record = parseLegalRecord(passport, { now })
  const { anchors } = await deriveAnchors([canonicalIdentity(record)], {
    evaluators: await system.evaluators(),
    keySet: system.keyring.keySet(),
    group: system.group,
    random: systemRandom,
  })
  const anchor = anchors[0] as Point
  const change = { anchor, record, reason: 'document-replaced', officer } as const
  const successor = await system.registry.replace(present, change)
  await system.followState(present)
  expect(await atGate(held)).toBe('ERR_VERIFIER_REVOKED')
  await expect(issue(present, document)).rejects.toMatchObject({ code: 'ERR_ISSUER_REVOKED' })
  expect(await atGate(await issue(successor.token, passport))).toBe('accepted')
})

it('a state that the ledger was not told of yet stops issuing all the same', async () => {
  const { token } = await system.enrol(document)
  await system.registry.freeze(token, { reason: 'court-order', officer })
  await expect(issue(token, document)).rejects.toMatchObject({ code: 'ERR_ISSUER_REVOKED' })
  await expect(system.followState(new Uint8Array(32))).rejects.toMatchObject({ code: 'ERR_REGISTRY_TOKEN' })
})

it('of two steps that are carried over at once the later one has the last word', async () => {
  const { token } = await system.enrol(document)
  const held = await issue(token, document)
  await system.registry.freeze(token, { reason: 'device-lost', officer })
  await system.followState(token)
  await system.registry.unfreeze(token, { reason: 'holder-request', officer })
  // The thaw was read and is on its way to the issuer when the card is frozen again, and that is carried over first.
  const { setState } = system.issuing
  const spy = vi.spyOn(system.issuing, 'setState').mockImplementationOnce(async (id, state) => {
    await system.registry.freeze(token, { reason: 'device-lost', officer })
    await system.followState(token)
    return setState(id, state)
  })
  await system.followState(token)
  spy.mockRestore()
  expect(await atGate(held)).toBe('ERR_VERIFIER_SUSPENDED')
})

describe('a rotation of the evaluators’ key that is killed', () => {
  const file = (name: string) => join(folder, 'keys', name)
  const secrets = () =>
    [1, 2, 3].map((id) => JSON.parse(readFileSync(file(`evaluator-${id}.json`), 'utf8')).secret)

  it('goes on in the next process with the same shares; people enrol meanwhile', async () => {
    const known = await system.enrol(document)
    const before = secrets()
    const killed = rotateEvaluators(system, {
      onProgress: () => {
        throw new RangeError('killed')
      },
    })
    await expect(killed).rejects.toThrow(RangeError)
    expect(existsSync(file('evaluator-rotation/next.json'))).toBe(true)
    await system.close()
    system = await open()
    const newcomer = await system.enrol(second)
    expect(newcomer.status).toBe('created')
    expect(await system.enrol(document)).toMatchObject({ status: 'existing', entry: { id: known.entry.id } })
    expect(secrets()).toEqual(before)

    expect(await rotateEvaluators(system)).toMatchObject({ version: 2, retired: true, faults: [] })
    expect(secrets().some((secret) => before.includes(secret))).toBe(false)
    expect(existsSync(file('evaluator-rotation'))).toBe(false)
    await system.close()
    system = await open()
    expect(await system.enrol(document)).toMatchObject({ status: 'existing', entry: { id: known.entry.id } })
    expect(await system.enrol(second)).toMatchObject({ status: 'existing', entry: { id: newcomer.entry.id } })
    expect(await system.registry.audit({ deep: true })).toMatchObject({ passed: true, entries: 2 })
    // And once more, from the new key.
    expect(await rotateEvaluators(system)).toMatchObject({ version: 3, done: 2, retired: true })
    expect(toHex((await system.enrol(document)).entry.id)).toBe(toHex(known.entry.id))
  })

  it('after the former key was retired: run again, or started again, the next key is taken over', async () => {
    await system.enrol(document)
    const withoutEnd = () => {
      const keyring = { ...system.keyring, finishRotation: async () => {} }
      return rotateEvaluators({ ...system, keyring })
    }
    await withoutEnd()
    expect(system.keyring.keySet().version).toBe(1)
    expect(await rotateEvaluators(system)).toMatchObject({ version: 2, done: 0, retired: true })
    await withoutEnd()
    // As after a crash between two share files.
    writeFileSync(file('evaluator-rotation/retired'), '')
    await system.close()
    system = await open()
    expect(system.keyring.keySet().version).toBe(3)
    expect(existsSync(file('evaluator-rotation'))).toBe(false)
    expect(await system.enrol(document)).toMatchObject({ status: 'existing' })
  })
})
