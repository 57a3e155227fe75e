// From proven keys to copies, from a subject to the status of all its copies, over memory and over a database.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  acceptCredential,
  CTID_FILE,
  checkKeyProof,
  ctidFileClaims,
  makeKeyProof,
  type ProvenKey,
  presentCredential,
} from '#ctid/credential'
import {
  createStatusPublisher,
  type IssuerDeps,
  type IssuerLedger,
  issueCopies,
  issuerMigrations,
  memoryLedger,
  setCopyState,
  storeLedger,
} from '#ctid/issuer'
import { parseAttestation } from '#ctid/qr'
import { createStatusChecker } from '#ctid/status'
import { migrate, openSqlite, type Store } from '#ctid/store'
import { trustListResolver } from '#ctid/trust'
import { DAY, systemRandom, toHex } from '../../src/base/index.ts'
import { generateSigner, type Signer } from '../../src/crypto/index.ts'
import { keyId, type TrustList } from '../../src/trust/index.ts'

const NOW = Date.parse('2026-11-24T03:25:49Z') / 1000
const BASE = 'https://issuer.example/status/'
const ID = 'https://issuer.example'
const signer = await generateSigner()
const kid = keyId(signer.publicJwk)
const list: TrustList = {
  version: 1,
  issuedAt: NOW - DAY,
  expiresAt: NOW + 300 * DAY,
  issuers: [
    {
      id: ID,
      name: { en: 'Example issuer', zh: '示例签发机构' },
      region: '330000',
      purposes: ['identity'],
      keys: [{ kid, jwk: signer.publicJwk, notBefore: NOW - DAY, notAfter: NOW + 300 * DAY }],
      statusListBase: BASE,
    },
  ],
  recognition: [],
}
const subject = ctidFileClaims(
  { documentType: 'resident-id', issuingState: 'CHN', name: '测试·玉英', birthDate: '1949-12-31', sex: 2 },
  { now: NOW },
)
const request = (subjectId: Uint8Array) => ({
  subjectId,
  profile: CTID_FILE,
  subject,
  attestation: { kind: 'person', assurance: 'substantial' } as const,
})

const folder = mkdtempSync(join(tmpdir(), 'ctid-issuer-'))
const stores: Store[] = []
afterAll(async () => {
  for (const store of stores) await store.close()
  rmSync(folder, { recursive: true })
})

async function sqliteLedger(): Promise<IssuerLedger> {
  const store = await openSqlite(join(folder, `${stores.length}.db`))
  stores.push(store)
  await migrate(store, [issuerMigrations])
  return storeLedger(store, { random: systemRandom, listSize: 256, fill: 0.5 })
}
const memory = async () => memoryLedger({ random: systemRandom, listSize: 256, fill: 0.5 })

function depsOf(ledger: IssuerLedger): IssuerDeps {
  return {
    key: { signer, kid },
    issuerId: ID,
    statusListBase: BASE,
    ledger,
    linkKey: new Uint8Array(32).fill(9),
    clock: () => NOW,
    random: systemRandom,
  }
}

async function wallet(count: number): Promise<{ signers: Signer[]; keys: ProvenKey[] }> {
  const signers = await Promise.all(Array.from({ length: count }, () => generateSigner()))
  const keys = await Promise.all(
    signers.map(async (key) =>
      checkKeyProof(await makeKeyProof(key, { issuer: ID, nonce: 'n1', now: NOW }), {
        expectedIssuer: ID,
        expectedNonce: 'n1',
        now: NOW,
      }),
    ),
  )
  return { signers, keys }
}

it('puts as many digests into every copy, so that their number does not tell what the document has', async () => {
  const deps = depsOf(await memory())
  const { region: _region, ...without } = subject
  const more = { ...subject, document_expiry: '2040-01-01', sex: 1 }
  const counts = await Promise.all(
    [without, subject, more].map(async (claims) => {
      const [copy] = await issueCopies(
        { ...request(systemRandom(16)), subject: claims },
        (await wallet(1)).keys,
        deps,
      )
      const [, payload = ''] = copy?.credential.split('.') ?? []
      const { _sd: digests } = JSON.parse(Buffer.from(payload, 'base64url').toString())
      expect(digests).toEqual(digests.toSorted())
      return new Set(digests).size
    }),
  )
  expect(new Set(counts)).toEqual(new Set([14]))
})

describe.each([
  ['memory', memory],
  ['sqlite', sqliteLedger],
] as const)('issuing over %s', (_name, makeLedger) => {
  it('makes copies that verify, share nothing, and fall together', async () => {
    const ledger = await makeLedger()
    const deps = depsOf(ledger)
    const now = { value: NOW }
    const publisher = createStatusPublisher({
      ledger,
      key: deps.key,
      statusListBase: BASE,
      clock: () => now.value,
      listSize: 256,
      ttlSeconds: 60,
    })
    const checker = createStatusChecker({
      clock: () => now.value,
      fetchToken: async (uri) => (await publisher.token(Number(uri.slice(BASE.length))))?.token ?? '',
    })
    const subjectId = systemRandom(16)
    const { signers, keys } = await wallet(5)
    const copies = await issueCopies(request(subjectId), keys, deps)
    const [other] = await issueCopies(request(systemRandom(16)), (await wallet(1)).keys, deps)

    const verify = async (copy: (typeof copies)[number], holder: Signer) => {
      const text = await presentCredential(copy.credential, {
        disclose: [['age_equal_or_over', '65']],
        binding: { holder, audience: 'gate', nonce: 'x', now: now.value },
      })
      return await acceptCredential(text, {
        now: now.value,
        resolveIssuer: trustListResolver(list, { purpose: 'identity' }),
        expectedTypes: [CTID_FILE.vct],
        keyBinding: { expectedAudience: 'gate', expectedNonce: 'x' },
        checkStatus: (reference, issuer) => checker.check(reference, issuer),
      })
    }
    for (const [i, copy] of copies.entries()) {
      const { claims } = await verify(copy, signers[i] as Signer)
      expect(claims['age_equal_or_over']).toEqual({ 65: true })
      const attestation = parseAttestation(copy.attestation)
      expect(attestation.status).toEqual(copy.status)
      expect(toHex(attestation.kid)).toBe(kid)
    }
    // G4: nothing but the day, the type and the issuer is equal between two copies.
    const bits = copies.map((copy) => [
      copy.status.index,
      toHex(parseAttestation(copy.attestation).handle),
      ...copy.credential.split('~').slice(1, -1),
    ])
    expect(new Set(bits.flat()).size).toBe(bits.flat().length)
    // The subject's name is in nothing that leaves.
    for (const copy of copies) {
      expect(copy.credential).not.toContain(toHex(subjectId))
      expect(toHex(copy.attestation)).not.toContain(toHex(subjectId))
    }

    expect(await setCopyState(subjectId, 'suspended', deps)).toBe(5)
    await expect(issueCopies(request(subjectId), (await wallet(1)).keys, deps)).rejects.toMatchObject({
      code: 'ERR_ISSUER_REVOKED',
    })
    now.value += 61
    for (const [i, copy] of copies.entries()) {
      await expect(verify(copy, signers[i] as Signer)).rejects.toMatchObject({ code: 'ERR_STATUS_SUSPENDED' })
    }
    expect(await setCopyState(subjectId, 'valid', deps)).toBe(5)
    publisher.changed()
    now.value += 61
    await verify(copies[0] as (typeof copies)[number], signers[0] as Signer)

    await setCopyState(subjectId, 'revoked', deps)
    now.value += 61
    await expect(verify(copies[4] as (typeof copies)[number], signers[4] as Signer)).rejects.toMatchObject({
      code: 'ERR_STATUS_REVOKED',
    })
    await expect(setCopyState(subjectId, 'valid', deps)).rejects.toMatchObject({ code: 'ERR_ISSUER_REVOKED' })
    // Somebody else's copy is untouched.
    expect((await ledger.statuses(0)).map((one) => one.index)).not.toContain(other?.status.index)
  })

  it('a revocation that comes in the middle of thawing is for good', async () => {
    const ledger = await makeLedger()
    const deps = depsOf(ledger)
    const subjectId = systemRandom(16)
    const copies = await issueCopies(request(subjectId), (await wallet(3)).keys, deps)
    await setCopyState(subjectId, 'suspended', deps)
    // Stopped where the subject is valid again and its places are still to come.
    const thawing: IssuerDeps = {
      ...deps,
      ledger: {
        ...ledger,
        entries: async (label) => {
          await setCopyState(subjectId, 'revoked', deps)
          return ledger.entries(label)
        },
      },
    }
    await setCopyState(subjectId, 'valid', thawing)
    const statuses = new Map((await ledger.statuses(0)).map(({ index, status }) => [index, status]))
    expect(copies.map(({ status }) => statuses.get(status.index))).toEqual([1, 1, 1])
    await expect(setCopyState(subjectId, 'valid', deps)).rejects.toMatchObject({ code: 'ERR_ISSUER_REVOKED' })
    await expect(issueCopies(request(subjectId), (await wallet(1)).keys, deps)).rejects.toMatchObject({
      code: 'ERR_ISSUER_REVOKED',
    })
  })

  it('gives every place once, under concurrency, over several lists', async () => {
    const ledger = await makeLedger()
    const all = (await Promise.all(Array.from({ length: 40 }, () => ledger.allocate(8)))).flat()
    expect(new Set(all.map(({ list: number, index }) => `${number}/${index}`)).size).toBe(320)
    expect(await ledger.newestList()).toBe(2)
    await expect((async () => ledger.allocate(129))()).rejects.toMatchObject({ code: 'ERR_STATUS_FULL' })
  })

  it('forgets links whose copies have expired, and only those', async () => {
    const ledger = await makeLedger()
    const deps = depsOf(ledger)
    const subjectId = systemRandom(16)
    await issueCopies(
      { ...request(subjectId), documentExpiresAt: NOW + 10 * DAY },
      (await wallet(2)).keys,
      deps,
    )
    await issueCopies(request(subjectId), (await wallet(1)).keys, deps)
    // Without being asked, too: what has ended keeps its entry in the list, or all would see which were one person's.
    expect(await setCopyState(subjectId, 'suspended', { ...deps, clock: () => NOW + 11 * DAY })).toBe(1)
    expect(await ledger.statuses(0)).toHaveLength(1)
    expect(await ledger.sweep(NOW + 11 * DAY)).toBe(0)
    expect(await setCopyState(subjectId, 'revoked', deps)).toBe(1)
  })
})

it('the database of an issuer names no subject and no place of one', async () => {
  const ledger = await sqliteLedger()
  const subjectId = systemRandom(16)
  await issueCopies(request(subjectId), (await wallet(3)).keys, depsOf(ledger))
  const store = stores.at(-1) as Store
  const rows = await store.rows('select * from issuer_link')
  expect(rows).toHaveLength(1)
  const dump = JSON.stringify(
    rows.map((row) =>
      Object.values(row).map((value) => (value instanceof Uint8Array ? toHex(value) : value)),
    ),
  )
  expect(dump).not.toContain(toHex(subjectId))
  // Under another key the same subject has another label and its places stay closed.
  const foreign = { ...depsOf(ledger), linkKey: new Uint8Array(32).fill(8) }
  expect(await setCopyState(subjectId, 'revoked', foreign)).toBe(0)
})

describe('refused', () => {
  it('no keys, too many keys, one key twice, a short name, an expired document, claims outside the profile', async () => {
    const deps = { ...depsOf(await memory()), maxBatch: 2 }
    const { keys } = await wallet(3)
    const [key] = keys as [ProvenKey]
    const good = request(systemRandom(16))
    const refused = async (change: object, of: ProvenKey[]) =>
      issueCopies({ ...good, ...change }, of, deps).then(
        () => 'issued',
        (error: { code: string }) => error.code,
      )
    expect(await refused({}, [])).toBe('ERR_ISSUER_BATCH')
    expect(await refused({}, keys)).toBe('ERR_ISSUER_BATCH')
    expect(await refused({}, [key, key])).toBe('ERR_ISSUER_KEY_REPEATED')
    expect(await refused({ subjectId: new Uint8Array(15) }, [key])).toBe('ERR_ISSUER_REQUEST')
    expect(await refused({ documentExpiresAt: NOW }, [key])).toBe('ERR_ISSUER_DOCUMENT_EXPIRED')
    expect(await refused({ subject: { ...subject, token: 'x' } }, [key])).toBe('ERR_CREDENTIAL_PROFILE')
    expect(await refused({}, [key])).toBe('issued')
  })

  it('proofs of possession that prove nothing', async () => {
    const key = await generateSigner()
    const options = { issuer: ID, nonce: 'n1', now: NOW }
    const expected = { expectedIssuer: ID, expectedNonce: 'n1', now: NOW }
    const check = (proof: string, change = {}) =>
      checkKeyProof(proof, { ...expected, ...change }).then(
        () => 'proven',
        (error: { code: string }) => error.code,
      )
    const good = await makeKeyProof(key, options)
    expect(await check(good)).toBe('proven')
    expect(await check(good, { expectedIssuer: 'https://other.example' })).toBe('ERR_ISSUER_PROOF')
    expect(await check(good, { expectedNonce: 'n2' })).toBe('ERR_ISSUER_PROOF_NONCE')
    expect(await check(good, { now: NOW + 301 })).toBe('ERR_ISSUER_PROOF')
    expect(await check(`${good.slice(0, -4)}AAAA`)).toBe('ERR_ISSUER_PROOF')
    expect(await check('x')).toBe('ERR_ISSUER_PROOF')
    // Signed by one key, naming another: the attack that proofs exist for.
    const stolen = (await generateSigner()).publicJwk
    expect(
      await check(await makeKeyProof({ publicJwk: stolen, sign: (data) => key.sign(data) }, options)),
    ).toBe('ERR_ISSUER_PROOF')
  })
})
