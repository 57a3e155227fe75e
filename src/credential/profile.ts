// Credential profiles: a type (vct), the claims it may have, their forms, and that all of them can be kept back.
import { CtidError, isJsonObject, type Json, type JsonObject } from '../base/index.ts'
import type { ClaimPath } from './claim-path.ts'

/** Form of one claim. Objects of claims nest one level. */
export type ClaimForm = RegExp | ((value: Json) => boolean)

export type CredentialProfile = {
  /** Collision-resistant type: an https URL. */
  readonly vct: string
  readonly name: { readonly en: string; readonly zh: string }
  /** Claims an issuer must put in; a holder may still keep them back. */
  readonly required: readonly string[]
  readonly forms: { readonly [claim: string]: ClaimForm }
}

/** `2031-05-17`, a day that exists. */
export function isDate(value: Json): boolean {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return false
  const time = Date.parse(`${value}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value)
}

/**
 * Text without control characters, 1 to 200 characters. Private-use and not yet assigned ones are in: registers write rare
 * characters of names so, and their bearers must get a credential, also where the platform's Unicode is older than they are.
 */
export const TEXT = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]{1,200}$/u

/**
 * Paths of all claims of a subject: each claim, and inside objects each member by itself, so that showing
 * "over 18" does not show "not over 60". Only such objects as a whole stay in view, empty.
 */
export function disclosablePaths(subject: JsonObject): ClaimPath[] {
  return Object.entries(subject).flatMap(([name, value]): ClaimPath[] =>
    isJsonObject(value) ? Object.keys(value).map((inner) => [name, inner]) : [[name]],
  )
}

/**
 * Checks the claims of a profile for form: those of a subject before issuing (`complete`), or those that a verifier
 * was shown. Registered JWT claims are not looked at.
 *
 * @throws {CtidError} `ERR_CREDENTIAL_PROFILE` with the claim's name as detail
 */
export function requireProfile(
  profile: CredentialProfile,
  claims: JsonObject,
  options: { readonly complete: boolean },
): void {
  if (options.complete) {
    const missing = profile.required.find((name) => claims[name] === undefined)
    if (missing !== undefined) throw new CtidError('ERR_CREDENTIAL_PROFILE', { detail: missing })
    const unknown = Object.keys(claims).some((name) => !Object.hasOwn(profile.forms, name))
    if (unknown) throw new CtidError('ERR_CREDENTIAL_PROFILE', { detail: 'a claim outside the profile' })
  }
  for (const [name, form] of Object.entries(profile.forms)) {
    const value = claims[name]
    if (value === undefined) continue
    const fits = form instanceof RegExp ? typeof value === 'string' && form.test(value) : form(value)
    if (!fits) throw new CtidError('ERR_CREDENTIAL_PROFILE', { detail: name })
  }
}
