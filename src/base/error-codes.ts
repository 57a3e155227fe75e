// Every error code of the library in one table: HTTP status, and one sentence that says what to do.
// SPEC.md section 17 lists the same table; a test compares the two.

type Entry = { readonly status: number; readonly message: string }

export const ERRORS = {
  // base
  ERR_JSON_MALFORMED: {
    status: 400,
    message: 'The text is not valid JSON; send one JSON document in UTF-8.',
  },
  ERR_JSON_DUPLICATE_KEY: { status: 400, message: 'A JSON object names a member twice; name each once.' },
  ERR_JSON_TOO_LARGE: { status: 413, message: 'The JSON document is too large or too deeply nested.' },

  // crypto
  ERR_CRYPTO_POINT: {
    status: 400,
    message: 'Not a ristretto255 element: send 32 bytes in canonical encoding, not the identity.',
  },
  ERR_CRYPTO_SCALAR: {
    status: 400,
    message: 'Not a scalar: send 32 little-endian bytes, not zero and below the group order.',
  },
  ERR_CRYPTO_KEY: { status: 400, message: 'The key is malformed or not of the expected type (P-256).' },
  ERR_CRYPTO_DECRYPT: {
    status: 400,
    message: 'Decryption failed: wrong key, wrong context, or altered data.',
  },
  ERR_CRYPTO_THRESHOLD: {
    status: 400,
    message: 'Too few or repeated shares: supply t shares with distinct ids.',
  },
  ERR_CRYPTO_PROOF: { status: 400, message: 'The DLEQ proof does not verify under the published key.' },
  // http
  ERR_HTTP_NOT_FOUND: { status: 404, message: 'There is nothing at this address.' },
  ERR_HTTP_BAD_REQUEST: { status: 400, message: 'The request is malformed.' },
  ERR_HTTP_MEDIA_TYPE: { status: 415, message: 'Send the body with Content-Type: application/json.' },
  ERR_HTTP_BODY_TOO_LARGE: { status: 413, message: 'The request body is too large.' },
  ERR_HTTP_INTERNAL: {
    status: 500,
    message: 'Something failed on our side; nothing was half-written. Try again later.',
  },
  ERR_HTTP_LISTEN: {
    status: 503,
    message: 'Cannot listen on this address and port; is another process using it?',
  },
  ERR_HTTP_UNAVAILABLE: {
    status: 503,
    message: 'A service that is needed here does not answer; try again later.',
  },

  // cli
  ERR_CLI_USAGE: { status: 400, message: 'The command line is not understood; run the command with --help.' },
  ERR_CLI_FILE: { status: 400, message: 'The file cannot be read or written.' },

  // trust
  ERR_TRUST_TOO_LARGE: { status: 413, message: 'The signed object is larger than this service accepts.' },
  ERR_TRUST_JWS: { status: 400, message: 'Not a compact JWS: send three base64url parts without padding.' },
  ERR_TRUST_ALGORITHM: { status: 400, message: 'The signature algorithm is not accepted; sign with ES256.' },
  ERR_TRUST_CRITICAL: {
    status: 400,
    message: 'The header demands an extension that is not understood (crit).',
  },
  ERR_TRUST_TYPE: {
    status: 400,
    message: 'The header names another type of object (typ) than expected here.',
  },
  ERR_TRUST_SIGNATURE: { status: 401, message: 'The signature does not verify under the key it names.' },
  ERR_TRUST_LIST: { status: 400, message: 'The trust list is malformed; fetch it again from its publisher.' },
  ERR_TRUST_LIST_EXPIRED: { status: 400, message: 'The trust list is not valid now; fetch a current one.' },
  ERR_TRUST_UNKNOWN_KEY: {
    status: 401,
    message:
      'The signing key is in no trust list and under no trust anchor of this verifier; add its issuer first.',
  },
  ERR_TRUST_PURPOSE: { status: 403, message: 'The issuer is known, but not recognised for this purpose.' },
  ERR_TRUST_REGION: { status: 403, message: 'The issuer is known, but its region is not recognised here.' },
  ERR_TRUST_KEY_PERIOD: { status: 401, message: 'The signing key was not in force at this time.' },
  ERR_TRUST_CHAIN: {
    status: 400,
    message:
      'The certificate chain (x5c) is malformed: send base64 DER, leaf first, without the trust anchor.',
  },
  ERR_TRUST_ANCHOR: {
    status: 401,
    message: 'The certificate chain ends at no configured trust anchor; add the anchor of this issuer.',
  },
  ERR_TRUST_CERTIFICATE_PERIOD: {
    status: 401,
    message: 'A certificate of the chain is not valid at this time.',
  },
  ERR_TRUST_CERTIFICATE_USE: {
    status: 401,
    message: 'A certificate of the chain may not be used for this (CA flag, key usage, path length).',
  },
  ERR_TRUST_CERTIFICATE_NAME: { status: 401, message: 'The certificate does not name the claimed party.' },

  // credential
  ERR_CREDENTIAL_TOO_LARGE: {
    status: 413,
    message: 'The credential is larger or has more parts than accepted.',
  },
  ERR_CREDENTIAL_FORMAT: {
    status: 400,
    message:
      'Not a compact SD-JWT: send the issuer-signed JWT, the disclosures and the key binding with tildes.',
  },
  ERR_CREDENTIAL_HASH_ALGORITHM: {
    status: 400,
    message: 'The digest algorithm is not accepted; use sha-256.',
  },
  ERR_CREDENTIAL_DISCLOSURE: { status: 400, message: 'A disclosure is malformed or at the wrong place.' },
  ERR_CREDENTIAL_DISCLOSURE_UNREFERENCED: {
    status: 400,
    message: 'A disclosure belongs to no digest of the credential, or is sent twice.',
  },
  ERR_CREDENTIAL_DIGEST: {
    status: 400,
    message: 'An embedded digest is malformed or at a place reserved for it.',
  },
  ERR_CREDENTIAL_DIGEST_REPEATED: {
    status: 400,
    message: 'A digest occurs more than once in the credential.',
  },
  ERR_CREDENTIAL_CLAIM_NAME: { status: 400, message: 'A claim has a reserved name.' },
  ERR_CREDENTIAL_CLAIM_COLLISION: { status: 400, message: 'A disclosed claim exists already at its place.' },
  ERR_CREDENTIAL_CLAIM_PROTECTED: {
    status: 400,
    message: 'A claim that must be in plain view of every verifier was made selectively disclosable.',
  },
  ERR_CREDENTIAL_CLAIM: { status: 400, message: 'A registered claim has a value of the wrong form.' },
  ERR_CREDENTIAL_TYPE: { status: 400, message: 'The credential is of another type (vct) than asked for.' },
  ERR_CREDENTIAL_ISSUER: { status: 401, message: 'The issuer named in the credential is not who signed it.' },
  ERR_CREDENTIAL_EXPIRED: {
    status: 401,
    message: 'The credential has expired; ask the issuer for a new one.',
  },
  ERR_CREDENTIAL_NOT_YET_VALID: { status: 401, message: 'The credential is not valid yet; check the clock.' },
  ERR_CREDENTIAL_PATH: { status: 400, message: 'A claim path names nothing in the credential.' },
  ERR_CREDENTIAL_HOLDER_KEY: {
    status: 400,
    message: 'The credential names no usable holder key (cnf.jwk, P-256), so key binding cannot be checked.',
  },
  ERR_CREDENTIAL_BINDING_MISSING: {
    status: 401,
    message: 'Key binding is required; send a key binding JWT.',
  },
  ERR_CREDENTIAL_BINDING_UNEXPECTED: {
    status: 400,
    message: 'A key binding JWT is not expected here; leave it out.',
  },
  ERR_CREDENTIAL_BINDING: { status: 400, message: 'The key binding JWT is malformed or of another type.' },
  ERR_CREDENTIAL_BINDING_SIGNATURE: {
    status: 401,
    message: 'The key binding was not signed by the holder key.',
  },
  ERR_CREDENTIAL_BINDING_AUDIENCE: { status: 401, message: 'The key binding was made for another verifier.' },
  ERR_CREDENTIAL_BINDING_NONCE: {
    status: 401,
    message: 'The key binding answers another request; ask anew.',
  },
  ERR_CREDENTIAL_BINDING_TIME: {
    status: 401,
    message: 'The key binding is too old or from the future; check the clock.',
  },
  ERR_CREDENTIAL_BINDING_HASH: {
    status: 401,
    message: 'The key binding covers other disclosures than those that came with it.',
  },
  ERR_CREDENTIAL_PROFILE: { status: 400, message: 'The claims do not fit the credential profile.' },

  // status
  ERR_STATUS_REFERENCE: { status: 400, message: 'The status reference of the credential is malformed.' },
  ERR_STATUS_LIST: { status: 400, message: 'The status list token is malformed.' },
  ERR_STATUS_LIST_TOO_LARGE: { status: 413, message: 'The status list is larger than accepted.' },
  ERR_STATUS_LIST_SUBJECT: {
    status: 400,
    message: 'The status list is not the one the credential refers to.',
  },
  ERR_STATUS_LIST_EXPIRED: { status: 400, message: 'The status list is not valid now; fetch a current one.' },
  ERR_STATUS_LIST_SIGNER: {
    status: 401,
    message: 'The status list was not signed by the issuer of the credential.',
  },
  ERR_STATUS_INDEX: { status: 400, message: 'The status index lies outside the status list.' },
  ERR_STATUS_VALUE: { status: 400, message: 'The status does not fit the bits of the list.' },
  ERR_STATUS_UNAVAILABLE: { status: 503, message: 'The status list cannot be fetched; try again later.' },
  ERR_STATUS_REVOKED: { status: 401, message: 'The issuer has revoked this credential.' },
  ERR_STATUS_SUSPENDED: { status: 401, message: 'The issuer has suspended this credential.' },
  ERR_STATUS_UNKNOWN: {
    status: 401,
    message: 'The status of the credential has no known meaning; not accepted.',
  },
  ERR_STATUS_FULL: { status: 503, message: 'No status index is left; open another list.' },

  // issuer
  ERR_ISSUER_REQUEST: { status: 400, message: 'The issuance request is malformed.' },
  ERR_ISSUER_BATCH: {
    status: 400,
    message: 'The number of holder keys is not within the allowed batch size.',
  },
  ERR_ISSUER_PROOF: { status: 400, message: 'A proof of possession is malformed or does not verify.' },
  ERR_ISSUER_PROOF_NONCE: {
    status: 400,
    message: 'The proof of possession uses no nonce of ours, or a used one.',
  },
  ERR_ISSUER_KEY_REPEATED: {
    status: 400,
    message: 'Two copies must not share a holder key; make one key per copy.',
  },
  ERR_ISSUER_DOCUMENT_EXPIRED: {
    status: 409,
    message: 'The document has expired; nothing can be issued on it.',
  },
  ERR_ISSUER_REVOKED: { status: 409, message: 'Revocation is final; issue new copies instead.' },
} as const satisfies Record<string, Entry>

/** Closed union of all codes. */
export type ErrorCode = keyof typeof ERRORS
