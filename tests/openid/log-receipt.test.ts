// A verifier that requires the log: a credential without the receipt of its copy is refused, whatever else is right.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOUR, type JsonObject, systemClock } from '#ctid/base'
import { issueCredential, presentCredential } from '#ctid/credential'
import { generateSigner, jwkThumbprint } from '#ctid/crypto'
import { presentTo, resultOf, startRequest, takeAnswer, type VerifierDeps } from '#ctid/openid'
import {
  COSIGNATURE,
  copyReceipt,
  formatNoteKey,
  LOG_SIGNATURE,
  makeCopyEntries,
  memoryLog,
  noteSigner,
  receiptCheck,
  registryLog,
  signatureLines,
} from '#ctid/transparency'
import { random, type System, startSystem, VCT } from './system.ts'

const signer = noteSigner('log.example/copies', LOG_SIGNATURE, new Uint8Array(32).fill(1))
const witness = noteSigner('witness.example/1', COSIGNATURE, new Uint8Array(32).fill(2))
const log = { key: formatNoteKey(signer.key), witnesses: [formatNoteKey(witness.key)], threshold: 1 }
const holder = await generateSigner()

let system: System
let verifier: VerifierDeps
beforeAll(async () => {
  system = await startSystem({ log })
  verifier = system.verifier
})
afterAll(() => system.close())

async function receiptOf(key = holder.publicJwk, cosigned = true): Promise<JsonObject> {
  const [made] = makeCopyEntries([jwkThumbprint(key)], { time: systemClock() })
  if (!made) throw new Error('no entry')
  const memory = await memoryLog({ origin: signer.key.name, signer })
  const [receipt] = await registryLog(memory).append([made.entry])
  if (!receipt) throw new Error('no receipt')
  const text = receipt.checkpoint.slice(0, receipt.checkpoint.indexOf('\n\n') + 1)
  const lines = cosigned ? await signatureLines(text, [witness], systemClock()) : ''
  return copyReceipt(made, { ...receipt, checkpoint: receipt.checkpoint + lines })
}

async function credential(receipt: JsonObject | undefined): Promise<string> {
  const { signer, x5c } = system.pki.parties.issuer
  const now = systemClock()
  return issueCredential(
    { vct: VCT, iat: now - 60, exp: now + HOUR, name: 'A', ...(receipt ? { log_receipt: receipt } : {}) },
    { signer, x5c },
    { holderKey: holder.publicJwk, random, disclosable: [['name'], ...(receipt ? [['log_receipt']] : [])] },
  )
}

const query = (more: JsonObject = {}) => ({
  credentials: [
    { id: 'who', format: 'dc+sd-jwt', meta: { vct_values: [VCT] }, claims: [{ path: ['name'] }], ...more },
  ],
})

// A wallet that answers with what it likes.
async function answer(text: string, disclose: string[]) {
  const started = await startRequest(verifier, { query: query(), responseMode: 'direct_post' })
  const { nonce, clientId, state = '' } = verifier.sessions.get(started.id)?.request ?? {}
  const presentation = await presentCredential(text, {
    disclose: disclose.map((name) => [name]),
    binding: { holder, audience: clientId ?? '', nonce: nonce ?? '', now: systemClock() },
  })
  const members = { state, vp_token: { who: [presentation] } }
  const refusal = await takeAnswer(verifier, started.id, { by: 'form', members }).then(
    () => undefined,
    (error: { code: string }) => error.code,
  )
  return { refusal, result: resultOf(verifier, started.id, { browserSecret: started.browserSecret }) }
}

describe('a verifier that requires the log', () => {
  it('asks our wallet for the receipt, and accepts the copy', async () => {
    const started = await startRequest(verifier, { query: query() })
    await presentTo(started.authorizationRequest, {
      fetch,
      clock: systemClock,
      random,
      resolveVerifier: system.resolveVerifier,
      holdings: [{ credential: await credential(await receiptOf()), key: holder, authorityKeyIds: [] }],
    })
    const result = resultOf(verifier, started.id, { browserSecret: started.browserSecret })
    expect(result).toMatchObject({ state: 'accepted', presentations: [{ claims: { name: 'A' } }] })
  })

  it.each<[string, () => Promise<[string, string[]]>, string]>([
    ['without a receipt', async () => [await credential(undefined), ['name']], 'ERR_LOG_RECEIPT'],
    ['that keeps it back', async () => [await credential(await receiptOf()), ['name']], 'ERR_LOG_RECEIPT'],
    [
      'with that of another copy',
      async () => [
        await credential(await receiptOf((await generateSigner()).publicJwk)),
        ['name', 'log_receipt'],
      ],
      'ERR_LOG_OPENING',
    ],
    [
      'that no witness cosigned',
      async () => [await credential(await receiptOf(holder.publicJwk, false)), ['name', 'log_receipt']],
      'ERR_LOG_WITNESSES',
    ],
  ])('refuses a credential %s, and names the check', async (_, make, code) => {
    const { refusal, result } = await answer(...(await make()))
    expect(refusal).toBe(code)
    expect(result).toMatchObject({ state: 'refused', code })
    expect(
      result.state === 'refused' && result.checks?.find(({ name }) => name === 'log-receipt'),
    ).toMatchObject({
      name: 'log-receipt',
      result: 'failed',
      code,
    })
  })

  it('asks for it in every alternative of a query', async () => {
    const claims = [
      { id: 'a', path: ['name'] },
      { id: 'log_receipt', path: ['birthdate'] },
    ]
    const sets = query({ claims, claim_sets: [['a'], ['log_receipt']] })
    const { id } = await startRequest(verifier, { query: sets })
    expect(verifier.sessions.get(id)?.request.dcqlQuery).toMatchObject({
      credentials: [
        {
          claims: [...claims, { id: 'log_receipt_', path: ['log_receipt'] }],
          claim_sets: [
            ['a', 'log_receipt_'],
            ['log_receipt', 'log_receipt_'],
          ],
        },
      ],
    })
    for (const wrong of [
      { claims: [] },
      { claims: 'name' },
      { claim_sets: 1 },
      { claims, claim_sets: [1] },
    ]) {
      await expect(startRequest(verifier, { query: query(wrong as JsonObject) })).rejects.toMatchObject({
        code: 'ERR_OPENID_DCQL',
      })
    }
  })
})

describe('a verifier that does not', () => {
  it('says that the log was not looked at', async () => {
    const { checkReceipt: _, ...credentialPolicy } = system.verifier.credentialPolicy
    verifier = { ...system.verifier, credentialPolicy }
    const { result } = await answer(await credential(undefined), ['name'])
    expect(result.state === 'accepted' && result.presentations[0]?.checks.at(-1)).toEqual({
      name: 'log-receipt',
      result: 'not-executed',
    })
    verifier = system.verifier
  })

  it('does not take a receipt check from a requirement that cannot be meant', () => {
    expect(() => receiptCheck({ ...log, threshold: 2 }, systemClock)).toThrow(
      expect.objectContaining({ code: 'ERR_LOG_NOTE' }),
    )
  })
})
