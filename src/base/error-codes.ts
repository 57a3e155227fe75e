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
} as const satisfies Record<string, Entry>

/** Closed union of all codes. */
export type ErrorCode = keyof typeof ERRORS
