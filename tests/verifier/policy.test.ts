// Policies: not executed is never passed, for every combination; and the linter against over-asking.

import { describe, expect, it } from 'vitest'
import { ERRORS } from '#ctid/base'
import {
  CHECK_WORDS,
  CODE_CHECKS,
  type CodeCheck,
  checkWords,
  isAccepted,
  lintPolicy,
  MANDATORY_CHECKS,
  reasonWords,
  requiredChecks,
  requirePolicy,
  type VerifierPolicy,
  verifyCode,
} from '#ctid/verifier'
import { gate, goodCode, policy } from './scene.ts'

type Result = 'passed' | 'failed' | 'not-executed'
const RESULTS: readonly Result[] = ['passed', 'failed', 'not-executed']

describe('acceptance', () => {
  it('for all 3^6 results and all 2^6 requirements of six checks: nothing failed and everything required passed', () => {
    const names = CODE_CHECKS.slice(0, 6)
    let accepted = 0
    for (let combination = 0; combination < 3 ** 6; combination++) {
      const results = names.map((_, i) => RESULTS[Math.floor(combination / 3 ** i) % 3] as Result)
      const checks = names.map((name, i) => ({ name, result: results[i] as Result }))
      for (let mask = 0; mask < 2 ** 6; mask++) {
        const required = names.filter((_, i) => (mask >> i) & 1)
        const expected =
          !results.includes('failed') && results.every((r, i) => r === 'passed' || !((mask >> i) & 1))
        expect(isAccepted(checks, required)).toBe(expected)
        if (expected) accepted++
      }
    }
    // 2^6 results without a failure; each passed check is free (2 ways), each not executed one must not be required.
    expect(accepted).toBe(3 ** 6)
  })

  it('a missing or unheard-of result is not passed', () => {
    expect(isAccepted([], ['form'])).toBe(false)
    expect(isAccepted([{ name: 'form', result: 'X' as Result }], [])).toBe(false)
    expect(isAccepted([{ name: 'form', result: 'X' as Result }], ['form'])).toBe(false)
  })

  it('each check that was not executed refuses as soon as the policy requires it', async () => {
    const lenient: VerifierPolicy = { ...policy, accept: { dynamic: { minAssurance: 'low', required: [] } } }
    const { status: _, ...context } = gate({ policy: lenient })
    const verdict = await verifyCode(await goodCode(), context)
    expect(verdict.ok).toBe(true)
    const open = verdict.checks.filter(({ result }) => result === 'not-executed').map(({ name }) => name)
    expect(open).toEqual(['age', 'challenge', 'audience', 'status-list', 'status', 'health'])
    for (const name of open) {
      const strict = { ...lenient, accept: { dynamic: { minAssurance: 'low' as const, required: [name] } } }
      const refused = await verifyCode(await goodCode(), { ...context, policy: strict })
      expect(refused).toMatchObject({ ok: false, code: 'ERR_VERIFIER_INCOMPLETE' })
    }
  })
})

describe('policy', () => {
  it('cannot switch mandatory checks off, and adds its own', () => {
    expect(requiredChecks(policy, 'dynamic')).toEqual(
      CODE_CHECKS.filter((name) => ![...'age challenge audience health'.split(' ')].includes(name)),
    )
    expect(requiredChecks({ ...policy, accept: {} }, 'paper')).toEqual(
      CODE_CHECKS.filter((name) => MANDATORY_CHECKS.paper.includes(name)),
    )
  })

  it.each<[string, Partial<VerifierPolicy>]>([
    ['no form', { accept: {} }],
    ['no kind', { kinds: [] }],
    ['an unknown check', { accept: { dynamic: { minAssurance: 'low', required: ['face' as CodeCheck] } } }],
    ['milliseconds for seconds', { stepSeconds: 30_000 }],
    ['a skew of hours', { skewSeconds: 7200 }],
    ['a negative age', { maxAgeSeconds: -1 }],
    ['an age that is no number', { maxStatusAgeSeconds: Number.NaN }],
  ])('with %s is refused before any code is read', async (_, change) => {
    const wrong = { ...policy, ...change }
    expect(() => requirePolicy(wrong)).toThrow(expect.objectContaining({ code: 'ERR_VERIFIER_POLICY' }))
    await expect(verifyCode('', gate({ policy: wrong }))).rejects.toMatchObject({
      code: 'ERR_VERIFIER_POLICY',
    })
  })
})

describe('linter', () => {
  const codes = (change: Partial<VerifierPolicy>) =>
    lintPolicy({ ...policy, ...change }).map(({ code }) => code)

  it('finds nothing in a policy that asks for what it needs and names another way', () => {
    expect(lintPolicy(policy)).toEqual([])
  })

  it.each<[string, Partial<VerifierPolicy>, string]>([
    ['an unknown use case', { useCase: 'curiosity' }, 'unknown-use-case'],
    ['a use case that is a property of every object', { useCase: 'constructor' }, 'unknown-use-case'],
    ['a kind too many', { kinds: ['person', 'organisation'] }, 'asks-kind'],
    [
      'assurance above need',
      { accept: { dynamic: { minAssurance: 'high', required: ['status'] } } },
      'asks-assurance',
    ],
    ['a claim too many', { claims: ['name', 'document_number'] }, 'asks-claim'],
    ['health for a library', { healthOutcomes: ['green'], kinds: ['health'] }, 'asks-health'],
    [
      'colours',
      { useCase: 'health-gate', kinds: ['health'], healthOutcomes: ['pass', 'yellow'] },
      'exposes-colour',
    ],
    ['no alternative', { alternative: { en: '', zh: '' } }, 'no-alternative'],
    [
      'an alternative in one language',
      { alternative: { en: 'Ask at the counter.', zh: '' } },
      'no-alternative',
    ],
    [
      'paper that must move',
      { accept: { paper: { minAssurance: 'low', required: ['time-step', 'status'] } } },
      'cannot-pass',
    ],
    [
      'paper of high assurance',
      { accept: { paper: { minAssurance: 'high', required: ['status'] } } },
      'cannot-pass',
    ],
    [
      'no look at the status',
      { accept: { dynamic: { minAssurance: 'low', required: [] } } },
      'ignores-revocation',
    ],
    ['a wide skew', { skewSeconds: 60 }, 'long-replay-window'],
  ])('names %s', (_, change, code) => {
    expect(codes(change)).toContain(code)
  })
})

describe('words', () => {
  it('there are English and Chinese ones for every check, and Chinese ones for every reason of the verifier', () => {
    expect(Object.keys(CHECK_WORDS)).toEqual(CODE_CHECKS)
    const verifierCodes = Object.keys(ERRORS).filter((code) =>
      code.startsWith('ERR_VERIFIER_'),
    ) as (keyof typeof ERRORS)[]
    const untranslated = verifierCodes.filter((code) => !/[一-龥]/.test(reasonWords(code, 'zh')))
    // This one never reaches a person at a gate.
    expect(untranslated).toEqual(['ERR_VERIFIER_POLICY'])
    const words = checkWords({ name: 'replay', result: 'not-executed' }, 'zh')
    expect(words).toEqual({ heading: '未被使用过', result: '未执行', reason: '' })
  })
})
