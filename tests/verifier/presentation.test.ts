// Presentations under a policy: every check of the credential, a nonce that counts once, and no more claims than asked.

import { describe, expect, it } from 'vitest'
import { systemRandom } from '#ctid/base'
import { issueCredential, presentCredential } from '#ctid/credential'
import { keyId, trustListResolver } from '#ctid/trust'
import { PRESENTATION_CHECKS, type PresentationContext, verifyPresentation } from '#ctid/verifier'
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
