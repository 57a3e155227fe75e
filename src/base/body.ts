// The body of an HTTP answer, read part by part: what a server says about the length of its answer does not bind it.
import { concatBytes } from './bytes.ts'

/** At most `maxBytes` of an answer; `undefined` when it is larger, which ends the transfer. Throws what the stream throws. */
export async function readBody(
  { body }: Pick<Response, 'body'>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const reader = body?.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    length += part.value.length
    if (length > maxBytes) {
      await reader?.cancel()
      return undefined
    }
    parts.push(part.value)
  }
  return concatBytes(...parts)
}
