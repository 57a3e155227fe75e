// The issuer's offers: credentials for a subject it already knows, or for whoever logs in (OpenID4VCI 1.0 section 4).
import { CtidError, toBase64url } from '../base/index.ts'
import type { IssuerDeps, SubjectRef } from './issuer-config.ts'
import type { CredentialOffer, TxCodeSpec } from './offer.ts'

const OFFER_SECONDS = 600

/**
 * Issuer: offers credentials to a subject it already knows. The transaction code, if asked for, goes to the person
 * by another way than the offer.
 */
export function createOffer(
  deps: IssuerDeps,
  offer: {
    readonly subject: SubjectRef
    readonly configurationIds: readonly string[]
    readonly withTxCode: boolean
  },
): { readonly offer: CredentialOffer; readonly txCode: string | undefined } {
  requireKnown(deps, offer.configurationIds)
  const code = toBase64url(deps.random(32))
  const txCode = offer.withTxCode ? sixDigits(deps) : undefined
  deps.sessions.preAuthorized.put(
    code,
    {
      subject: offer.subject,
      configurationIds: offer.configurationIds,
      txCode,
      triesLeft: deps.policy.txCodeTries,
    },
    deps.clock() + OFFER_SECONDS,
  )
  const spec: TxCodeSpec = { inputMode: 'numeric', length: 6 }
  return {
    txCode,
    offer: {
      issuer: deps.baseUrl,
      configurationIds: offer.configurationIds,
      preAuthorized: { code, ...(txCode === undefined ? {} : { txCode: spec }) },
    },
  }
}

/** Issuer: offers credentials to whoever logs in. The issuer state ties the login to this offer. */
export function createLoginOffer(deps: IssuerDeps, configurationIds: readonly string[]): CredentialOffer {
  requireKnown(deps, configurationIds)
  const issuerState = toBase64url(deps.random(24))
  deps.sessions.issuerStates.put(issuerState, configurationIds, deps.clock() + OFFER_SECONDS)
  return { issuer: deps.baseUrl, configurationIds, authorizationCode: { issuerState } }
}

// Rejection sampling: every code is equally likely.
function sixDigits(deps: IssuerDeps): string {
  for (;;) {
    const [a = 0, b = 0, c = 0, d = 0] = deps.random(4)
    const value = ((a * 256 + b) * 256 + c) * 256 + d
    if (value < 4_294_000_000) return String(value % 1_000_000).padStart(6, '0')
  }
}

function requireKnown(deps: IssuerDeps, ids: readonly string[]): void {
  const known = new Set(deps.configurations.map((configuration) => configuration.id))
  if (ids.length === 0 || new Set(ids).size !== ids.length || !ids.every((id) => known.has(id)))
    throw new CtidError('ERR_OPENID_CONFIGURATION')
}
