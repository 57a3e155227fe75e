// Wrong on purpose: one configuration file with one secret, from which labels, sealed names and signed codes are all made.
import {
  concatBytes,
  equalBytes,
  fromBase64url,
  fromUtf8,
  type RandomBytes,
  toBase64url,
  utf8,
} from '#ctid/base'
import { hmacSha256, open, seal } from '#ctid/crypto'

const CONTEXT = utf8('one key file')

export type KeyFile = { readonly secret: Uint8Array }

export function labelOf({ secret }: KeyFile, number: string): Uint8Array {
  return hmacSha256(secret, utf8(number))
}

export async function sealName({ secret }: KeyFile, name: string, random: RandomBytes): Promise<Uint8Array> {
  return seal(secret, utf8(name), { context: CONTEXT, random })
}

export async function openName({ secret }: KeyFile, sealed: Uint8Array): Promise<string> {
  return fromUtf8(await open(secret, sealed, { context: CONTEXT }))
}

export function makeCodeOf({ secret }: KeyFile, label: Uint8Array, step: number): string {
  return `${toBase64url(label)}.${step}.${toBase64url(hmacSha256(secret, concatBytes(label, utf8(String(step)))))}`
}

export function acceptsCode({ secret }: KeyFile, code: string, step: number): boolean {
  const [label = '', at = '', mac = ''] = code.split('.')
  const expected = hmacSha256(secret, concatBytes(fromBase64url(label), utf8(at)))
  return at === String(step) && equalBytes(expected, fromBase64url(mac))
}
