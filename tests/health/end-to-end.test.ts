// From evidence to the gate: authority, issuer, wallet and verifier with their real parts, in the colours they may have.
import { beforeAll, describe, expect, test } from 'vitest'
import { DAY, fromBase64url, systemRandom } from '#ctid/base'
import { asProvenKey, disclosablePaths, readCredential } from '#ctid/credential'
import { generateSigner, type Signer } from '#ctid/crypto'
import {
  agreesWith,
  derive,
  type Evidence,
  HEALTH_STATUS,
  readStatusClaims,
  recordDerivation,
  type Status,
  statusClaims,
  statusCodeClaim,
  statusValidity,
  teachingEdition,
  type VerifierProfile,
} from '#ctid/health'
import { type IssuedCopy, issueCopies, memoryLedger } from '#ctid/issuer'
import { makeCode } from '#ctid/qr'
import { keyId, type TrustList } from '#ctid/trust'
import {
  lintPolicy,
  memoryReplayCache,
  trustListLookup,
  type Verdict,
  type VerifierPolicy,
  verifyCode,
} from '#ctid/verifier'
import { makeWorld, NOW, pseudonym, REGION, type World } from './people.ts'

const rules = teachingEdition(NOW)
const subject = pseudonym(1)
const ISSUER = 'https://health.example'
const PROFILE: VerifierProfile = {
  id: 'gate',
  name: { en: 'Entrance', zh: '入口' },
  needs: 'status',
  passes: ['green'],
}
const POLICY: VerifierPolicy = {
  name: 'station',
  useCase: 'health-gate',
  purpose: 'health',
  region: REGION,
  accept: { dynamic: { minAssurance: 'substantial', required: ['status-list', 'status', 'health'] } },
  kinds: ['health'],
  healthOutcomes: ['pass'],
  alternative: { en: 'Go to the staffed desk.', zh: '请到人工窗口。' },
}
let world: World
let signer: Signer
let holder: Signer

beforeAll(async () => {
  world = await makeWorld()
  signer = await generateSigner()
  holder = await generateSigner()
})

const declared = () => world.sign('intake', subject, { class: 'symptom', data: { state: 'none' } })
const contact = () => world.sign('tracing', subject, { class: 'contact', data: { kind: 'close' } })

async function issue(status: Status): Promise<IssuedCopy> {
  const record = recordDerivation(status, systemRandom)
  const request = {
    subjectId: fromBase64url(subject),
    profile: HEALTH_STATUS,
    subject: statusClaims(status, record, [PROFILE]),
    attestation: {
      kind: 'health',
      assurance: 'substantial',
      health: statusCodeClaim(status, PROFILE),
    } as const,
    validity: statusValidity(status),
  }
  const [copy] = await issueCopies(request, [asProvenKey(holder.publicJwk)], {
    key: { signer, kid: keyId(signer.publicJwk) },
    issuerId: ISSUER,
    statusListBase: `${ISSUER}/status/`,
    ledger: memoryLedger({ random: systemRandom, listSize: 256, fill: 0.5 }),
    linkKey: systemRandom(32),
    clock: () => NOW,
    random: systemRandom,
  })
  return copy as IssuedCopy
}

async function atGate(copy: IssuedCopy, now: number): Promise<Verdict> {
  const trust: TrustList = {
    version: 1,
    issuedAt: NOW - DAY,
    expiresAt: NOW + DAY,
    issuers: [
      {
        id: ISSUER,
        name: { en: 'Health authority', zh: '卫生健康部门' },
        region: REGION,
        purposes: ['health'],
        keys: [
          { kid: keyId(signer.publicJwk), jwk: signer.publicJwk, notBefore: NOW - DAY, notAfter: NOW + DAY },
        ],
        statusListBase: `${ISSUER}/status/`,
      },
    ],
    recognition: [],
  }
  const clock = (): number => now
  return await verifyCode(await makeCode(copy.attestation, holder, { now }), {
    policy: POLICY,
    clock,
    trust: trustListLookup(trust),
    status: { status: () => ({ state: 'valid', issuedAt: now - 60, expiresAt: now + 60 }) },
    replay: memoryReplayCache({ clock }),
  })
}

describe('at the gate', () => {
  test('green passes, offline, and the gate learns "pass" and nothing else about health', async () => {
    expect(lintPolicy(POLICY).filter(({ severity }) => severity === 'error')).toEqual([])
    const verdict = await atGate(await issue(derive([await declared()], rules, NOW)), NOW + 60)
    expect(verdict).toMatchObject({ ok: true, attested: { kind: 'health', health: { outcome: 'pass' } } })
    expect(JSON.stringify(verdict)).not.toMatch(/green|G1/)
  })

  test('red does not pass, and is not called red there', async () => {
    const verdict = await atGate(
      await issue(derive([await declared(), await contact()], rules, NOW)),
      NOW + 60,
    )
    expect(verdict).toMatchObject({ ok: false, code: 'ERR_VERIFIER_HEALTH' })
    expect(JSON.stringify(verdict)).not.toMatch(/"red"|R4/)
  })

  test('undetermined does not pass either; and nothing passes after its time', async () => {
    expect((await atGate(await issue(derive([], rules, NOW)), NOW + 60)).ok).toBe(false)
    const green = await issue(derive([await declared()], rules, NOW))
    expect((await atGate(green, NOW + DAY)).ok).toBe(false)
  })
})

describe('the times of a code', () => {
  const timesOf = (status: Status) =>
    JSON.stringify([statusValidity(status), statusCodeClaim(status, PROFILE).until])

  test('are those of everybody who asked within the hour: to the second they would join copies of one batch', async () => {
    const times = new Set<string>()
    for (let i = 0; i < 60; i++) {
      const now = NOW + 59 * i
      const test = { at: now - 997 * i, issuedAt: now - 997 * i, expiresAt: now + 30 * DAY }
      const status = derive(
        [
          await declared(),
          await world.sign(
            'lab',
            subject,
            { class: 'test', data: { kind: 'naat', result: 'negative' } },
            test,
          ),
        ],
        rules,
        now,
      )
      expect(status.colour).toBe('green')
      times.add(timesOf(status))
    }
    expect([...times]).toHaveLength(1)
  })

  test('never say more than the status, and leave at least half of its time', async () => {
    const status = derive([await declared()], rules, NOW + 1)
    for (const left of [1, 59, 61, 299, 301, 3599, 3601, 7199, 40_000, 43_200]) {
      for (const at of [NOW, NOW + 1, NOW + 1800, NOW + 3599]) {
        const short = { ...status, at, nextChangeAt: at + left, until: at + left }
        const { iat, exp } = statusValidity(short)
        expect(iat).toBe(NOW)
        expect(exp).toBeLessThanOrEqual(at + left)
        expect(2 * (exp - at)).toBeGreaterThanOrEqual(left)
        expect(statusCodeClaim(short).until).toBe(exp)
      }
    }
  })
})

describe('in the wallet', () => {
  test('the credential holds the status; the wallet derives the same from its own evidence', async () => {
    const evidence: Evidence[] = [await declared(), await contact()]
    const { credential } = await issue(derive(evidence, rules, NOW))
    const { claims } = readCredential(credential)
    expect(claims).toMatchObject({ outcome: 'red', region: REGION, passes: { gate: false }, reasons: ['R4'] })
    expect(disclosablePaths(claims)).toContainEqual(['outcome'])
    expect(agreesWith(readStatusClaims(claims), evidence, rules, NOW + 60).agrees).toBe(true)
    // Evidence that the authority never had, or that the wallet never saw, is named as a difference.
    expect(
      agreesWith(readStatusClaims(claims), [evidence[0] as Evidence], rules, NOW + 60).differences,
    ).toEqual(['colour', 'until'])
  })
})
