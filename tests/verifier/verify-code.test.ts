// The verifier: what is accepted, and one test for each reason to refuse.

import { describe, expect, it } from 'vitest'
import { CtidError, concatBytes, equalBytes, fromHex, isCtidError } from '#ctid/base'
import { generateSigner, jwkToPoint } from '#ctid/crypto'
import {
  type CborValue,
  codeForm,
  decodeBase45,
  decodeSign1,
  encodeBase45,
  makeAttestation,
  makeCode,
  makePaperCode,
  signedAs,
  signSign1,
  writeCbor,
} from '#ctid/qr'
import {
  assertCode,
  CODE_CHECKS,
  type CodeCheck,
  memoryReplayCache,
  newChallenge,
  trustListLookup,
  type Verdict,
  type VerifyContext,
  verifyCode,
} from '#ctid/verifier'
import {
  attest,
  claims,
  freshStatus,
  gate,
  goodCode,
  holder,
  issuer,
  NOW,
  policy,
  trustList,
} from './scene.ts'

function resultsOf(verdict: Verdict): Record<string, string> {
  return Object.fromEntries(verdict.checks.map(({ name, result }) => [name, result]))
}

async function expectRefused(
  text: string,
  context: VerifyContext,
  check: CodeCheck,
  code: string,
): Promise<void> {
  const verdict = await verifyCode(text, context)
  expect(verdict).toMatchObject({ ok: false, code })
  expect(verdict.attested).toBe(undefined)
  expect(verdict.checks.map(({ name }) => name)).toEqual(CODE_CHECKS)
  expect(verdict.checks.find(({ name }) => name === check)).toMatchObject({ result: 'failed', code })
}

describe('accepted', () => {
  it('a current code, with every check listed in order', async () => {
    const verdict = await verifyCode(await goodCode(), gate())
    expect(verdict.checks.map(({ name }) => name)).toEqual(CODE_CHECKS)
    expect(verdict).toMatchObject({
      ok: true,
      form: 'dynamic',
      attested: { issuer: { id: 'https://issuer.example' }, kind: 'person', assurance: 'substantial' },
    })
    const notExecuted = verdict.checks
      .filter(({ result }) => result === 'not-executed')
      .map(({ name }) => name)
    expect(notExecuted).toEqual(['age', 'challenge', 'audience', 'health'])
  })

  it('a code that answers our challenge and names us', async () => {
    const expectedChallenge = newChallenge((length) => new Uint8Array(length).fill(5))
    const text = await goodCode({ challenge: expectedChallenge, audience: policy.name })
    const { dynamic } = policy.accept
    const strict = {
      ...policy,
      accept: {
        dynamic: { ...dynamic, minAssurance: 'high' as const, required: ['challenge', 'audience'] as const },
      },
    }
    const high = await makeCode(await attest({ assurance: 'high' }), holder, {
      now: NOW,
      challenge: expectedChallenge,
      audience: policy.name,
    })
    expect(resultsOf(await verifyCode(text, gate({ expectedChallenge })))).toMatchObject({
      challenge: 'passed',
      audience: 'passed',
    })
    expect((await verifyCode(high, gate({ expectedChallenge, policy: strict }))).ok).toBe(true)
  })

  it('paper, with what paper cannot show listed as not executed', async () => {
    const { holderKey: _, ...unbound } = claims({ assurance: 'low' })
    const text = makePaperCode(await makeAttestation(unbound, issuer))
    const verdict = await verifyCode(text, gate())
    expect(verdict.ok).toBe(true)
    expect(resultsOf(verdict)).toMatchObject({
      'holder-signature': 'not-executed',
      'time-step': 'not-executed',
      replay: 'not-executed',
    })
    const { dynamic } = policy.accept
    const withoutPaper = { ...policy, accept: dynamic ? { dynamic } : {} }
    await expectRefused(text, gate({ policy: withoutPaper }), 'form', 'ERR_VERIFIER_FORM')
  })

  it('a health outcome that holds', async () => {
    const ruleSet = new Uint8Array(8)
    const healthPolicy = {
      ...policy,
      purpose: 'health',
      kinds: ['health'],
      healthOutcomes: ['pass'],
    } as const
    const code = async (outcome: 'pass' | 'not-passed', until: number) =>
      makeCode(await attest({ kind: 'health', health: { outcome, ruleSet, until } }), holder, { now: NOW })
    const context = gate({ policy: healthPolicy })
    expect((await verifyCode(await code('pass', NOW + 1), context)).attested?.health?.outcome).toBe('pass')
    await expectRefused(await code('pass', NOW), context, 'health', 'ERR_VERIFIER_HEALTH')
    await expectRefused(await code('not-passed', NOW + 1), context, 'health', 'ERR_VERIFIER_HEALTH')
  })

  it('without asking anybody: the context is all that is used', async () => {
    const { fetch } = globalThis
    globalThis.fetch = () => {
      throw new Error('network')
    }
    try {
      expect((await verifyCode(await goodCode(), gate())).ok).toBe(true)
    } finally {
      globalThis.fetch = fetch
    }
  })
})

describe('refused because of time', () => {
  it.each([
    ['two steps old', NOW - 60, 'ERR_VERIFIER_STEP_OLD'],
    ['a minute old: the picture of a code', NOW - 61, 'ERR_VERIFIER_STEP_OLD'],
    ['a day old', NOW - 86_400, 'ERR_VERIFIER_STEP_OLD'],
    ['two steps ahead', NOW + 60, 'ERR_VERIFIER_STEP_FUTURE'],
  ])('%s', async (_, now, code) => {
    await expectRefused(await goodCode({ now }), gate(), 'time-step', code)
  })

  it('exactly at the edges of step and skew', async () => {
    const text = await goodCode()
    const step = Math.floor(NOW / 30) * 30
    const at = async (now: number) => (await verifyCode(text, gate({ clock: () => now }))).ok
    expect(await at(step - 16)).toBe(false)
    expect(await at(step - 15)).toBe(true)
    expect(await at(step + 44)).toBe(true)
    expect(await at(step + 45)).toBe(false)
  })

  it('an attestation that expired, is not yet valid, or is older than the policy takes', async () => {
    const code = async (issuedAt: number, expiresAt: number) =>
      makeCode(await attest({ issuedAt, expiresAt }), holder, { now: NOW })
    await expectRefused(await code(NOW - 9, NOW), gate(), 'validity', 'ERR_VERIFIER_EXPIRED')
    await expectRefused(await code(NOW + 16, NOW + 99), gate(), 'validity', 'ERR_VERIFIER_NOT_YET_VALID')
    const context = gate({ policy: { ...policy, maxAgeSeconds: 3600 } })
    expect((await verifyCode(await code(NOW - 3600, NOW + 9), context)).ok).toBe(true)
    await expectRefused(await code(NOW - 3601, NOW + 9), context, 'age', 'ERR_VERIFIER_TOO_OLD')
  })
})

describe('refused because of the issuer', () => {
  const trust = (issuerChange: object, listChange: object = {}) =>
    trustListLookup({
      ...trustList,
      ...listChange,
      issuers: trustList.issuers.map((entry) => ({ ...entry, ...issuerChange })),
    })
  it('unknown, also when it takes a known key identifier', async () => {
    const stranger = await generateSigner()
    const text = await makeCode(await attest({}, stranger), holder, { now: NOW })
    await expectRefused(text, gate(), 'issuer', 'ERR_TRUST_UNKNOWN_KEY')
    const posing = { ...stranger, publicJwk: issuer.publicJwk }
    const posed = await makeCode(await attest({}, posing), holder, { now: NOW })
    await expectRefused(posed, gate(), 'issuer-signature', 'ERR_VERIFIER_ISSUER_SIGNATURE')
  })

  it.each([
    ['trusted for another purpose', trust({ purposes: ['organisation'] }), 'ERR_TRUST_PURPOSE'],
    ['of a region that is not recognised here', trust({ region: '440000' }), 'ERR_TRUST_REGION'],
    [
      'with a key that is no longer in force',
      trust({ keys: trustList.issuers[0]?.keys.map((key) => ({ ...key, notAfter: NOW })) }),
      'ERR_TRUST_KEY_PERIOD',
    ],
    ['in a list that has expired', trust({}, { expiresAt: NOW }), 'ERR_TRUST_LIST_EXPIRED'],
  ])('%s', async (_, lookup, code) => {
    await expectRefused(await goodCode(), gate({ trust: lookup }), 'issuer', code)
  })

  it('of another region, but recognised', async () => {
    const recognition = [{ region: '330000', recognises: ['440000'], purposes: ['identity'] }]
    const lookup = trust({ region: '440000' }, { recognition })
    expect((await verifyCode(await goodCode(), gate({ trust: lookup }))).ok).toBe(true)
  })
})

describe('refused because of the holder', () => {
  // Puts a stolen attestation into a code signed by another key, which makeCode would not do.
  async function steal(attestation: Uint8Array, thief: typeof holder) {
    const map = new Map<number, CborValue>([
      [-8, attestation],
      [-9, Math.floor(NOW / 30)],
    ])
    return `CTD1:${encodeBase45(await signSign1(writeCbor(map), thief, { externalAad: signedAs.code }))}`
  }

  it('another person’s key signs: an attestation is of no use to a thief', async () => {
    const text = await steal(await attest(), await generateSigner())
    await expectRefused(text, gate(), 'holder-signature', 'ERR_VERIFIER_HOLDER_SIGNATURE')
  })

  it('a holder key that is no point of the curve', async () => {
    const off = new Uint8Array(33).fill(255)
    off[0] = 2
    const text = await steal(await attest({ holderKey: off }), holder)
    await expectRefused(text, gate(), 'holder-signature', 'ERR_VERIFIER_HOLDER_SIGNATURE')
  })

  it('a signature made for another purpose', async () => {
    const map = new Map<number, CborValue>([
      [-8, await attest()],
      [-9, Math.floor(NOW / 30)],
    ])
    for (const externalAad of [new Uint8Array(), signedAs.attestation]) {
      const text = `CTD1:${encodeBase45(await signSign1(writeCbor(map), holder, { externalAad }))}`
      await expectRefused(text, gate(), 'holder-signature', 'ERR_VERIFIER_HOLDER_SIGNATURE')
    }
  })

  it('attestation and code are exchanged between two right codes', async () => {
    const one = decodeSign1(decodeBase45((await goodCode()).slice(5)))
    const two = decodeSign1(decodeBase45((await goodCode()).slice(5)))
    const mixed = concatBytes(
      fromHex('d284'),
      writeCbor(one.protectedBytes),
      fromHex('a0'),
      writeCbor(one.payload),
      writeCbor(two.signature),
    )
    await expectRefused(
      `CTD1:${encodeBase45(mixed)}`,
      gate(),
      'holder-signature',
      'ERR_VERIFIER_HOLDER_SIGNATURE',
    )
  })

  it.each([
    ['another challenge', { challenge: new Uint8Array(12).fill(1) }, new Uint8Array(12).fill(2)],
    ['a shorter challenge', { challenge: new Uint8Array(11).fill(1) }, new Uint8Array(12).fill(1)],
    ['no challenge though we showed one', {}, new Uint8Array(12)],
    ['a challenge though we showed none', { challenge: new Uint8Array(12) }, undefined],
  ])('%s', async (_, options, expectedChallenge) => {
    const context = gate(expectedChallenge ? { expectedChallenge } : {})
    await expectRefused(await goodCode(options), context, 'challenge', 'ERR_VERIFIER_CHALLENGE')
  })

  it('made for another verifier', async () => {
    await expectRefused(
      await goodCode({ audience: 'city hall' }),
      gate(),
      'audience',
      'ERR_VERIFIER_AUDIENCE',
    )
  })

  it('assurance too low, or another kind', async () => {
    const low = await makeCode(await attest({ assurance: 'low' }), holder, { now: NOW })
    await expectRefused(low, gate(), 'assurance', 'ERR_VERIFIER_ASSURANCE')
    const company = await makeCode(await attest({ kind: 'organisation' }), holder, { now: NOW })
    await expectRefused(company, gate(), 'kind', 'ERR_VERIFIER_KIND')
  })
})

describe('refused because of status', () => {
  it.each([
    ['revoked', { ...freshStatus, state: 'revoked' as const }, 'status', 'ERR_VERIFIER_REVOKED'],
    ['suspended', { ...freshStatus, state: 'suspended' as const }, 'status', 'ERR_VERIFIER_SUSPENDED'],
    [
      'of a value without a meaning',
      { ...freshStatus, state: 'unknown' as const },
      'status',
      'ERR_STATUS_UNKNOWN',
    ],
    ['an expired list', { ...freshStatus, expiresAt: NOW }, 'status-list', 'ERR_VERIFIER_STATUS_STALE'],
    [
      'a list older than a day',
      { ...freshStatus, issuedAt: NOW - 86_401 },
      'status-list',
      'ERR_VERIFIER_STATUS_STALE',
    ],
  ] as const)('%s', async (_, answer, check, code) => {
    await expectRefused(await goodCode(), gate({ status: { status: () => answer } }), check, code)
  })

  it('a list whose signature fails, as the lookup reports it', async () => {
    const status = {
      status: () => {
        throw new CtidError('ERR_TRUST_SIGNATURE')
      },
    }
    await expectRefused(await goodCode(), gate({ status }), 'status-list', 'ERR_TRUST_SIGNATURE')
  })

  it('asks for the index that the issuer signed', async () => {
    const asked: unknown[] = []
    const status = {
      status: ({ list, index, issuer: { id } }: { list: number; index: number; issuer: { id: string } }) => {
        asked.push([id, list, index])
        return freshStatus
      },
    }
    await verifyCode(await goodCode(), gate({ status }))
    expect(asked).toEqual([['https://issuer.example', 7, 4711]])
  })

  it.each([
    ['no list here', { status: () => undefined }],
    ['no lookup at all', undefined],
  ])('%s: not executed, and so not accepted where the policy requires it', async (_, status) => {
    const { status: __, ...without } = gate()
    const context = status ? { ...without, status } : without
    const verdict = await verifyCode(await goodCode(), context)
    expect(resultsOf(verdict)).toMatchObject({ 'status-list': 'not-executed', status: 'not-executed' })
    expect(verdict).toMatchObject({ ok: false, code: 'ERR_VERIFIER_INCOMPLETE' })
    const lenient = { ...policy, accept: { dynamic: { minAssurance: 'low', required: [] } } } as const
    expect((await verifyCode(await goodCode(), { ...context, policy: lenient })).ok).toBe(true)
  })
})

describe('replay', () => {
  it('a second scan is refused, a new step of the same copy is not', async () => {
    const attestation = await attest()
    let now = NOW
    const context = gate({ clock: () => now })
    const text = await makeCode(attestation, holder, { now })
    expect((await verifyCode(text, context)).ok).toBe(true)
    await expectRefused(text, context, 'replay', 'ERR_VERIFIER_REPLAYED')
    now += 30
    expect((await verifyCode(await makeCode(attestation, holder, { now }), context)).ok).toBe(true)
  })

  it('of many scans at once exactly one wins, also when the cache answers later', async () => {
    for (const later of [false, true]) {
      const cache = memoryReplayCache({ clock: () => NOW })
      const replay = later
        ? {
            consume: async (key: string, expiresAt: number) => {
              await new Promise((resolve) => setTimeout(resolve, 1))
              return cache.consume(key, expiresAt)
            },
          }
        : cache
      const text = await goodCode()
      const verdicts = await Promise.all(Array.from({ length: 20 }, () => verifyCode(text, gate({ replay }))))
      expect(verdicts.filter(({ ok }) => ok)).toHaveLength(1)
    }
  })

  it('another valid signature over the same code is the same code', async () => {
    // ECDSA is malleable: (r, n − s) verifies wherever (r, s) does. The cache therefore keys on what was signed.
    const context = gate()
    const text = await goodCode()
    const bytes = decodeBase45(text.slice(5))
    const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const s = BigInt(`0x${Buffer.from(bytes.subarray(-32)).toString('hex')}`)
    const twin = bytes.slice()
    twin.set(fromHex((n - s).toString(16).padStart(64, '0')), twin.length - 32)
    expect(equalBytes(twin, bytes)).toBe(false)
    expect((await verifyCode(`CTD1:${encodeBase45(twin)}`, context)).ok).toBe(true)
    await expectRefused(text, context, 'replay', 'ERR_VERIFIER_REPLAYED')
  })

  it('a refused code uses nothing up', async () => {
    const replay = memoryReplayCache({ clock: () => NOW })
    const text = await goodCode()
    await verifyCode(
      text,
      gate({ replay, status: { status: () => ({ ...freshStatus, state: 'suspended' }) } }),
    )
    expect(replay.size).toBe(0)
    expect((await verifyCode(text, gate({ replay }))).ok).toBe(true)
  })

  it('forgets what has expired, and refuses rather than forgets when full', async () => {
    let now = NOW
    const replay = memoryReplayCache({ clock: () => now, maxEntries: 2 })
    expect(replay.consume('a', NOW + 10)).toBe(true)
    expect(replay.consume('b', NOW + 10)).toBe(true)
    expect(replay.consume('a', NOW + 10)).toBe(false)
    await expectRefused(await goodCode(), gate({ replay }), 'replay', 'ERR_VERIFIER_REPLAY_FULL')
    now += 10
    expect(replay.consume('a', now + 10)).toBe(true)
    expect(replay.size).toBe(1)
  })
})

describe('refused because of form', () => {
  it.each([
    ['nothing', '', 'ERR_QR_FORM'],
    ['a web address', 'https://example.com', 'ERR_QR_FORM'],
    [
      'an online token, which has to be fetched first',
      `CTO1:${encodeBase45(new Uint8Array(32))}`,
      'ERR_VERIFIER_FORM',
    ],
  ])('%s', async (_, text, code) => {
    await expectRefused(text, gate(), 'form', code)
  })

  it('a million characters, without decoding them', async () => {
    for (const character of ['A', 'not base45']) {
      await expectRefused(`CTD1:${character.repeat(1_000_000)}`, gate(), 'structure', 'ERR_QR_TOO_LARGE')
    }
  })

  it('no tag, and bytes behind the end', async () => {
    const bytes = decodeBase45((await goodCode()).slice(5))
    const repacked = (changed: Uint8Array) => `CTD1:${encodeBase45(changed)}`
    await expectRefused(repacked(bytes.subarray(1)), gate(), 'structure', 'ERR_QR_COSE')
    await expectRefused(repacked(concatBytes(bytes, new Uint8Array(2))), gate(), 'structure', 'ERR_QR_CBOR')
  })
})

describe('every change of a good code', () => {
  it('of one byte is refused with a documented code', async () => {
    const text = await goodCode({ challenge: new Uint8Array(12).fill(9), audience: policy.name })
    const context = gate({ expectedChallenge: new Uint8Array(12).fill(9) })
    const bytes = decodeBase45(text.slice(5))
    const flips = process.env['CTID_FULL'] ? [1, 2, 4, 8, 16, 32, 64, 128] : [1, 128]
    const seen = new Set<string>()
    for (let i = 0; i < bytes.length; i++) {
      for (const flip of flips) {
        const changed = bytes.with(i, (bytes[i] ?? 0) ^ flip)
        const verdict = await verifyCode(`CTD1:${encodeBase45(changed)}`, context)
        expect(verdict.ok, `byte ${i} ^ ${flip}`).toBe(false)
        seen.add(verdict.code ?? 'none')
      }
    }
    expect([...seen].filter((code) => !/^ERR_(QR|TRUST|VERIFIER)_/.test(code))).toEqual([])
    expect(seen).toContain('ERR_VERIFIER_ISSUER_SIGNATURE')
    expect(seen).toContain('ERR_VERIFIER_HOLDER_SIGNATURE')
    // None of it used the good code up.
    expect((await verifyCode(text, context)).ok).toBe(true)
  })

  it('of one character is refused', async () => {
    const text = await goodCode()
    const context = gate()
    for (let i = 0; i < text.length; i++) {
      const changed = text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1)
      const verdict = await verifyCode(changed, context)
      expect(verdict.ok, `character ${i}`).toBe(false)
    }
    expect((await verifyCode(text, context)).ok).toBe(true)
  })

  it('cut anywhere is refused', async () => {
    const text = await goodCode()
    for (let length = 0; length < text.length; length += 7) {
      expect((await verifyCode(text.slice(0, length), gate())).ok).toBe(false)
    }
  })
})

describe('privacy', () => {
  it('a verdict holds neither keys nor signatures, and says nothing of a refused person', async () => {
    const verdict = await verifyCode(await goodCode(), gate())
    expect(Object.keys(verdict.attested ?? {})).toEqual([
      'issuer',
      'handle',
      'kind',
      'assurance',
      'expiresAt',
    ])
    const point = Buffer.from(jwkToPoint(holder.publicJwk).subarray(1, 33)).toString('base64url')
    expect(JSON.stringify(verdict)).not.toContain(point)
    const refused = await verifyCode(await goodCode({ now: NOW - 600 }), gate())
    expect(Object.keys(refused)).toEqual(['ok', 'form', 'checks', 'code'])
  })

  it('assertCode throws the code of the verdict and nothing of the input', async () => {
    const text = await goodCode({ now: NOW - 600 })
    const error = await assertCode(text, gate()).catch((caught: unknown) => caught)
    expect(isCtidError(error) && error.code).toBe('ERR_VERIFIER_STEP_OLD')
    expect(String(error)).not.toContain(text.slice(5, 20))
    expect((await assertCode(await goodCode(), gate())).kind).toBe('person')
    expect(codeForm(text)).toBe('dynamic')
  })
})
