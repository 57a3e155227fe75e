// Reads what an SD-JWT discloses, by claim name: for tests that look at one claim.
import { fromBase64url, fromUtf8, type Json } from '#ctid/base'

export function parseDisclosures(credential: string): Map<string, Json> {
  const parts = credential.split('~').slice(1, -1)
  return new Map(
    parts.map((part) => {
      const [, name, value] = JSON.parse(fromUtf8(fromBase64url(part))) as [string, string, Json]
      return [name, value]
    }),
  )
}
