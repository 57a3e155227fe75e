// Standard base64 with padding (RFC 4648 section 4), strict: notes and proofs use it, the rest of the library base64url.
import { fromBase64url, toBase64url } from '../base/index.ts'

export function toBase64(bytes: Uint8Array): string {
  const text = toBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/')
  return text + '='.repeat((4 - (text.length % 4)) % 4)
}

/** Throws `TypeError` on anything that {@link toBase64} would not give. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 4 !== 0 || /[-_]/.test(text)) throw new TypeError('not base64')
  return fromBase64url(
    text
      .replace(/={1,2}$/, '')
      .replaceAll('+', '-')
      .replaceAll('/', '_'),
  )
}
