// A file as blocks of whole lines: read as a stream, cut by bytes, never held as a whole. What a line says is not looked at.

/** A run of complete lines. `bytes` owns its buffer, so that it can be handed to another thread. */
export type LineBlock = {
  readonly index: number
  /** Number of the first line, from 1. */
  readonly firstLine: number
  readonly lines: number
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Where the next block begins in the file, in bytes. */
  readonly end: number
}

/** Longest line that is read. Of a longer one the first `MAX_LINE_BYTES` + 1 bytes remain, enough to be refused. */
export const MAX_LINE_BYTES = 16_384

export type BlockOptions = {
  /** Lines in a block. */
  readonly size: number
  /** Where `chunks` begin: after a checkpoint not at 0. */
  readonly start?: { readonly offset: number; readonly line: number }
}

const NEWLINE = 10

/** Cuts a byte stream into blocks of `size` lines. Memory: one block. The last line may lack its newline. */
export async function* lineBlocks(
  chunks: AsyncIterable<Uint8Array>,
  options: BlockOptions,
): AsyncGenerator<LineBlock> {
  const { size, start = { offset: 0, line: 1 } } = options
  let { offset, line: firstLine } = start
  let parts: Uint8Array[] = []
  let lines = 0
  // Bytes of the line that is under way, those that were dropped included.
  let length = 0
  let index = 0

  const take = (): LineBlock => {
    const block = { index: index++, firstLine, lines, bytes: joined(parts), end: offset }
    firstLine += lines
    parts = []
    lines = 0
    return block
  }
  const keep = (part: Uint8Array): void => {
    const room = Math.max(0, MAX_LINE_BYTES + 1 - length)
    if (room > 0) parts.push(part.length > room ? part.subarray(0, room) : part)
    length += part.length
  }
  for await (const chunk of chunks) {
    let from = 0
    for (;;) {
      const newline = chunk.indexOf(NEWLINE, from)
      if (newline < 0) break
      keep(chunk.subarray(from, newline))
      parts.push(chunk.subarray(newline, newline + 1))
      offset += newline + 1 - from
      from = newline + 1
      length = 0
      if (++lines === size) yield take()
    }
    keep(chunk.subarray(from))
    offset += chunk.length - from
  }
  if (length > 0) lines++
  if (lines > 0) yield take()
}

/** The lines of a block, without line ends. */
export function linesOf({ bytes }: { readonly bytes: Uint8Array }): Uint8Array[] {
  const lines: Uint8Array[] = []
  let from = 0
  while (from < bytes.length) {
    const newline = bytes.indexOf(NEWLINE, from)
    const end = newline < 0 ? bytes.length : newline
    const isCarriageReturn = end > from && bytes[end - 1] === 13
    lines.push(bytes.subarray(from, isCarriageReturn ? end - 1 : end))
    from = end + 1
  }
  return lines
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
