// Presentations under a policy: every check of the credential, a nonce that counts once, and no more claims than asked.

import { describe, expect, it } from 'vitest'
import { DAY, type JsonObject, systemRandom } from '#ctid/base'
import { issueCredential, presentCredential } from '#ctid/credential'
import { generateSigner, jwkThumbprint } from '#ctid/crypto'
import {
  COSIGNATURE,
  copyReceipt,
  formatNoteKey,
  LOG_SIGNATURE,
  type LogRequirement,
  makeCopyEntries,
  memoryLog,
  noteSigner,
  parseNote,
  registryLog,
  signatureLines,
} from '#ctid/transparency'
import { keyId, trustListResolver } from '#ctid/trust'
import {
  memoryReplayCache,
  PRESENTATION_CHECKS,
  type PresentationContext,
  parsePolicy,
  verifyCode,
  verifyPresentation,
} from '#ctid/verifier'
import { gate, holder, issuer, NOW, policy, trustList } from './scene.ts'

const vct = 'https://issuer.example/ctid'
const credential = await issueCredential(
  { vct, iss: 'https://issuer.example', iat: NOW - 60, exp: NOW + 3600, name: 'A', age_over_18: true },
  { signer: issuer, kid: keyId(issuer.publicJwk) },
  { holderKey: holder.publicJwk, disclosable: [['name'], ['age_over_18']], random: systemRandom },
)
const lenient = {
  ...policy,
  claims: ['name'],
  accept: { dynamic: { minAssurance: 'low' as const, required: [] } },
}

function context(changes: Partial<PresentationContext> = {}): PresentationContext {
  const { replay, clock } = gate()
  return {
    policy: lenient,
    resolveIssuer: trustListResolver(trustList, { purpose: 'identity' }),
    expectedTypes: [vct],
    expectedNonce: 'n-1',
    replay,
    clock,
    ...changes,
  }
}
const present = (audience = policy.name, nonce = 'n-1') =>
  presentCredential(credential, {
    disclose: [['name'], ['age_over_18']],
    binding: { holder, audience, nonce, now: NOW },
  })

describe('presentation', () => {
  it('is accepted once, and only the claims asked for are handed on', async () => {
    const once = context()
    const verdict = await verifyPresentation(await present(), once)
    expect(verdict.ok).toBe(true)
    expect(verdict.claims).toEqual({ name: 'A' })
    expect(verdict.checks.map(({ name }) => name)).toEqual(PRESENTATION_CHECKS)
    const again = await verifyPresentation(await present(), once)
    expect(again).toMatchObject({ ok: false, code: 'ERR_VERIFIER_REPLAYED' })
    expect(again.claims).toBe(undefined)
  })

  it.each([
    ['another audience', 'city hall', 'n-1', 'ERR_CREDENTIAL_BINDING_AUDIENCE'],
    ['another nonce', policy.name, 'n-2', 'ERR_CREDENTIAL_BINDING_NONCE'],
  ])('for %s is refused and uses no nonce up', async (_, audience, nonce, code) => {
    const { replay } = gate()
    const refused = await verifyPresentation(await present(audience, nonce), context({ replay }))
    expect(refused).toMatchObject({ ok: false, code })
    expect(refused.checks.at(-1)).toEqual({ name: 'replay', result: 'not-executed' })
    expect((await verifyPresentation(await present(), context({ replay }))).ok).toBe(true)
  })

  it('counts once for as long as its key binding does', async () => {
    // By a wallet whose clock is five minutes ahead, to a verifier that keeps its nonce for ten.
    const early = await presentCredential(credential, {
      disclose: [['name']],
      binding: { holder, audience: policy.name, nonce: 'n-1', now: NOW + 300 },
    })
    const time = { now: NOW }
    const clock = () => time.now
    const one = context({ clock, replay: memoryReplayCache({ clock, maxEntries: 1 }) })
    expect((await verifyPresentation(early, one)).ok).toBe(true)
    time.now += 600
    expect(await verifyPresentation(early, one)).toMatchObject({ ok: false, code: 'ERR_VERIFIER_REPLAYED' })
  })

  it('is refused, not answered by an exception, where the memory of nonces is full', async () => {
    const replay = memoryReplayCache({ clock: () => NOW, maxEntries: 1 })
    await replay.consume('another', NOW + 60)
    const verdict = await verifyPresentation(await present(), context({ replay }))
    expect(verdict).toMatchObject({ ok: false, code: 'ERR_VERIFIER_REPLAY_FULL' })
    expect(verdict.checks.at(-1)).toMatchObject({ name: 'replay', result: 'failed' })
  })

  it('whose status the policy requires, but nobody checked, is refused', async () => {
    const verdict = await verifyPresentation(
      await present(),
      context({ policy: { ...lenient, accept: policy.accept } }),
    )
    expect(verdict).toMatchObject({ ok: false, code: 'ERR_VERIFIER_INCOMPLETE' })
  })

  it('without key binding, or not at all, is refused', async () => {
    for (const text of [credential, '', 'x~y~']) {
      expect((await verifyPresentation(text, context())).ok).toBe(false)
    }
  })
})

describe('a policy that names a log', () => {
  const fill = (byte: number) => new Uint8Array(32).fill(byte)
  const logSigner = noteSigner('log.example/copies', LOG_SIGNATURE, fill(1))
  const witnesses = [2, 3, 4].map((byte) => noteSigner(`witness.example/${byte}`, COSIGNATURE, fill(byte)))
  const log: LogRequirement = {
    key: formatNoteKey(logSigner.key),
    witnesses: witnesses.map(({ key }) => formatNoteKey(key)),
    threshold: 2,
    maxAgeSeconds: 30 * DAY,
  }

  // The claim of a copy for `key`, logged among others and cosigned by `count` witnesses at `time`.
  async function receiptFor(
    key = holder.publicJwk,
    { count = 2, time = NOW - 60, signer = logSigner, witness = witnesses } = {},
  ): Promise<JsonObject> {
    const stranger = (await generateSigner()).publicJwk
    const made = makeCopyEntries([stranger, key, stranger].map(jwkThumbprint), { time: NOW - 3600 })
    const memory = await memoryLog({ origin: signer.key.name, signer })
    const receipts = await registryLog(memory).append(made.map(({ entry }) => entry))
    const note = receipts[1]?.checkpoint ?? ''
    const lines = await signatureLines(parseNote(note).text, witness.slice(0, count), time)
    const [, mine] = made
    if (!mine || !receipts[1]) throw new Error('no receipt')
    return copyReceipt(mine, { ...receipts[1], checkpoint: note + lines })
  }

  async function show(claim: JsonObject | undefined, disclose = true): Promise<string> {
    const logged = await issueCredential(
      {
        ...{ vct, iss: 'https://issuer.example', iat: NOW - 60, exp: NOW + 3600, name: 'A' },
        ...(claim === undefined ? {} : { log_receipt: claim }),
      },
      { signer: issuer, kid: keyId(issuer.publicJwk) },
      {
        holderKey: holder.publicJwk,
        disclosable: claim === undefined ? [['name']] : [['name'], ['log_receipt']],
        random: systemRandom,
      },
    )
    return presentCredential(logged, {
      disclose: claim !== undefined && disclose ? [['name'], ['log_receipt']] : [['name']],
      binding: { holder, audience: policy.name, nonce: 'n-1', now: NOW },
    })
  }
  const judge = async (text: string, requirement: LogRequirement = log) =>
    verifyPresentation(text, context({ policy: { ...lenient, log: requirement } }))
  const alter = (claim: JsonObject, change: (receipt: string) => string): JsonObject => ({
    ...claim,
    receipt: change(String(claim['receipt'])),
  })

  it('accepts a credential that was logged for this very key, and keeps the receipt to itself', async () => {
    const verdict = await judge(await show(await receiptFor()))
    expect(verdict).toMatchObject({ ok: true, claims: { name: 'A' } })
    expect(verdict.claims).not.toHaveProperty('log_receipt')
    expect(verdict.checks.find(({ name }) => name === 'log-receipt')).toMatchObject({ result: 'passed' })
  })

  it.each<[string, () => Promise<string>, string]>([
    ['without a receipt', () => show(undefined), 'ERR_LOG_RECEIPT'],
    ['whose receipt was not disclosed', async () => show(await receiptFor(), false), 'ERR_LOG_RECEIPT'],
    [
      'with the receipt of another copy',
      async () => show(await receiptFor((await generateSigner()).publicJwk)),
      'ERR_LOG_OPENING',
    ],
    [
      'with a receipt for another leaf',
      async () => show(alter(await receiptFor(), (text) => text.replace('index 1', 'index 2'))),
      'ERR_LOG_RECEIPT',
    ],
    [
      'with a receipt that is cut off',
      async () => show(alter(await receiptFor(), (text) => text.slice(0, 60))),
      'ERR_LOG_RECEIPT',
    ],
    [
      'from another log of the same name',
      async () =>
        show(
          await receiptFor(holder.publicJwk, {
            signer: noteSigner('log.example/copies', LOG_SIGNATURE, fill(9)),
          }),
        ),
      'ERR_LOG_NOTE',
    ],
    [
      'from another log',
      async () =>
        show(
          await receiptFor(holder.publicJwk, { signer: noteSigner('other.example', LOG_SIGNATURE, fill(1)) }),
        ),
      'ERR_LOG_CHECKPOINT',
    ],
    [
      'below the quorum',
      async () => show(await receiptFor(holder.publicJwk, { count: 1 })),
      'ERR_LOG_WITNESSES',
    ],
    [
      'with one witness twice',
      async () =>
        show(
          alter(
            await receiptFor(holder.publicJwk, { count: 1 }),
            (text) => text + text.slice(text.lastIndexOf('—')),
          ),
        ),
      'ERR_LOG_WITNESSES',
    ],
    [
      'too long ago',
      async () => show(await receiptFor(holder.publicJwk, { time: NOW - 31 * DAY })),
      'ERR_LOG_WITNESSES',
    ],
    [
      'by witnesses of the future, who would be young for ever',
      async () => show(await receiptFor(holder.publicJwk, { time: NOW + DAY })),
      'ERR_LOG_WITNESSES',
    ],
  ])('refuses one %s, and uses no nonce up', async (_, text, code) => {
    const verdict = await judge(await text())
    expect(verdict).toMatchObject({ ok: false, code })
    expect(verdict.claims).toBe(undefined)
    expect(verdict.checks.at(-1)).toEqual({ name: 'replay', result: 'not-executed' })
  })

  it('cannot be meant with a threshold out of reach, or with keys that are none', async () => {
    const same = log.witnesses[0] ?? ''
    for (const wrong of [
      { ...log, threshold: 4 },
      { ...log, threshold: -1 },
      { ...log, witnesses: [same, same], threshold: 2 },
      { ...log, witnesses: [log.key] },
      { ...log, key: 'nonsense' },
      { ...log, maxAgeSeconds: 0.5 },
    ]) {
      await expect(judge('', wrong)).rejects.toMatchObject({ code: 'ERR_VERIFIER_POLICY' })
    }
  })

  it('gives no verdict on a code, which has no room for a receipt', async () => {
    await expect(verifyCode('', gate({ policy: { ...policy, log } }))).rejects.toMatchObject({
      code: 'ERR_VERIFIER_POLICY',
    })
  })

  it('is read from a file as it was written', () => {
    expect(parsePolicy({ ...(policy as unknown as JsonObject), log: log as unknown as JsonObject })).toEqual({
      ...policy,
      log,
    })
  })
})
