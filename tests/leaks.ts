// Looks for people in bytes: names, numbers and birth dates in every encoding, and every plain hash of them.
import { createHash } from 'node:crypto'
import type { LegalRecord } from '#ctid/identity'

/** Forms in which a plaintext could hide. */
function forms(text: string): Map<string, Buffer> {
  const found = new Map([
    ['UTF-8', Buffer.from(text)],
    ['UTF-16', Buffer.from(text, 'utf16le')],
    ['base64', Buffer.from(Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -1))],
    ['hexadecimal', Buffer.from(Buffer.from(text).toString('hex'))],
  ])
  for (const hash of ['sm3', 'sha256', 'sha1', 'md5']) {
    const digest = createHash(hash).update(text).digest()
    found.set(hash, digest)
    found.set(`${hash} in hexadecimal`, Buffer.from(digest.toString('hex')))
    found.set(`${hash} in base64`, Buffer.from(digest.toString('base64').slice(0, 20)))
  }
  return found
}

/** Something that left a party. */
export type Trace = { readonly where: string; readonly bytes: Buffer }

/** Fields of the people that occur in the traces, plain, encoded or hashed. */
export function leaksIn(found: readonly Trace[], people: readonly LegalRecord[]): string[] {
  const leaks = new Set<string>()
  for (const { documentNumber, name, birthDate } of people) {
    const texts = { documentNumber, name, birthDate, digits: documentNumber.slice(6, 14) }
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
