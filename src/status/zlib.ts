// zlib (RFC 1950) with a bound on the output: Node's synchronous code, or the browser's compression streams.
import { CtidError, concatBytes, type MaybePromise } from '../base/index.ts'

type NodeZlib = typeof import('node:zlib')
const nodeZlib: NodeZlib | undefined =
  typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:zlib')

/** Compresses to the zlib format, at the highest level: a list is made once and fetched a million times. */
export function deflate(bytes: Uint8Array): MaybePromise<Uint8Array> {
  if (nodeZlib) return plain(nodeZlib.deflateSync(bytes, { level: 9 }))
  return drain(new CompressionStream('deflate'), bytes, Number.POSITIVE_INFINITY)
}

/**
 * Decompresses the zlib format and stops at `maxLength` bytes: 1 KB of input can stand for 1 MB of output.
 *
 * @throws {CtidError} `ERR_STATUS_LIST_TOO_LARGE`, `ERR_STATUS_LIST` (malformed, or bytes after the end)
 */
export function inflate(bytes: Uint8Array, maxLength: number): MaybePromise<Uint8Array> {
  if (!nodeZlib) return drain(new DecompressionStream('deflate'), bytes, maxLength)
  try {
    // With `info` Node returns the engine, too; the types do not know that.
    const result = nodeZlib.inflateSync(bytes, { maxOutputLength: maxLength, info: true }) as unknown as {
      readonly buffer: Buffer
      readonly engine: { readonly bytesWritten: number }
    }
    if (result.engine.bytesWritten !== bytes.length)
      throw new CtidError('ERR_STATUS_LIST', { detail: 'trailing bytes' })
    return plain(result.buffer)
  } catch (error) {
    if (error instanceof CtidError) throw error
    const tooLarge = (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE'
    throw new CtidError(tooLarge ? 'ERR_STATUS_LIST_TOO_LARGE' : 'ERR_STATUS_LIST')
  }
}

// A Buffer as a plain array over the same memory.
function plain({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length)
}

async function drain(
  stream: CompressionStream | DecompressionStream,
  bytes: Uint8Array,
  maxLength: number,
): Promise<Uint8Array> {
  const writer = stream.writable.getWriter()
  // Failures of the writing side appear on the reading side as well; here they would only be reported twice.
  writer
    .write(new Uint8Array(bytes))
    .then(() => writer.close())
    .catch(() => undefined)
  const reader = stream.readable.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new CtidError('ERR_STATUS_LIST')
    })
    if (done) return concatBytes(...parts)
    length += value.length
    if (length > maxLength) {
      await reader.cancel().catch(() => undefined)
      throw new CtidError('ERR_STATUS_LIST_TOO_LARGE')
    }
    parts.push(value)
  }
}
