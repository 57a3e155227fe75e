// PNG files, in Node only: not part of the room's door, since browsers have a canvas for this.
import { PNG } from 'pngjs'
import { CtidError } from '../base/index.ts'
import { decodeImage, MAX_IMAGE_PIXELS } from './image.ts'
import { toPixels } from './render.ts'

/** Largest file in bytes. */
const MAX_PNG_BYTES = 20_000_000
const IHDR = 0x49484452
const IDAT = 0x49444154
/** Samples of a pixel, by colour type: grey, colour, palette, grey and colour with transparency. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
/** Deflate makes of one byte at most so many. */
const DEFLATE_RATIO = 1032
const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/** A grey-scale PNG of the code, `scale` pixels per module. */
export function toPng(text: string, options: { readonly scale?: number } = {}): Uint8Array {
  const { side, grey } = toPixels(text, options.scale)
  const png = new PNG({ width: side, height: side, colorType: 0, inputColorType: 0, inputHasAlpha: false })
  png.data = grey as Buffer
  return PNG.sync.write(png, { colorType: 0, inputColorType: 0, inputHasAlpha: false })
}

/**
 * Reads the QR code in a PNG file.
 *
 * @throws {CtidError} `ERR_QR_TOO_LARGE`, `ERR_QR_IMAGE`
 */
export function decodePng(file: Uint8Array): string {
  if (file.length > MAX_PNG_BYTES) throw new CtidError('ERR_QR_TOO_LARGE')
  requireHonestSize(file)
  let image: PNG
  try {
    image = PNG.sync.read(Buffer.from(file.buffer, file.byteOffset, file.byteLength))
  } catch {
    throw new CtidError('ERR_QR_IMAGE')
  }
  return decodeImage(image)
}

// What the header promises is looked at before anything is inflated, since the decoder makes room for it: a file of a hundred
// bytes must not cost a gigabyte.
function requireHonestSize(file: Uint8Array): void {
  if (file.length < 33 || SIGNATURE.some((byte, i) => file[i] !== byte)) throw new CtidError('ERR_QR_IMAGE')
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const [width, height] = [view.getUint32(16), view.getUint32(20)]
  // Signature, then chunks of length, type, data and check sum; the first is IHDR with the sizes.
  const bitsPerPixel = (file[24] as number) * (CHANNELS[file[25] as number] ?? 0)
  const size = Math.ceil((width * bitsPerPixel) / 8) * height
  if (width * height > MAX_IMAGE_PIXELS || size > 4 * MAX_IMAGE_PIXELS)
    throw new CtidError('ERR_QR_TOO_LARGE')
  let headers = 0
  let data = 0
  for (let at = 8; at + 8 <= file.length; at += 12 + view.getUint32(at)) {
    const type = view.getUint32(at + 4)
    if (type === IHDR) headers++
    if (type === IDAT) data += view.getUint32(at)
  }
  if (headers !== 1 || data * DEFLATE_RATIO < size) throw new CtidError('ERR_QR_IMAGE')
}
