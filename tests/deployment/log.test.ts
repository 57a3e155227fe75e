// A deployment with a log: nothing is acknowledged that the log refused, what waits is logged later, holders prove their
// binding with what they took home, and an auditor without any secret finds it one to one.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { systemRandom, toHex } from '#ctid/base'
import { asProvenKey } from '#ctid/credential'
import { generateSigner, jwkThumbprint } from '#ctid/crypto'
import { ENTRANCE_POLICY, openDeployment } from '#ctid/deployment'
import { syntheticDocuments } from '#ctid/identity'
import { addKeyVersion, dropOldVersions } from '#ctid/registry'
import {
  BINDING_TYPES,
  COSIGNATURE,
  checkLog,
  createWitness,
  encodeEntry,
  memoryWitnessStore,
  noteSigner,
  PERSONAL_TYPES,
  PUBLIC_TYPES,
  parseEntry,
  readEntries,
  verifyCopyReceipt,
  verifyHolderReceipt,
  type WitnessClient,
} from '#ctid/transparency'
import { parseDisclosures } from './disclosures.ts'

const NOW = Date.parse('2026-11-24T03:25:49Z') / 1000
const folder = mkdtempSync(join(tmpdir(), 'ctid-deployment-log-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const people = syntheticDocuments({ seed: 'deployment-log', count: 4 })

const options = (name: string) => ({
  keysFolder: join(folder, name, 'keys'),
  storeUrl: join(folder, name, 'ctid.db'),
  clock: () => NOW,
  random: systemRandom,
  log: { directory: join(folder, name, 'log'), localWitnesses: 3 },
})

/** A witness that answers as long as it is told to, and refuses else. */
function moodyWitness(): WitnessClient & { refuses: boolean; answer?: WitnessClient } {
  const { key } = noteSigner('moody.example', COSIGNATURE, new Uint8Array(32).fill(7))
  const client: WitnessClient & { refuses: boolean; answer?: WitnessClient } = {
    key,
    refuses: false,
    addCheckpoint: async (request) =>
      client.refuses || !client.answer ? { status: 500, body: '' } : client.answer.addCheckpoint(request),
  }
  return client
}

describe('a deployment with a log', () => {
  it('logs copies of several holders in one round, so that a receipt does not tell whose they are', async () => {
    const { log: own, ...rest } = options('mixed')
    const deployment = await openDeployment({ ...rest, log: { ...own, mixSeconds: 1 } })
    const { log } = deployment
    if (!log) throw new Error('no log')
    try {
      const enrolled = await Promise.all(people.slice(0, 2).map((person) => deployment.enrol({ ...person })))
      const issued = await Promise.all(
        enrolled.map(async ({ token, record }) => {
          const keys = await Promise.all([generateSigner(), generateSigner()])
          return deployment.issue(
            token,
            record,
            keys.map(({ publicJwk }) => asProvenKey(publicJwk)),
          )
        }),
      )
      const verified = await Promise.all(
        issued.flat().map(({ credential, holderKey }) => {
          const claim = parseDisclosures(credential).get('log_receipt')
          return verifyCopyReceipt(claim, jwkThumbprint(holderKey), log.policy)
        }),
      )
      expect(new Set(verified.map(({ size }) => size)).size).toBe(1)
      expect(new Set(verified.map(({ index }) => index)).size).toBe(4)
    } finally {
      await deployment.close()
    }
  })

  it('logs ceremony, registration, copies, steps, rotation and trust list, and an auditor finds it one to one', async () => {
    const deployment = await openDeployment(options('whole'))
    const log = deployment.log
    if (!log) throw new Error('no log')
    try {
      const enrolled = await Promise.all(people.map((person) => deployment.enrol({ ...person })))
      const [first] = enrolled
      if (!first) throw new Error('nobody')
      expect(await deployment.holderProof(first.token)).toBeUndefined()
      expect(await log.epoch()).toMatchObject({ number: 1 })
      expect(await log.epoch()).toMatchObject({ number: 1 })

      // The holder verifies with nothing but keys and the receipt.
      const proof = await deployment.holderProof(first.token)
      if (!proof) throw new Error('no proof')
      const policy = { ...log.policy, vrfPublicKey: log.vrfPublicKey }
      expect(policy).toMatchObject({ threshold: 2 })
      await expect(verifyHolderReceipt(proof.claim, proof.receipt, policy)).resolves.toMatchObject({
        epoch: 1,
      })
      const other = { ...proof.claim, token: proof.claim.token.map((byte) => byte ^ 1) }
      await expect(verifyHolderReceipt(other, proof.receipt, policy)).rejects.toMatchObject({
        code: 'ERR_LOG_VRF',
      })

      // Each copy carries the proof that it was logged, and no two copies carry the same.
      const keys = await Promise.all([generateSigner(), generateSigner()])
      const copies = await deployment.issue(
        first.token,
        first.record,
        keys.map(({ publicJwk }) => asProvenKey(publicJwk)),
      )
      const claims = copies.map(({ credential }) => parseDisclosures(credential).get('log_receipt'))
      for (const [i, { holderKey }] of copies.entries()) {
        const thumbprint = jwkThumbprint(holderKey)
        await expect(verifyCopyReceipt(claims[i], thumbprint, log.policy)).resolves.toBeDefined()
        await expect(verifyCopyReceipt(claims[1 - i], thumbprint, log.policy)).rejects.toMatchObject({
          code: 'ERR_LOG_OPENING',
        })
      }

      await deployment.registry.freeze(first.token, { reason: 'holder-request', officer: 'desk-1' })
      await deployment.registry.openRecord(first.token, { reason: 'holder-request', officer: 'desk-1' })
      // What the person takes home: each step, the opening of the record too, is found in the log by its commitment.
      const steps = await deployment.registry.history(first.token)
      expect(steps.map(({ kind }) => kind)).toEqual(['enrolled', 'frozen', 'opened'])
      const logged = new Map<string, string>()
      await checkLog({
        source: log.source,
        policy: log.policy,
        clock: () => NOW,
        onEntry: (_, bytes) => {
          const entry = parseEntry(bytes)
          if (entry.form === 'personal') logged.set(toHex(entry.commitment), entry.type)
        },
      })
      expect(steps.map(({ commitment }) => logged.get(toHex(commitment)))).toEqual([
        'life-cycle',
        'life-cycle',
        'record-access',
      ])
      const next = addKeyVersion(deployment.keyring.registry(), 'token', {
        group: deployment.group,
        random: systemRandom,
      })
      await deployment.keyring.saveRegistry(next)
      await deployment.registry.useKeys(next)
      await deployment.registry.rotate('token')
      await deployment.registry.retire('token')
      await deployment.registry.useKeys(dropOldVersions(next, 'token'))
      await deployment.trustList()
      // Rules, sources and policies are public when they come into use, each once as long as it stays the same.
      for (let i = 0; i < 2; i++) {
        await log.health.published('rule-set', 'rules-1')
        await log.health.published('evidence-source', 'register-1')
        await log.health.counted('lab', 3)
        await log.health.counted('clinic', 5)
        await deployment.verifier()
        await deployment.verifier({ ...ENTRANCE_POLICY, name: 'library' })
      }
      const digest = Buffer.alloc(32, 7).toString('base64url')
      await log.health.personal('status-derivation', 'somebody', digest)
      await log.health.personal('appeal', 'somebody', digest)
      await log.epoch()

      const counts = new Map<string, number>()
      const report = await checkLog({
        source: log.source,
        policy: log.policy,
        clock: () => NOW,
        onEntry: (_, entry) => {
          const { type } = parseEntry(entry)
          counts.set(type, (counts.get(type) ?? 0) + 1)
        },
      })
      expect(report).toMatchObject({ ok: true, alarms: [] })
      expect(Object.fromEntries(counts)).toEqual({
        'key-ceremony': 1,
        registration: 4,
        'life-cycle': 9,
        'record-access': 1,
        'credential-batch': 2,
        'key-rotation': 2,
        replacement: 4,
        'trust-list': 1,
        'rule-set': 1,
        'evidence-source': 1,
        'evidence-count': 2,
        policy: 2,
        'status-derivation': 1,
        appeal: 1,
        epoch: 2,
      })
      // Conversions are written by the departments' own room.
      const missing = [
        ...Object.keys(PUBLIC_TYPES),
        ...Object.keys(PERSONAL_TYPES),
        ...Object.keys(BINDING_TYPES),
      ]
      expect(missing.filter((type) => !counts.has(type))).toEqual(['conversion'])
    } finally {
      await deployment.close()
    }

    // Opened again: the directory is rebuilt from the log, the ceremony is not logged twice, proofs go on.
    const again = await openDeployment(options('whole'))
    try {
      const found = await again.enrol({ ...people[0] }).catch((error: { code: string }) => error.code)
      expect(found).toMatchObject({ status: 'existing' })
      const proof = typeof found === 'string' ? undefined : await again.holderProof(found.token)
      if (!proof || !again.log) throw new Error('no proof')
      expect(proof.claim.version).toBe(2)
      const policy = { ...again.log.policy, vrfPublicKey: again.log.vrfPublicKey }
      await expect(verifyHolderReceipt(proof.claim, proof.receipt, policy)).resolves.toMatchObject({
        epoch: 2,
      })
    } finally {
      await again.close()
    }
  })

  it('acknowledges nothing that the log refused, and logs it later, once', async () => {
    const witness = moodyWitness()
    const { log: _, ...rest } = options('closed')
    const directory = join(folder, 'closed', 'log')
    const deployment = await openDeployment({
      ...rest,
      log: { directory, localWitnesses: 1, witnesses: [], threshold: 0 },
    })
    await deployment.close()
    // From now on one witness in another house must answer, and it does not.
    witness.refuses = true
    const strict = { ...rest, log: { directory, witnesses: [witness], threshold: 1 } }
    const refused = await openDeployment(strict)
    const log = refused.log
    if (!log) throw new Error('no log')
    try {
      await expect(refused.enrol({ ...people[1] })).rejects.toMatchObject({ code: 'ERR_REGISTRY_LOG' })
      await expect(refused.enrol({ ...people[1] })).rejects.toMatchObject({ code: 'ERR_REGISTRY_LOG' })

      const { policy } = log
      witness.answer = createWitness({
        signer: noteSigner('moody.example', COSIGNATURE, new Uint8Array(32).fill(7)),
        logs: [{ origin: policy.origin, keys: [policy.logKey] }],
        store: memoryWitnessStore(),
        clock: () => NOW,
      })
      witness.refuses = false
      expect(await refused.registry.settleLog()).toBe(1)
      expect(await refused.enrol({ ...people[1] })).toMatchObject({
        status: 'existing',
        entry: { logged: true },
      })
      await log.epoch()
      const report = await checkLog({ source: log.source, policy })
      expect(report).toMatchObject({ ok: true })
      const types: string[] = []
      for await (const { entry } of readEntries(log.source, { start: 0, end: report.size }, report.size)) {
        types.push(parseEntry(entry).type)
      }
      // The refused tries kept their place in the tree: one registration, not three.
      expect(types).toEqual(['key-ceremony', 'registration', 'life-cycle', 'epoch'])
    } finally {
      await refused.close()
    }
  })

  it('refuses a second label for a record or a token before it reaches the log', async () => {
    const deployment = await openDeployment(options('second'))
    const log = deployment.log
    if (!log) throw new Error('no log')
    try {
      await deployment.enrol({ ...people[2] })
      const size = (await checkLog({ source: log.source, policy: log.policy })).size
      for (const when of ['before', 'after']) {
        const { value } = await readEntries(log.source, { start: 1, end: 2 }, size).next()
        const binding = parseEntry(value?.entry ?? new Uint8Array())
        if (binding.form !== 'binding') throw new Error('not the binding')
        for (const side of ['recordLabel', 'tokenLabel'] as const) {
          const forged = encodeEntry({ ...binding, [side]: new Uint8Array(32).fill(9) })
          await expect(log.entries.append([forged]), `${side} ${when} an epoch`).rejects.toMatchObject({
            code: 'ERR_LOG_DUPLICATE',
          })
        }
        await log.epoch()
      }
      expect((await checkLog({ source: log.source, policy: log.policy })).ok).toBe(true)
    } finally {
      await deployment.close()
    }
  })
})
