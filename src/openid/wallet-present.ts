// The wallet's side of OpenID4VP 1.0: reads and checks a request, chooses credentials, answers.
import {
  type Clock,
  CtidError,
  canonicalJson,
  isCtidError,
  isJsonObject,
  type Json,
  type JsonObject,
  type MaybePromise,
  parseJson,
  type RandomBytes,
  toBase64url,
} from '../base/index.ts'
import { presentCredential, readCredential } from '../credential/index.ts'
import type { Signer, VerifyKey } from '../crypto/index.ts'
import {
  openRequestObject,
  parseRequestObject,
  type ReceivedRequest,
  readRequest,
} from './authorization-request.ts'
import { encryptResponse } from './authorization-response.ts'
import { parseClientId, type RequestCertificate, requireClient } from './client-id.ts'
import { type ClaimsPath, type CredentialQuery, claimsToDisclose, mismatch } from './dcql.ts'
import { errorWord, type Fetch, fetchJson, fetchText } from './fetch-json.ts'
import { isPrivateAddress } from './private-address.ts'

const STEP = 'ERR_OPENID_REQUEST'

/** A credential in the wallet and the key it is bound to. */
export type Holding = {
  readonly credential: string
  readonly key: Signer
  /** Base64url authority key identifiers of its chain, if the wallet knows them. */
  readonly authorityKeyIds?: readonly string[]
}

export type PresentOptions = {
  readonly fetch: Fetch
  readonly clock: Clock
  readonly random: RandomBytes
  readonly holdings: readonly Holding[]
  /** Checks the chain of a signed request; throws `ERR_TRUST_*` when the verifier is not trusted. */
  readonly resolveVerifier: (
    header: JsonObject,
    now: number,
  ) => MaybePromise<RequestCertificate & { readonly verifyKey: VerifyKey; readonly name: string }>
  /**
   * Whether unsigned requests of `redirect_uri` clients are answered, and requests over plain http elsewhere than on this
   * machine: development only. Default false.
   */
  readonly allowUnsigned?: boolean
  /** Shows the person who asks and what would be disclosed; false declines. */
  readonly approve?: (question: PresentQuestion) => Promise<boolean>
  /**
   * Called with what will be shown before anything leaves the device: the place to mark copies as spent. Where it throws
   * `ERR_WALLET_EMPTY`, since another run was faster, it is called again with others that say the same, if there are.
   */
  readonly onSpend?: (used: readonly Holding[], verifier: string) => Promise<void>
}

export type PresentQuestion = {
  readonly verifier: string
  /** Whether the wallet holds what is asked for. If not there are no items, and the verifier gets the refusal that a "no" sends. */
  readonly isHeld: boolean
  readonly items: readonly { readonly vct: string; readonly claims: readonly ClaimsPath[] }[]
}

export type Presented =
  | {
      readonly state: 'sent'
      readonly redirectUri: string | undefined
      readonly used: readonly Holding[]
      readonly question: PresentQuestion
    }
  | { readonly state: 'declined' }

type Choice = {
  readonly query: CredentialQuery
  readonly holding: Holding
  readonly disclose: readonly ClaimsPath[]
}

/**
 * Holder: answers a request given as link (`openid4vp://?…`). Only what the query asks is disclosed.
 *
 * @throws {CtidError} `ERR_OPENID_REQUEST` naming the step, `ERR_OPENID_CLIENT_ID`, `ERR_TRUST_*`, `ERR_OPENID_DCQL`
 */
export async function presentTo(link: string, options: PresentOptions): Promise<Presented> {
  const { request, verifier } = await readLink(link, options)
  requireAddress(request, options)
  const choices = choose(request, options.holdings)
  const question = {
    verifier,
    isHeld: choices !== undefined,
    items: (choices ?? []).map(({ holding, disclose }) => ({
      vct: String(readCredential(holding.credential).claims['vct']),
      claims: disclose,
    })),
  }
  // Asked for before a refusal too: one that came at once would tell the verifier, by the values that it asks for, which of its
  // guesses are wrong, and the holder would not know that anybody had asked.
  const isApproved = !options.approve || (await options.approve(question))
  if (!choices || !isApproved) {
    await send(request, { error: 'access_denied' }, options)
    if (!isApproved) return { state: 'declined' }
    throw new CtidError(STEP, { detail: 'no credential in the wallet answers the query' })
  }
  const spent = await spend(request, choices, { ...options, verifier })
  const used = spent.map((choice) => choice.holding)
  const vpToken: Record<string, string[]> = {}
  for (const { query, holding, disclose } of spent) {
    vpToken[query.id] = [
      await presentCredential(holding.credential, {
        disclose,
        ...(query.holderBinding
          ? {
              binding: {
                holder: holding.key,
                audience: request.clientId,
                nonce: request.nonce,
                now: options.clock(),
              },
            }
          : {}),
      }),
    ]
  }
  const answer = await send(request, { vp_token: vpToken }, options)
  const redirectUri = answer['redirect_uri']
  return {
    state: 'sent',
    redirectUri: typeof redirectUri === 'string' && isWebAddress(redirectUri) ? redirectUri : undefined,
    used,
    question,
  }
}

// A browser is sent to pages, not to scripts.
function isWebAddress(uri: string): boolean {
  return /^https?:\/\//.test(uri) && URL.canParse(uri)
}

async function readLink(
  link: string,
  options: PresentOptions,
): Promise<{ readonly request: ReceivedRequest; readonly verifier: string }> {
  const cut = link.indexOf('?')
  if (cut < 0 || link.length > 65_536) throw new CtidError(STEP, { detail: 'link' })
  const parameters = new URLSearchParams(link.slice(cut + 1))
  const clientId = parameters.get('client_id') ?? ''
  const client = parseClientId(clientId)
  if (client.prefix === 'redirect_uri') {
    if (!options.allowUnsigned) throw new CtidError(STEP, { detail: 'unsigned requests are not answered' })
    const request = readRequest(linkMembers(parameters))
    if (request.responseUri !== client.value) throw new CtidError('ERR_OPENID_CLIENT_ID')
    return { request, verifier: client.value }
  }
  const now = options.clock()
  const method = parameters.get('request_uri_method') ?? 'get'
  if (method !== 'get' && method !== 'post') throw new CtidError(STEP, { detail: 'request_uri_method' })
  const asksForNonce = method === 'post' && !parameters.has('request')
  const walletNonce = asksForNonce ? toBase64url(options.random(16)) : undefined
  const jws = parseRequestObject(await fetchRequest(parameters, walletNonce, options))
  const signer = await options.resolveVerifier(jws.header, now)
  const request = await openRequestObject(jws, signer.verifyKey, {
    now,
    clientId,
    ...(walletNonce === undefined ? {} : { walletNonce }),
  })
  requireClient(client, signer, request.responseUri)
  return { request, verifier: signer.name }
}

// Before the person is asked and a copy is spent. Where unsigned requests are answered, plain http is let pass too.
function requireAddress({ responseUri }: ReceivedRequest, { allowUnsigned }: PresentOptions): void {
  if (responseUri === undefined || !(allowUnsigned || isPrivateAddress(responseUri))) {
    throw new CtidError(STEP, { detail: 'response_uri' })
  }
}

function linkMembers(parameters: URLSearchParams): JsonObject {
  const members: Record<string, JsonObject[string]> = {}
  for (const [name, value] of parameters) {
    if (name in members) throw new CtidError(STEP, { detail: 'a parameter twice' })
    members[name] = name === 'dcql_query' || name === 'client_metadata' ? parseJson(value) : value
  }
  return members
}

async function fetchRequest(
  parameters: URLSearchParams,
  walletNonce: string | undefined,
  options: PresentOptions,
): Promise<string> {
  const inline = parameters.get('request')
  if (inline !== null) return inline
  const uri = parameters.get('request_uri') ?? ''
  if (!/^https?:\/\//.test(uri)) throw new CtidError(STEP, { detail: 'request_uri' })
  const accept = { accept: 'application/oauth-authz-req+jwt' }
  const init =
    walletNonce === undefined
      ? { headers: accept }
      : {
          method: 'POST',
          headers: { ...accept, 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({ wallet_nonce: walletNonce }).toString(),
        }
  const { status, text } = await fetchText(options.fetch, uri, init, { code: STEP, name: 'request object' })
  if (status !== 200) throw new CtidError(STEP, { detail: `request object: status ${status}` })
  return text
}

// One credential for each query; of credential sets, the first option that the wallet can complete.
function choose(request: ReceivedRequest, holdings: readonly Holding[]): Choice[] | undefined {
  const { credentials, credentialSets } = request.query
  const found = new Map<string, Choice>()
  const used = new Set<Holding>()
  for (const query of credentials) {
    for (const holding of holdings) {
      if (used.has(holding)) continue
      const { claims } = readCredential(holding.credential)
      const candidate = {
        format: 'dc+sd-jwt',
        vct: String(claims['vct']),
        claims,
        holderBound: true,
        authorityKeyIds: holding.authorityKeyIds ?? [],
      }
      if (mismatch(query, candidate) !== undefined) continue
      const wanted = claimsToDisclose(query, claims) ?? []
      found.set(query.id, { query, holding, disclose: wanted.map((claim) => claim.path) })
      used.add(holding)
      break
    }
  }
  if (!credentialSets) return found.size === credentials.length ? [...found.values()] : undefined
  const ids = new Set<string>()
  for (const set of credentialSets) {
    const option = set.options.find((one) => one.every((id) => found.has(id)))
    if (option) for (const id of option) ids.add(id)
    else if (set.required) return undefined
  }
  return [...ids].map((id) => found.get(id) as Choice)
}

// Of two runs that choose one copy at the same time the slower takes another. The person agreed to what it says, so it has
// to say the same.
async function spend(
  request: ReceivedRequest,
  choices: readonly Choice[],
  { verifier, ...options }: PresentOptions & { readonly verifier: string },
): Promise<readonly Choice[]> {
  const used = choices.map(({ holding }) => holding)
  try {
    await options.onSpend?.(used, verifier)
    return choices
  } catch (error) {
    const holdings = options.holdings.filter((one) => !used.includes(one))
    const others =
      isCtidError(error) && error.code === 'ERR_WALLET_EMPTY' ? choose(request, holdings) : undefined
    if (!others || saying(others) !== saying(choices)) throw error
    return spend(request, others, { ...options, holdings, verifier })
  }
}

const OF_ONE_COPY = ['cnf', 'status', 'iat', 'nbf', 'exp', 'log_receipt']

function saying(choices: readonly Choice[]): string {
  return canonicalJson(
    choices.map(({ query, holding, disclose }) => {
      const claims = Object.entries(readCredential(holding.credential).claims)
      const said = claims.filter(([name]) => !OF_ONE_COPY.includes(name))
      return [query.id, disclose, Object.fromEntries(said)]
    }) as unknown as Json,
  )
}

async function send(
  request: ReceivedRequest,
  members: JsonObject,
  options: PresentOptions,
): Promise<JsonObject> {
  if (request.responseUri === undefined) throw new CtidError(STEP, { detail: 'response_uri' })
  const payload = { ...members, ...(request.state === undefined ? {} : { state: request.state }) }
  const form = new URLSearchParams()
  if (request.responseMode === 'direct_post.jwt')
    form.set('response', await encryptResponse(payload, request))
  else {
    for (const [name, value] of Object.entries(payload)) {
      form.set(name, isJsonObject(value) ? JSON.stringify(value) : String(value))
    }
  }
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: form.toString(),
  }
  const answer = await fetchJson(options.fetch, request.responseUri, init, { code: STEP, name: 'response' })
  if (answer.status !== 200) throw new CtidError(STEP, { detail: `response: ${errorWord(answer)}` })
  return answer.body
}
