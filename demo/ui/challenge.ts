// The challenge a verifier shows: random bytes and the verifier's own name, as text that fits a small square.
import { concatBytes, fromUtf8, utf8 } from '#ctid/base'
import { decodeBase45, encodeBase45 } from '#ctid/qr'

const PREFIX = 'CTC1:'
const BYTES = 12
const MAX_LENGTH = 200

export type Challenge = { readonly bytes: Uint8Array; readonly audience: string }

export function writeChallenge({ bytes, audience }: Challenge): string {
  return PREFIX + encodeBase45(concatBytes(bytes, utf8(audience)))
}

/** Reads a challenge; `undefined` when the text is none. */
export function readChallenge(text: string): Challenge | undefined {
  if (!text.startsWith(PREFIX) || text.length > MAX_LENGTH) return undefined
  try {
    const bytes = decodeBase45(text.slice(PREFIX.length))
    if (bytes.length <= BYTES) return undefined
    return { bytes: bytes.slice(0, BYTES), audience: fromUtf8(bytes.slice(BYTES)) }
  } catch {
    return undefined
  }
}
