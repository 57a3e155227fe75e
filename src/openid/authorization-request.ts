// The verifier's request: a signed request object (RFC 9101, OpenID4VP 1.0 section 5), made here and read by wallets.
import { CtidError, isJsonObject, type JsonObject } from '../base/index.ts'
import type { VerifyKey } from '../crypto/index.ts'
import { parseJws, signJws, type UnverifiedJws, verifyJws } from '../trust/index.ts'
import { type DcqlQuery, parseDcql } from './dcql.ts'

export const REQUEST_TYP = 'oauth-authz-req+jwt'
/** Audience of requests to wallets whose issuer URL is not known (section 5.8). */
export const WALLET_AUDIENCE = 'https://self-issued.me/v2'

export type ResponseMode = 'direct_post' | 'direct_post.jwt' | 'dc_api' | 'dc_api.jwt'
const RESPONSE_MODES: readonly ResponseMode[] = ['direct_post', 'direct_post.jwt', 'dc_api', 'dc_api.jwt']

export type EncryptionKey = {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
  readonly kid: string
  readonly use: 'enc'
  readonly alg: 'ECDH-ES'
}

export type AuthorizationRequest = {
  readonly clientId: string
  readonly responseMode: ResponseMode
  /** Absent with the Digital Credentials API. */
  readonly responseUri?: string
  readonly nonce: string
  readonly state?: string
  /** The query as it is sent. */
  readonly dcqlQuery: JsonObject
  readonly encryptionKey?: EncryptionKey
  /** Web origins that may carry the request over the Digital Credentials API. */
  readonly expectedOrigins?: readonly string[]
}

/** The formats and algorithms a verifier of this project accepts (section 11.1). */
export const VP_FORMATS: JsonObject = {
  'dc+sd-jwt': { 'sd-jwt_alg_values': ['ES256'], 'kb-jwt_alg_values': ['ES256'] },
}

/** The members of the request as the protocol names them. */
export function requestParameters(request: AuthorizationRequest): JsonObject {
  const { encryptionKey: key } = request
  return {
    response_type: 'vp_token',
    client_id: request.clientId,
    response_mode: request.responseMode,
    ...(request.responseUri === undefined ? {} : { response_uri: request.responseUri }),
    nonce: request.nonce,
    ...(request.state === undefined ? {} : { state: request.state }),
    dcql_query: request.dcqlQuery,
    client_metadata: {
      vp_formats_supported: VP_FORMATS,
      ...(key === undefined
        ? {}
        : { jwks: { keys: [key] }, encrypted_response_enc_values_supported: ['A128GCM', 'A256GCM'] }),
    },
    ...(request.expectedOrigins === undefined ? {} : { expected_origins: request.expectedOrigins }),
  }
}

/** Verifier: the signed request object. `x5c` is the signer's chain, leaf first, without the anchor. */
export async function signRequest(
  request: AuthorizationRequest,
  key: { readonly signer: Parameters<typeof signJws>[1]; readonly x5c: readonly string[] },
  times: { readonly now: number; readonly lifetimeSeconds: number; readonly walletNonce?: string },
): Promise<string> {
  const payload = {
    ...requestParameters(request),
    aud: WALLET_AUDIENCE,
    iat: times.now,
    exp: times.now + times.lifetimeSeconds,
    ...(times.walletNonce === undefined ? {} : { wallet_nonce: times.walletNonce }),
  }
  return signJws(payload, key.signer, { typ: REQUEST_TYP, header: { x5c: key.x5c } })
}

/** A request as a wallet understands it. */
export type ReceivedRequest = Omit<AuthorizationRequest, 'encryptionKey'> & {
  readonly query: DcqlQuery
  /** The verifier's encryption keys, unchecked JWKs. */
  readonly encryptionKeys: readonly JsonObject[]
  readonly encValues: readonly string[]
}

/** Wallet: parses a request object without believing it; the header has the chain to check. */
export function parseRequestObject(text: string): UnverifiedJws {
  return parseJws(text, { expectedTyp: REQUEST_TYP })
}

/**
 * Wallet: checks signature, audience, expiry and wallet nonce of a request object and reads its members.
 *
 * @throws {CtidError} `ERR_TRUST_SIGNATURE`, `ERR_OPENID_REQUEST`, `ERR_OPENID_DCQL`
 */
export async function openRequestObject(
  jws: UnverifiedJws,
  key: VerifyKey,
  expected: { readonly now: number; readonly clientId: string; readonly walletNonce?: string },
): Promise<ReceivedRequest> {
  if (!(await verifyJws(jws, key))) throw new CtidError('ERR_TRUST_SIGNATURE')
  const { aud, exp, iat, client_id, wallet_nonce } = jws.payload
  if (aud !== WALLET_AUDIENCE) throw new CtidError('ERR_OPENID_REQUEST', { detail: 'aud' })
  if (client_id !== expected.clientId) throw new CtidError('ERR_OPENID_REQUEST', { detail: 'client_id' })
  if (exp !== undefined && (typeof exp !== 'number' || exp <= expected.now)) {
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'expired' })
  }
  if (iat !== undefined && (typeof iat !== 'number' || iat > expected.now + 300)) {
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'iat' })
  }
  if (expected.walletNonce !== undefined && wallet_nonce !== expected.walletNonce) {
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'wallet_nonce' })
  }
  return readRequest(jws.payload)
}

/**
 * Reads the members of a request, signed or plain.
 *
 * @throws {CtidError} `ERR_OPENID_REQUEST` naming the member, `ERR_OPENID_DCQL`
 */
export function readRequest(members: JsonObject): ReceivedRequest {
  if (members['response_type'] !== 'vp_token')
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'response_type' })
  if (members['transaction_data'] !== undefined) {
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'transaction_data is not supported' })
  }
  const responseMode = RESPONSE_MODES.find((mode) => mode === members['response_mode'])
  if (!responseMode) throw new CtidError('ERR_OPENID_REQUEST', { detail: 'response_mode' })
  const responseUri = members['response_uri']
  const needsUri = responseMode.startsWith('direct_post')
  if (needsUri !== (responseUri !== undefined) || members['redirect_uri'] !== undefined) {
    throw new CtidError('ERR_OPENID_REQUEST', { detail: 'response_uri' })
  }
  const metadata = members['client_metadata']
  const jwks = isJsonObject(metadata) && isJsonObject(metadata['jwks']) ? metadata['jwks']['keys'] : undefined
  const encValues = isJsonObject(metadata) ? metadata['encrypted_response_enc_values_supported'] : undefined
  const dcqlQuery = members['dcql_query']
  if (!isJsonObject(dcqlQuery)) throw new CtidError('ERR_OPENID_REQUEST', { detail: 'dcql_query' })
  return {
    clientId: text(members['client_id'], 'client_id'),
    responseMode,
    ...(responseUri === undefined ? {} : { responseUri: text(responseUri, 'response_uri') }),
    nonce: text(members['nonce'], 'nonce'),
    ...(members['state'] === undefined ? {} : { state: text(members['state'], 'state') }),
    dcqlQuery,
    query: parseDcql(dcqlQuery),
    encryptionKeys: Array.isArray(jwks) ? jwks.filter(isJsonObject) : [],
    encValues: Array.isArray(encValues)
      ? encValues.filter((value) => typeof value === 'string')
      : ['A128GCM'],
  }
}

function text(value: unknown, detail: string): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > 2048) {
    throw new CtidError('ERR_OPENID_REQUEST', { detail })
  }
  return value
}
