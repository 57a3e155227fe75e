// The HAIP 1.0 profile as a list of checks over what a party publishes: a report for whoever switches it on.
import { isJsonObject, type Json, type JsonObject } from '../base/index.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import { authorizationServerMetadata, credentialIssuerMetadata, type IssuerDeps } from './issuer-config.ts'

/** One requirement and whether the configuration meets it. */
export type HaipCheck = { readonly section: string; readonly requirement: string; readonly met: boolean }

/** Checks an issuer's metadata and policy against HAIP 1.0 sections 4 and 6 to 8. */
export function haipIssuerReport(deps: IssuerDeps, x5c: readonly string[]): readonly HaipCheck[] {
  const issuer = credentialIssuerMetadata(deps)
  const server = authorizationServerMetadata(deps)
  const configurations = Object.values(object(issuer['credential_configurations_supported'])).map(object)
  const every = (test: (configuration: JsonObject) => boolean) =>
    configurations.length > 0 && configurations.every(test)
  const has = (name: string, value: string) => list(server[name]).includes(value)
  return [
    check('4', 'authorization code flow', has('grant_types_supported', 'authorization_code')),
    check('4', 'PKCE with S256 and nothing else', only(server['code_challenge_methods_supported'], 'S256')),
    check(
      '4',
      'pushed authorization requests are the only way in',
      server['require_pushed_authorization_requests'] === true,
    ),
    check(
      '4',
      'the issuer names itself in the authorization response (RFC 9207)',
      server['authorization_response_iss_parameter_supported'] === true,
    ),
    check('4', 'access tokens are bound by DPoP', deps.policy.requireDpop),
    check('4', 'DPoP proofs with ES256', has('dpop_signing_alg_values_supported', 'ES256')),
    check('4.1', 'addresses use TLS', String(issuer['credential_issuer']).startsWith('https://')),
    check(
      '4.1',
      'a scope for every credential configuration',
      every(({ scope }) => typeof scope === 'string'),
    ),
    check('4.1', 'nonce endpoint', typeof issuer['nonce_endpoint'] === 'string'),
    check(
      '4',
      'batch issuance is stated where it is offered',
      'batch_credential_issuance' in issuer === deps.policy.batchSize > 1,
    ),
    check(
      '4.4.1',
      'wallets must authenticate by attestation',
      deps.policy.requireClientAttestation &&
        only(server['token_endpoint_auth_methods_supported'], 'attest_jwt_client_auth'),
    ),
    check(
      '4.5.1',
      'proof types jwt with key_attestation, and attestation',
      every(({ proof_types_supported: types }) => 'jwt' in object(types) && 'attestation' in object(types)) &&
        deps.resolveAttester !== undefined,
    ),
    check(
      '6.1',
      'format dc+sd-jwt with key binding',
      every(
        ({ format, cryptographic_binding_methods_supported: methods }) =>
          format === 'dc+sd-jwt' && list(methods).includes('jwk'),
      ),
    ),
    check('6.1.1', 'the issuer’s certificate chain goes with each credential', x5c.length > 0),
    check(
      '7',
      'ES256 everywhere',
      every(({ credential_signing_alg_values_supported: algorithms }) => only(algorithms, 'ES256')),
    ),
  ]
}

/** Checks a verifier's request against HAIP 1.0 section 5. */
export function haipVerifierReport(
  request: AuthorizationRequest,
  verifier: { readonly baseUrl: string; readonly x5c: readonly string[]; readonly isSameDevice: boolean },
): readonly HaipCheck[] {
  const { clientId, responseMode, encryptionKey, expectedOrigins } = request
  const overApi = responseMode.startsWith('dc_api')
  return [
    check('5', 'client identifier prefix x509_hash', clientId.startsWith('x509_hash:')),
    check('5', 'signed request with the certificate chain', verifier.x5c.length > 0),
    check('5', 'the answer must be encrypted', responseMode.endsWith('.jwt')),
    check(
      '5',
      'a fresh ECDH-ES key on P-256',
      encryptionKey?.alg === 'ECDH-ES' && encryptionKey.crv === 'P-256',
    ),
    check('5', 'DCQL with trusted_authorities of type aki', true),
    check('5.1', 'addresses use TLS', verifier.baseUrl.startsWith('https://')),
    overApi
      ? check('5.2', 'expected origins are stated', (expectedOrigins?.length ?? 0) > 0)
      : check(
          '5.1',
          'same-device flow ends with a redirect bound to the browser session',
          verifier.isSameDevice,
        ),
    check('7', 'ES256 for requests, credentials and key binding', true),
  ]
}

function check(section: string, requirement: string, met: boolean): HaipCheck {
  return { section, requirement, met }
}

function object(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {}
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : []
}

function only(value: Json | undefined, wanted: string): boolean {
  return list(value).length === 1 && list(value)[0] === wanted
}
