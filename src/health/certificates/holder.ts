// Whom a certificate names, and whether that is the person of a credential. Names are compared and forgotten.
import { framed, isJsonObject, type Json, toBase64url } from '../../base/index.ts'
import { sha256 } from '../../crypto/index.ts'
import type { Dcc } from './dcc.ts'
import type { HealthCard } from './shc.ts'

/** As the certificate has it: a date of birth, perhaps partial, and the name in each way it may be put together. */
export type CertificateHolder = { readonly birthDate: string; readonly names: readonly string[] }

/** The person named in a DCC: surname and forename in both orders, as written and as transliterated (ICAO 9303). */
export function holderOfDcc({ hcert: { dob, nam } }: Pick<Dcc, 'hcert'>): CertificateHolder {
  const name = isJsonObject(nam) ? nam : {}
  return {
    birthDate: textOf(dob).slice(0, 10),
    names: [...bothWays(name['fn'], name['gn']), ...bothWays(name['fnt'], name['gnt'])],
  }
}

/** The patient of a SMART Health Card. A card with none, or with several, names nobody. */
export function holderOfHealthCard({ subject }: Pick<HealthCard, 'subject'>): CertificateHolder {
  const bundle = subject['fhirBundle']
  const entries = isJsonObject(bundle) && Array.isArray(bundle['entry']) ? bundle['entry'] : []
  const patients = entries.flatMap((entry: Json) =>
    isJsonObject(entry) && isJsonObject(entry['resource']) && entry['resource']['resourceType'] === 'Patient'
      ? [entry['resource']]
      : [],
  )
  const [patient] = patients
  if (!patient || patients.length > 1) return { birthDate: '', names: [] }
  const names = Array.isArray(patient['name']) ? patient['name'].filter(isJsonObject) : []
  return {
    birthDate: textOf(patient['birthDate']),
    names: names.flatMap((one) => {
      const given = Array.isArray(one['given']) ? one['given'].map(textOf) : []
      return [
        ...bothWays(one['family'], given.join(' ')),
        ...bothWays(one['family'], given[0]),
        textOf(one['text']),
      ]
    }),
  }
}

function bothWays(surname: Json | undefined, forename: Json | undefined): readonly string[] {
  const [first, second] = [textOf(surname), textOf(forename)]
  return [`${first} ${second}`, `${second} ${first}`]
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

/**
 * Whether the credential's person is the one the certificate names: the same letters in the same order, and a date of
 * birth that agrees as far as the certificate knows it. A certificate without either names nobody.
 */
export function isSamePerson(
  holder: CertificateHolder,
  person: { readonly name: string; readonly birthDate: string },
): boolean {
  const { birthDate } = holder
  if (!/^\d{4}(-\d{2}(-\d{2})?)?$/.test(birthDate) || !person.birthDate.startsWith(birthDate)) return false
  const name = lettersOf(person.name)
  return name !== '' && holder.names.some((one) => lettersOf(one) === name)
}

// Spaces, hyphens, the dots of minority names and the fillers of machine-readable names differ from office to office.
function lettersOf(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]/gu, '')
}

/** The nonce under which a holder presents the own credential beside these codes: no other codes fit the presentation. */
export function certificateNonce(texts: readonly string[]): string {
  return toBase64url(sha256(framed('ctid/health-certificate-nonce/1', ...[...texts].sort())))
}
