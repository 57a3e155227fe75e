// Every error code of the library in one table: HTTP status, and one sentence that says what to do.
// SPEC.md section 18 lists the same table; a test compares the two.

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
  ERR_HTTP_METHOD: { status: 405, message: 'Use one of the methods that the Allow header names.' },
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

  ERR_HTTP_BUSY: {
    status: 503,
    message: 'Too many requests at once; try again after the time in Retry-After.',
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
  ERR_STATUS_HISTORY: {
    status: 501,
    message: 'Status lists of past times are not kept; fetch the current one.',
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
  ERR_ISSUER_REVOKED: {
    status: 409,
    message:
      'The entry is frozen, revoked or superseded: nothing can be issued for it, and revocation is final.',
  },
  ERR_ISSUER_UNAVAILABLE: {
    status: 503,
    message:
      'The issuer cannot be reached or did not answer properly. Try again later; for copies with a fresh nonce.',
  },
  ERR_ISSUER_ELSEWHERE: {
    status: 409,
    message: 'This key folder has no issuer’s keys: name the issuer with --issuer and --issuer-credential.',
  },

  // identity
  ERR_IDENTITY_RECORD: {
    status: 400,
    message: 'The legal record is malformed: send the documented members, each as text.',
  },
  ERR_IDENTITY_DOCUMENT_NUMBER: {
    status: 400,
    message: 'The document number has the wrong length or characters; type it as printed.',
  },
  ERR_IDENTITY_DOCUMENT_TYPE: {
    status: 400,
    message: 'The number belongs to a document of another type; send that documentType.',
  },
  ERR_IDENTITY_CHECK_DIGIT: {
    status: 400,
    message: 'The check character does not fit the number; look for a typing error.',
  },
  ERR_IDENTITY_REGION: {
    status: 400,
    message: 'The number starts with a region or country code that is none.',
  },
  ERR_IDENTITY_DATE: { status: 400, message: 'A date is not a real day, or out of range; send YYYY-MM-DD.' },
  ERR_IDENTITY_ISSUING_STATE: {
    status: 400,
    message:
      'The issuing state is not an ISO 3166 alpha-3 or ICAO code, or not one that issues this document.',
  },
  ERR_IDENTITY_NAME: {
    status: 400,
    message: 'The name is empty, too long, or contains control or invisible characters.',
  },
  ERR_IDENTITY_CONTRADICTION: {
    status: 400,
    message: 'A field contradicts what the document number says; correct one of them.',
  },

  // health
  ERR_HEALTH_RULE: {
    status: 400,
    message:
      'The rule is not valid CertLogic 1.3.3 or reads facts that do not exist; correct it before publishing.',
  },
  ERR_HEALTH_RULE_SET: {
    status: 400,
    message: 'The rule set is malformed, unsigned, or not in force at this time; use a published edition.',
  },
  ERR_HEALTH_EVIDENCE: {
    status: 400,
    message: 'The evidence is malformed: send a compact JWS with the members of its class.',
  },
  ERR_HEALTH_SOURCE: {
    status: 403,
    message: 'The source is not registered for this class, region or time; ask the health authority.',
  },
  ERR_HEALTH_SIGNATURE: { status: 400, message: 'A signature does not verify under the registered key.' },
  ERR_HEALTH_TIME: {
    status: 400,
    message: 'The document lies in the future, has expired, or claims a longer life than allowed.',
  },
  ERR_HEALTH_CERTIFICATE: {
    status: 400,
    message: 'The health certificate cannot be read: scan the whole code again.',
  },
  ERR_HEALTH_CERTIFICATE_KEY: {
    status: 403,
    message: 'No trusted key fits the health certificate, or its key may not sign this kind.',
  },
  ERR_HEALTH_MANUAL_ENTRY: {
    status: 403,
    message: 'A manual entry needs a reason of the closed list, two officers of two offices, and an end.',
  },
  ERR_HEALTH_APPEAL: {
    status: 409,
    message: 'The appeal does not exist, is already decided, or the request does not fit its state.',
  },
  ERR_HEALTH_DEMAND: {
    status: 409,
    message: 'The region demands what it has not published; only published demands count.',
  },
  ERR_HEALTH_BUNDLE: {
    status: 400,
    message:
      'The audit bundle is malformed: lists of rule sets, records, digests and openings, each in its form.',
  },

  // pseudonym
  ERR_PSEUDONYM_REQUEST: {
    status: 400,
    message: 'The conversion request is malformed; build it with makeRequest and send it unchanged.',
  },
  ERR_PSEUDONYM_SIGNATURE: {
    status: 401,
    message: 'A signature does not verify under the key that the directory names for its signer.',
  },
  ERR_PSEUDONYM_COPIES: {
    status: 400,
    message:
      'The copy for the receiver and the copy for the audit are not proved to hold the same pseudonyms.',
  },
  ERR_PSEUDONYM_STALE: {
    status: 400,
    message: 'The request or receipt is not of now; sign a new one and check the clocks.',
  },
  ERR_PSEUDONYM_REPLAY: {
    status: 409,
    message: 'This request was served already; make a new request with fresh randomness.',
  },
  ERR_PSEUDONYM_GRANT: {
    status: 403,
    message: 'The purpose grant is malformed, foreign to this request, or not signed by a purpose authority.',
  },
  ERR_PSEUDONYM_GRANT_TIME: { status: 403, message: 'The purpose grant is not in force; ask for a new one.' },
  ERR_PSEUDONYM_GRANT_SCOPE: {
    status: 403,
    message: 'The request goes beyond the purpose grant: keep to its sectors and fields.',
  },
  ERR_PSEUDONYM_GRANT_COUNT: {
    status: 403,
    message: 'The purpose grant does not cover that many conversions any more; ask for a new one.',
  },
  ERR_PSEUDONYM_RECEIPT: {
    status: 403,
    message: 'No conversion without a receipt of the audit log for this very request.',
  },
  ERR_PSEUDONYM_NOT_ENROLLED: {
    status: 403,
    message: 'The audit log admits only enrolled persons; correct the rows named and send a new request.',
  },
  ERR_PSEUDONYM_PAIR: {
    status: 404,
    message: 'No conversion is set up between these two sectors; the trustees must hold a ceremony first.',
  },
  ERR_PSEUDONYM_TRUSTEES: {
    status: 503,
    message: 'Too few trustees answered rightly; those named refused, were wrong, or could not be reached.',
  },
  ERR_PSEUDONYM_CEREMONY: {
    status: 400,
    message: 'The key ceremony failed at the party named; exclude it or repeat the ceremony.',
  },
  ERR_PSEUDONYM_KEYS: { status: 400, message: 'The directory or key file is malformed; export it again.' },
  ERR_PSEUDONYM_JOURNAL: {
    status: 500,
    message: 'The journal is damaged or cannot be written; nothing is served until it is restored.',
  },
  ERR_PSEUDONYM_ROWS: {
    status: 400,
    message:
      'Rows are missing or cannot be used: a person twice, fields other than those granted, or too late.',
  },
  ERR_PSEUDONYM_QUERY: {
    status: 400,
    message:
      'The aggregate is malformed: name granted fields, their possible values, and whole-number bounds.',
  },
  ERR_PSEUDONYM_BUDGET: {
    status: 403,
    message:
      'The privacy budget does not cover this answer; each field is told exactly once, all else needs noise.',
  },
  ERR_PSEUDONYM_DISCARDED: { status: 410, message: 'The fusion was discarded, and its keys with it.' },
  ERR_PSEUDONYM_LEGACY: {
    status: 400,
    message: 'Not a source PIN, base number or sector of the bPK scheme.',
  },

  // qr
  ERR_QR_TOO_LARGE: { status: 413, message: 'The code, message or picture is larger than any we accept.' },
  ERR_QR_FORM: {
    status: 400,
    message: 'The text is not a code of this system: it has none of its prefixes.',
  },
  ERR_QR_BASE45: { status: 400, message: 'The text after the prefix is not base45; scan the code again.' },
  ERR_QR_CBOR: { status: 400, message: 'The code is not CBOR in its one deterministic form.' },
  ERR_QR_COSE: { status: 400, message: 'The code is not a COSE_Sign1 message of the required profile.' },
  ERR_QR_CLAIMS: { status: 400, message: 'The claims are incomplete, unknown or out of range.' },
  ERR_QR_RENDER: { status: 400, message: 'The text does not fit a QR code in alphanumeric mode.' },
  ERR_QR_IMAGE: {
    status: 400,
    message: 'No readable QR code in the picture; take it closer, straight and in focus.',
  },
  ERR_QR_ONLINE: {
    status: 400,
    message: 'The mailbox number or the message is malformed; ask for a new code.',
  },
  ERR_QR_RELAY_EMPTY: {
    status: 410,
    message: 'The online code was fetched before or has expired; ask for a new one.',
  },
  ERR_QR_RELAY_TAKEN: { status: 409, message: 'The mailbox is in use; make a new online code.' },
  ERR_QR_RELAY_UNREACHABLE: {
    status: 503,
    message: 'The relay cannot be reached; show the offline code instead.',
  },
  ERR_QR_RELAY_FULL: {
    status: 503,
    message: 'The relay is full; show the offline code, or try again shortly.',
  },

  // verifier
  ERR_VERIFIER_FORM: {
    status: 422,
    message: 'This verifier does not accept codes of this form; use one that its policy names.',
  },
  ERR_VERIFIER_ISSUER_SIGNATURE: { status: 422, message: 'The issuer signature does not verify.' },
  ERR_VERIFIER_NOT_YET_VALID: { status: 422, message: 'The attestation is not valid yet; check the clocks.' },
  ERR_VERIFIER_EXPIRED: { status: 422, message: 'The attestation has expired; fetch new copies.' },
  ERR_VERIFIER_TOO_OLD: {
    status: 422,
    message: 'The attestation is older than this verifier accepts; fetch new copies.',
  },
  ERR_VERIFIER_HOLDER_SIGNATURE: { status: 422, message: 'The holder signature does not verify.' },
  ERR_VERIFIER_STEP_OLD: {
    status: 422,
    message:
      'The code is too old; show the current one, not a picture of it. If it is the current one, check the clocks.',
  },
  ERR_VERIFIER_STEP_FUTURE: { status: 422, message: 'The code is from the future; check the clocks.' },
  ERR_VERIFIER_CHALLENGE: {
    status: 422,
    message: 'The code does not answer the challenge of this verifier; scan the challenge again.',
  },
  ERR_VERIFIER_AUDIENCE: { status: 422, message: 'The code was made for another verifier.' },
  ERR_VERIFIER_STATUS_STALE: {
    status: 422,
    message: 'The status list is too old or missing; connect once to refresh it.',
  },
  ERR_VERIFIER_REVOKED: { status: 422, message: 'The attestation was revoked.' },
  ERR_VERIFIER_SUSPENDED: { status: 422, message: 'The attestation is suspended for now.' },
  ERR_VERIFIER_ASSURANCE: {
    status: 422,
    message: 'The assurance level is below what this verifier requires.',
  },
  ERR_VERIFIER_KIND: {
    status: 422,
    message: 'The attestation is of another kind than this verifier asks for.',
  },
  ERR_VERIFIER_HEALTH: {
    status: 422,
    message: 'The health outcome is not one this verifier accepts, or no longer holds.',
  },
  ERR_VERIFIER_REPLAYED: { status: 422, message: 'The code was used before; show a new one.' },
  ERR_VERIFIER_REPLAY_FULL: { status: 503, message: 'The memory of used codes is full; try again shortly.' },
  ERR_VERIFIER_INCOMPLETE: {
    status: 422,
    message: 'A required check was not executed, and not executed is not passed.',
  },
  ERR_VERIFIER_POLICY: {
    status: 500,
    message: 'The verifier policy contradicts itself; run the policy linter.',
  },

  // token
  ERR_TOKEN_INPUT: { status: 400, message: 'An input is empty or longer than 65,535 bytes.' },
  ERR_TOKEN_BATCH: { status: 400, message: 'Send 1 to 1,024 elements in one batch, and as many results.' },
  ERR_TOKEN_REQUEST: {
    status: 400,
    message: 'The evaluator request or answer is malformed; see SPEC section 6.',
  },
  ERR_TOKEN_QUORUM: {
    status: 503,
    message: 'Too few evaluators gave a proved answer; try again when those named are back.',
  },
  ERR_TOKEN_EVALUATOR: {
    status: 502,
    message: 'An evaluator could not be reached or did not answer properly.',
  },
  ERR_TOKEN_KEY_SET: {
    status: 400,
    message: 'The evaluator key set is malformed or its keys do not fit together; fetch the published one.',
  },
  ERR_TOKEN_KEY_VERSION: {
    status: 409,
    message: 'The key version or epoch is not the one the evaluator holds; fetch the published key set.',
  },
  ERR_TOKEN_SHARE_FILE: {
    status: 500,
    message:
      'The evaluator share file is malformed, contradicts its key set, or is readable by others (chmod 600).',
  },
  ERR_TOKEN_CEREMONY: {
    status: 400,
    message:
      'A party of the key ceremony deviated, or its file is missing, altered or of another ceremony; start again without it.',
  },
  ERR_TOKEN_CALLER: {
    status: 401,
    message: 'The caller is unknown, or the request MAC or its time is wrong.',
  },
  ERR_TOKEN_RATE: { status: 429, message: 'The caller used up its evaluations; wait as Retry-After says.' },
  ERR_TOKEN_COUNT_LOG: {
    status: 500,
    message:
      'The request count log is damaged or cannot be written; the evaluator does not answer without it.',
  },

  // wallet
  ERR_WALLET_STATE: { status: 500, message: 'The stored wallet is malformed or of another version.' },
  ERR_WALLET_COPY: {
    status: 400,
    message: 'The copy does not belong to a key of this wallet, or is malformed.',
  },
  ERR_WALLET_EMPTY: { status: 409, message: 'No unused copy is left; fetch new copies from the issuer.' },
  ERR_WALLET_KEY: { status: 404, message: 'The device key is gone; enrol this device again.' },
  ERR_WALLET_ENDED: { status: 409, message: 'This showing has ended; start a new one.' },

  // store
  ERR_STORE_URL: {
    status: 500,
    message: 'The storage address is not understood; give a file path, :memory: or postgres://….',
  },
  ERR_STORE_SQLITE_VERSION: {
    status: 500,
    message: 'This SQLite can corrupt its journal; use one of version 3.51.3 or later.',
  },
  ERR_STORE_NOT_DURABLE: {
    status: 500,
    message: 'The database answers before its log is on disk; switch fsync and synchronous_commit on.',
  },
  ERR_STORE_SCHEMA: {
    status: 500,
    message:
      'The database schema is not the one this program knows; run the program that made it, or a newer one.',
  },
  ERR_STORE_BUSY: { status: 503, message: 'Another process holds the database; try again shortly.' },
  ERR_STORE_UNAVAILABLE: {
    status: 503,
    message: 'The database cannot be reached, or has no room; nothing was written. Try again.',
  },
  ERR_STORE_OUTCOME_UNKNOWN: {
    status: 503,
    message:
      'The connection broke while committing; repeat the request, which is safe, to learn the outcome.',
  },
  ERR_STORE_FAILED: { status: 500, message: 'The database refused a statement; nothing was written.' },
  ERR_STORE_CLOSED: { status: 503, message: 'The database is closed; the service is shutting down.' },

  // registry
  ERR_REGISTRY_KEYS: {
    status: 500,
    message: 'The registry keys do not belong to this database; start with the keys it was made with.',
  },
  ERR_REGISTRY_KEY_MALFORMED: {
    status: 400,
    message: 'The registry key file is malformed; restore it from its backup.',
  },
  ERR_REGISTRY_KEY_RETIRED: {
    status: 503,
    message: 'This process holds a key that was rotated out; restart it with the current keys.',
  },
  ERR_REGISTRY_CONFLICT: {
    status: 409,
    message: 'The binding contradicts an existing one; the detail says on which side. Nothing was written.',
  },
  ERR_REGISTRY_RECORD: {
    status: 400,
    message: 'The record cannot be sealed: give one JSON object of at most 16 KiB.',
  },
  ERR_REGISTRY_TOKEN: { status: 404, message: 'No entry has this token.' },
  ERR_REGISTRY_STATE: {
    status: 409,
    message: 'The life cycle does not allow this step from the present state.',
  },
  ERR_REGISTRY_REASON: { status: 400, message: 'Give a reason of the list for this step.' },
  ERR_REGISTRY_ERASED: { status: 410, message: 'The record was erased; only its token remains.' },
  ERR_REGISTRY_SEAL: {
    status: 500,
    message: 'A sealed entry does not open or belongs to another row; stop, and compare with the backup.',
  },
  ERR_REGISTRY_ROTATION: {
    status: 409,
    message: 'The key rotation is not at this step; the detail says what comes first.',
  },
  ERR_REGISTRY_ANCHOR_VERSION: {
    status: 409,
    message:
      'The anchor is not of the evaluators’ key in use (during its rotation: both); derive it with the current key set.',
  },
  ERR_REGISTRY_LOG: {
    status: 503,
    message: 'The transparency log did not accept the event, so the step is not acknowledged; repeat it.',
  },

  // registrar
  ERR_REGISTRAR_BULK_HEADER: {
    status: 400,
    message:
      'The first line must be a JSON object, or a CSV header with documentNumber, name and other members of a record.',
  },
  ERR_REGISTRAR_BULK_LINE: { status: 400, message: 'The line is not a record of this file’s format.' },
  ERR_REGISTRAR_BULK_FILE: {
    status: 503,
    message: 'The bulk file or a file beside it cannot be read or written.',
  },
  ERR_REGISTRAR_BULK_BUSY: {
    status: 409,
    message:
      'Another run has this file under way. Wait for its end; the lock of a run that was killed is taken over.',
  },
  ERR_REGISTRAR_BULK_CHECKPOINT: {
    status: 409,
    message:
      'The checkpoint is damaged or of another file. Remove it to begin again: nobody is enrolled twice.',
  },
  ERR_REGISTRAR_BULK_LIE: {
    status: 502,
    message:
      'An evaluator answered falsely. Remove it, then run again from the beginning with every batch proved (--prove all).',
  },
  ERR_DEPLOYMENT_LOCKED: {
    status: 503,
    message: 'Another process is changing this key folder; try again, or remove its file "lock" if none is.',
  },
  ERR_REGISTRAR_CALLERS: {
    status: 500,
    message:
      'The file of callers must be private to its owner and name each caller with a secret of 32 bytes.',
  },
  ERR_REGISTRAR_WORKER: {
    status: 503,
    message: 'A worker thread has ended. Run again: it goes on from the checkpoint.',
  },
  // transparency
  ERR_LOG_NOTE: {
    status: 400,
    message:
      'The signed note or its key is malformed, or a known key did not sign it; fetch it again from the log.',
  },
  ERR_LOG_CHECKPOINT: { status: 400, message: 'The checkpoint is malformed or belongs to another log.' },
  ERR_LOG_WITNESSES: {
    status: 403,
    message: 'Too few witnesses cosigned the checkpoint; wait for more cosignatures or ask the log operator.',
  },
  ERR_LOG_PROOF: {
    status: 400,
    message: 'The Merkle proof does not verify, or none exists for this index and size.',
  },
  ERR_LOG_TILE: { status: 502, message: 'A tile or entry bundle of the log is missing, cut off or altered.' },
  ERR_LOG_ENTRY: {
    status: 400,
    message: 'The log entry is malformed; see SPEC.md, transparency log, entries.',
  },
  ERR_LOG_OPENING: { status: 400, message: 'The opening does not fit the entry: the commitment differs.' },
  ERR_LOG_RECEIPT: { status: 400, message: 'The log receipt is malformed or does not cover this entry.' },
  ERR_LOG_DUPLICATE: {
    status: 409,
    message: 'This label is bound already; one record has one token and one token one record.',
  },
  ERR_LOG_VRF: { status: 400, message: 'The VRF key or proof is invalid.' },
  ERR_LOG_LOCKED: { status: 503, message: 'Another process writes this log; stop it first.' },
  ERR_LOG_CLOSED: {
    status: 503,
    message: 'The log is closed or failed; nothing was acknowledged. Reopen it and retry.',
  },
  ERR_LOG_CORRUPT: {
    status: 500,
    message: 'The files of the log contradict each other; restore them and run `ctid audit fsck`.',
  },

  // openid
  ERR_OPENID_CLIENT: {
    status: 401,
    message: 'Client authentication failed: the wallet attestation or its proof of possession does not hold.',
  },
  ERR_OPENID_GRANT: {
    status: 400,
    message: 'The code is unknown, expired, already used, or does not go with the other parameters.',
  },
  ERR_OPENID_GRANT_TYPE: {
    status: 400,
    message: 'Only authorization_code and the pre-authorised code are supported.',
  },
  ERR_OPENID_RESPONSE_TYPE: { status: 400, message: 'Only the response type code is supported.' },
  ERR_OPENID_SCOPE: { status: 400, message: 'The scope names no credential of this issuer.' },
  ERR_OPENID_DPOP: {
    status: 400,
    message: 'The DPoP proof does not hold; make a new one for this very request.',
  },
  ERR_OPENID_DPOP_NONCE: {
    status: 400,
    message: 'Use the nonce of the DPoP-Nonce header in the DPoP proof.',
  },
  ERR_OPENID_TOKEN: {
    status: 401,
    message: 'The access token is missing, unknown, expired, or bound to another key.',
  },
  ERR_OPENID_PROOF: { status: 400, message: 'The proof of possession of the holder key does not hold.' },
  ERR_OPENID_NONCE: {
    status: 400,
    message: 'The proof lacks a fresh nonce; fetch one from the nonce endpoint.',
  },
  ERR_OPENID_CONFIGURATION: {
    status: 400,
    message: 'This issuer has no such credential, or the token does not cover it.',
  },
  ERR_OPENID_CREDENTIAL_REQUEST: { status: 400, message: 'The credential request is malformed.' },
  ERR_OPENID_CREDENTIAL_IDENTIFIER: {
    status: 400,
    message: 'The token was not given for a credential of this identifier.',
  },
  ERR_OPENID_AUTHORIZATION_DETAILS: {
    status: 400,
    message:
      'The authorization details are malformed or ask for what this issuer or this grant does not cover.',
  },
  ERR_OPENID_ENCRYPTION: { status: 400, message: 'Encrypted credential responses are not offered.' },
  ERR_OPENID_DENIED: { status: 400, message: 'The issuer does not issue this credential to this holder.' },
  ERR_OPENID_TRANSACTION: {
    status: 400,
    message: 'There is no deferred issuance of this name for this token.',
  },
  ERR_OPENID_NOTIFICATION_ID: { status: 400, message: 'There is no issuance of this name for this token.' },
  ERR_OPENID_NOTIFICATION: { status: 400, message: 'The notification is malformed.' },
  ERR_OPENID_OFFER: { status: 400, message: 'The credential offer is malformed, expired or not understood.' },
  ERR_OPENID_ISSUER: {
    status: 502,
    message: 'The issuer answered with an error or not as the protocol says.',
  },
  ERR_OPENID_DCQL: { status: 400, message: 'The DCQL query breaks a rule of OpenID4VP section 6.' },
  ERR_OPENID_DCQL_ANSWER: { status: 400, message: 'The answer does not satisfy the query.' },
  ERR_OPENID_CLIENT_ID: {
    status: 400,
    message: 'The client identifier is not one we speak, or not the certificate holder’s.',
  },
  ERR_OPENID_REQUEST: {
    status: 400,
    message: 'The authorisation request is malformed or not for this wallet.',
  },
  ERR_OPENID_RESPONSE: {
    status: 400,
    message: 'The authorisation response is malformed or not encrypted as asked.',
  },
  ERR_OPENID_STATE: { status: 400, message: 'The response does not belong to this request (state).' },
  ERR_OPENID_UNKNOWN_REQUEST: {
    status: 400,
    message: 'There is no open request of this name: unknown, expired or already answered.',
  },
} as const satisfies Record<string, Entry>

/** Closed union of all codes. */
export type ErrorCode = keyof typeof ERRORS
