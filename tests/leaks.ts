// Looks for people in bytes: names, numbers and birth dates in every encoding, and every plain hash of them.
import { createHash } from 'node:crypto'
import { canonicalIdentity, type LegalRecord } from '#ctid/identity'

/** Forms in which a plaintext could hide. */
function forms(text: string): Map<string, Buffer> {
  const found = new Map([
    ['UTF-8', Buffer.from(text)],
    ['UTF-16', Buffer.from(text, 'utf16le')],
    ['hexadecimal', Buffer.from(Buffer.from(text).toString('hex'))],
    ['JSON escapes', Buffer.from(escaped(text))],
    ['percent signs', Buffer.from(encodeURIComponent(text))],
  ])
  // Inside a longer text base64 begins anywhere in its groups of three bytes.
  for (const offset of [0, 1, 2]) {
    const whole = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)])
    const certain = whole
      .toString('base64')
      .replace(/=+$/, '')
      .slice(offset === 0 ? 0 : offset + 1, -1)
    found.set(`base64, ${offset} bytes in`, Buffer.from(certain))
    found.set(`base64url, ${offset} bytes in`, Buffer.from(certain.replace(/\+/g, '-').replace(/\//g, '_')))
  }
  for (const hash of ['sm3', 'sha256', 'sha1', 'md5']) {
    const digest = createHash(hash).update(text).digest()
    found.set(hash, digest)
    found.set(`${hash} in hexadecimal`, Buffer.from(digest.toString('hex')))
    found.set(`${hash} in base64`, Buffer.from(digest.toString('base64').slice(0, 20)))
  }
  return found
}

function escaped(text: string): string {
  return [...text]
    .map((c) => (/[ -~]/.test(c) ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`))
    .join('')
}

/** Something that left a party. */
export type Trace = { readonly where: string; readonly bytes: Buffer }

/** Fields of the people that occur in the traces, plain, encoded or hashed. */
export function leaksIn(found: readonly Trace[], people: readonly LegalRecord[]): string[] {
  const leaks = new Set<string>()
  for (const person of people) {
    const { documentNumber, name, birthDate } = person
    // The old card's number, and the canonical identity whose hash would do as well.
    const old = documentNumber.slice(0, 6) + documentNumber.slice(8, 17)
    const digits = documentNumber.slice(6, 14)
    const canonical = Buffer.from(canonicalIdentity(person)).toString('latin1')
    const texts = { documentNumber, name, birthDate, digits, old, canonical }
    for (const [field, text] of Object.entries(texts)) {
      // Fewer than six bytes occur by chance.
      if (text === undefined || Buffer.byteLength(text) < 6) continue
      for (const [form, needle] of forms(text)) {
        for (const { where, bytes } of found) {
          if (bytes.includes(needle)) leaks.add(`${field} as ${form} in ${where}`)
        }
      }
    }
  }
  return [...leaks]
}
