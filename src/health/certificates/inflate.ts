// Bounded decompression: health certificates are compressed, and a few bytes can swell to gigabytes.
import { CtidError } from '../../base/index.ts'

export type InflateOptions = {
  /** `zlib` with header and checksum (RFC 1950), or `raw` deflate (RFC 1951). */
  readonly format: 'zlib' | 'raw'
  /** Refuse when the output grows beyond this. */
  readonly maxBytes: number
}

const nodeZlib: typeof import('node:zlib') | undefined =
  typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:zlib')

/**
 * Decompresses one complete stream with nothing after it. Native in Node, `DecompressionStream` in browsers.
 *
 * @throws {CtidError} `ERR_HEALTH_CERTIFICATE`
 */
export async function inflate(data: Uint8Array, options: InflateOptions): Promise<Uint8Array> {
  try {
    return nodeZlib ? inflateInNode(nodeZlib, data, options) : await inflateAsStream(data, options)
  } catch {
    throw new CtidError('ERR_HEALTH_CERTIFICATE', { detail: 'decompression' })
  }
}

function inflateInNode(
  zlib: typeof import('node:zlib'),
  data: Uint8Array,
  { format, maxBytes }: InflateOptions,
): Uint8Array {
  const run = format === 'zlib' ? zlib.inflateSync : zlib.inflateRawSync
  const result = run(data, { maxOutputLength: maxBytes, info: true }) as unknown as {
    readonly buffer: Uint8Array
    readonly engine: { readonly bytesWritten: number }
  }
  if (result.engine.bytesWritten !== data.length) throw new RangeError('bytes after the stream')
  return new Uint8Array(result.buffer)
}

/** The browser's way, exported so that it is tested where `DecompressionStream` exists, Node included. */
export async function inflateAsStream(
  data: Uint8Array,
  { format, maxBytes }: InflateOptions,
): Promise<Uint8Array> {
  const stream = new Blob([new Uint8Array(data)])
    .stream()
    .pipeThrough(new DecompressionStream(format === 'zlib' ? 'deflate' : 'deflate-raw'))
  const reader = stream.getReader()
  const out = new Uint8Array(maxBytes)
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return out.slice(0, length)
    if (length + value.length > maxBytes) {
      await reader.cancel()
      throw new RangeError('too large')
    }
    out.set(value, length)
    length += value.length
  }
}
