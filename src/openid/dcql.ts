// DCQL, the query language of OpenID4VP 1.0 (section 6): a strict reader and the rules by which a credential answers.
// Wallet and verifier use the same rules, so what the one chooses to send is what the other accepts.
import { CtidError, isJsonObject, type Json, type JsonObject } from '../base/index.ts'

/** A step into a document: member name, array index, or `null` for every element (section 7). */
export type ClaimsPath = readonly (string | number | null)[]

export type ClaimsQuery = {
  readonly id?: string
  readonly path: ClaimsPath
  readonly values?: readonly (string | number | boolean)[]
}

export type TrustedAuthority = { readonly type: string; readonly values: readonly string[] }

export type CredentialQuery = {
  readonly id: string
  readonly format: string
  /** Whether several credentials may answer. */
  readonly multiple: boolean
  /** For `dc+sd-jwt`: accepted types. */
  readonly vctValues: readonly string[]
  readonly holderBinding: boolean
  readonly trustedAuthorities?: readonly TrustedAuthority[]
  readonly claims?: readonly ClaimsQuery[]
  /** Alternatives in order of preference, as lists of claim ids. */
  readonly claimSets?: readonly (readonly string[])[]
}

export type CredentialSet = {
  readonly options: readonly (readonly string[])[]
  readonly required: boolean
}

export type DcqlQuery = {
  readonly credentials: readonly CredentialQuery[]
  readonly credentialSets?: readonly CredentialSet[]
}

/** What the rules look at in a credential; for a verifier, after its signature was verified. */
export type Candidate = {
  readonly format: string
  readonly vct: string
  /** The processed payload: disclosed claims in place. */
  readonly claims: JsonObject
  readonly holderBound: boolean
  /** Base64url authority key identifiers of the certificates in the credential's chain. */
  readonly authorityKeyIds: readonly string[]
}

const MAX_ITEMS = 64
const MAX_PATH = 16

/**
 * Reads a query strictly, as section 6 defines it. Members this reader does not know are ignored, as section 6 asks.
 *
 * @throws {CtidError} `ERR_OPENID_DCQL` naming the rule that is broken
 */
export function parseDcql(value: unknown): DcqlQuery {
  const query = object(value, 'query')
  const credentials = list(query['credentials'], 'credentials').map(parseCredentialQuery)
  requireUnique(
    credentials.map((credential) => credential.id),
    'credential ids',
  )
  if (query['credential_sets'] === undefined) return { credentials }
  const known = new Set(credentials.map((credential) => credential.id))
  const credentialSets = list(query['credential_sets'], 'credential_sets').map((item) =>
    parseCredentialSet(item, known),
  )
  return { credentials, credentialSets }
}

/** The same query, asking each credential for one more claim at the top. What is no query is left to {@link parseDcql}. */
export function withClaim(query: unknown, name: string): unknown {
  if (!isJsonObject(query as Json) || !Array.isArray((query as JsonObject)['credentials'])) return query
  const { credentials, ...rest } = query as JsonObject
  return { ...rest, credentials: (credentials as Json[]).map((one) => askFor(one, name)) }
}

function askFor(credential: Json, name: string): Json {
  if (!isJsonObject(credential)) return credential
  const { claims = [], claim_sets: sets } = credential
  const isQuery = Array.isArray(claims) && (credential['claims'] === undefined || claims.length > 0)
  if (!isQuery || (sets !== undefined && !Array.isArray(sets))) return credential
  // Its own name, even where the query has one for this claim already: sets may leave that one out.
  let id = name
  while (claims.some((claim) => isJsonObject(claim) && claim['id'] === id)) id += '_'
  return {
    ...credential,
    claims: [...claims, { id, path: [name] }],
    ...(sets === undefined
      ? {}
      : { claim_sets: sets.map((set) => (Array.isArray(set) ? [...set, id] : set)) }),
  }
}

function parseCredentialQuery(value: Json): CredentialQuery {
  const query = object(value, 'credential query')
  const format = text(query['format'], 'format')
  const meta = object(query['meta'], 'meta')
  const vctValues =
    format === 'dc+sd-jwt' ? list(meta['vct_values'], 'vct_values').map((vct) => text(vct, 'vct_values')) : []
  const claims =
    query['claims'] === undefined ? undefined : list(query['claims'], 'claims').map(parseClaimsQuery)
  const claimSets = parseClaimSets(query['claim_sets'], claims)
  return {
    id: identifier(query['id']),
    format,
    multiple: flag(query['multiple'], false, 'multiple'),
    vctValues,
    holderBinding: flag(query['require_cryptographic_holder_binding'], true, 'holder binding'),
    ...(query['trusted_authorities'] === undefined
      ? {}
      : {
          trustedAuthorities: list(query['trusted_authorities'], 'trusted_authorities').map(parseAuthority),
        }),
    ...(claims === undefined ? {} : { claims }),
    ...(claimSets === undefined ? {} : { claimSets }),
  }
}

function parseAuthority(value: Json): TrustedAuthority {
  const authority = object(value, 'trusted authority')
  const values = list(authority['values'], 'trusted authority values')
  return {
    type: text(authority['type'], 'trusted authority type'),
    values: values.map((item) => text(item, 'trusted authority values')),
  }
}

function parseClaimsQuery(value: Json): ClaimsQuery {
  const query = object(value, 'claims query')
  const path = list(query['path'], 'path')
  if (path.length > MAX_PATH) fail('path is too long')
  for (const step of path) {
    const isIndex = typeof step === 'number' && Number.isSafeInteger(step) && step >= 0
    if (typeof step !== 'string' && step !== null && !isIndex) fail('path steps')
  }
  const values = query['values'] === undefined ? undefined : list(query['values'], 'values')
  for (const wanted of values ?? []) {
    const isInteger = typeof wanted === 'number' && Number.isSafeInteger(wanted)
    if (typeof wanted !== 'string' && typeof wanted !== 'boolean' && !isInteger) fail('values')
  }
  return {
    ...(query['id'] === undefined ? {} : { id: identifier(query['id']) }),
    path: path as ClaimsPath,
    ...(values === undefined ? {} : { values: values as (string | number | boolean)[] }),
  }
}

function parseClaimSets(
  value: Json | undefined,
  claims: readonly ClaimsQuery[] | undefined,
): readonly (readonly string[])[] | undefined {
  const ids = (claims ?? []).flatMap((claim) => (claim.id === undefined ? [] : [claim.id]))
  requireUnique(ids, 'claim ids')
  if (value === undefined) return undefined
  if (claims === undefined) fail('claim_sets without claims')
  if (ids.length !== claims.length) fail('claims need ids when there are claim_sets')
  return list(value, 'claim_sets').map((set) =>
    list(set, 'claim_sets').map((id) => knownId(id, new Set(ids))),
  )
}

function parseCredentialSet(value: Json, known: ReadonlySet<string>): CredentialSet {
  const set = object(value, 'credential set')
  const options = list(set['options'], 'options').map((option) =>
    list(option, 'options').map((id) => knownId(id, known)),
  )
  return { options, required: flag(set['required'], true, 'required') }
}

function knownId(value: Json, known: ReadonlySet<string>): string {
  const id = identifier(value)
  if (!known.has(id)) fail('unknown id in a set')
  return id
}

function fail(detail: string): never {
  throw new CtidError('ERR_OPENID_DCQL', { detail })
}

function object(value: unknown, what: string): JsonObject {
  return isJsonObject(value) ? value : fail(`${what} must be an object`)
}

function list(value: Json | undefined, what: string): readonly Json[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_ITEMS) {
    fail(`${what} must be a list of 1 to ${MAX_ITEMS}`)
  }
  return value as readonly Json[]
}

function text(value: Json | undefined, what: string): string {
  return typeof value === 'string' && value.length > 0 ? value : fail(`${what} must be a string`)
}

function flag(value: Json | undefined, fallback: boolean, what: string): boolean {
  if (value === undefined) return fallback
  return typeof value === 'boolean' ? value : fail(`${what} must be true or false`)
}

function identifier(value: Json | undefined): string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value) ? value : fail('id')
}

function requireUnique(ids: readonly string[], what: string): void {
  if (new Set(ids).size !== ids.length) fail(`${what} must differ`)
}

/**
 * The elements a path selects (section 7), or `undefined` when it selects none or does not fit the document.
 */
export function selectClaims(claims: JsonObject, path: ClaimsPath): readonly Json[] | undefined {
  let selected: readonly Json[] = [claims]
  for (const step of path) {
    const next: Json[] = []
    for (const element of selected) {
      if (typeof step === 'string') {
        if (!isJsonObject(element)) return undefined
        if (Object.hasOwn(element, step)) next.push(element[step] as Json)
      } else {
        if (!Array.isArray(element)) return undefined
        if (step === null) next.push(...(element as Json[]))
        else if (step < element.length) next.push(element[step] as Json)
      }
    }
    if (next.length === 0) return undefined
    selected = next
  }
  return selected
}

function hasClaim(claims: JsonObject, query: ClaimsQuery): boolean {
  const selected = selectClaims(claims, query.path)
  if (selected === undefined) return false
  return query.values === undefined || selected.some((element) => query.values?.includes(element as string))
}

/**
 * Which claims of the query a credential answers with: the first satisfied alternative of `claim_sets`, else all
 * `claims`, else none (section 6.4.1). `undefined` when the credential does not answer.
 */
export function claimsToDisclose(
  query: CredentialQuery,
  claims: JsonObject,
): readonly ClaimsQuery[] | undefined {
  const all = query.claims ?? []
  const alternatives = query.claimSets?.map((ids) => all.filter((claim) => ids.includes(claim.id ?? ''))) ?? [
    all,
  ]
  return alternatives.find((wanted) => wanted.every((claim) => hasClaim(claims, claim)))
}

/** Why a credential does not answer a credential query, or `undefined` when it does. */
export function mismatch(query: CredentialQuery, candidate: Candidate): string | undefined {
  if (candidate.format !== query.format) return 'format'
  if (query.format === 'dc+sd-jwt' && !query.vctValues.includes(candidate.vct)) return 'credential type'
  if (query.holderBinding && !candidate.holderBound) return 'holder binding'
  if (
    query.trustedAuthorities &&
    !query.trustedAuthorities.some((authority) => isUnder(authority, candidate))
  ) {
    return 'trusted authority'
  }
  return claimsToDisclose(query, candidate.claims) === undefined ? 'claims' : undefined
}

// Only `aki` is understood; an authority of another type matches nothing (section 6.1.1).
function isUnder(authority: TrustedAuthority, candidate: Candidate): boolean {
  return authority.type === 'aki' && authority.values.some((id) => candidate.authorityKeyIds.includes(id))
}

/**
 * Verifier: whether an answer satisfies the query: no unknown ids, no extra credentials, each presentation fits its
 * credential query, and every required set has a complete option.
 *
 * @throws {CtidError} `ERR_OPENID_DCQL_ANSWER` naming the rule that is broken
 */
export function checkAnswer(query: DcqlQuery, answer: ReadonlyMap<string, readonly Candidate[]>): void {
  for (const [id, candidates] of answer) {
    const asked = query.credentials.find((credential) => credential.id === id)
    if (!asked) refuse('an id that was not asked for')
    if (candidates.length === 0) refuse('an empty list of presentations')
    if (candidates.length > 1 && !asked.multiple) refuse('more than one presentation')
    for (const candidate of candidates) {
      const why = mismatch(asked, candidate)
      if (why !== undefined) refuse(why)
    }
  }
  const isComplete = (option: readonly string[]) => option.every((id) => answer.has(id))
  if (query.credentialSets === undefined) {
    if (!isComplete(query.credentials.map((credential) => credential.id))) refuse('a credential is missing')
    return
  }
  for (const set of query.credentialSets) {
    if (set.required && !set.options.some(isComplete)) refuse('a required set is incomplete')
  }
  const used = new Set(query.credentialSets.flatMap((set) => set.options.filter(isComplete).flat()))
  for (const id of answer.keys()) if (!used.has(id)) refuse('a credential beyond the sets')
}

function refuse(detail: string): never {
  throw new CtidError('ERR_OPENID_DCQL_ANSWER', { detail })
}
