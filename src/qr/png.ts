// PNG files, in Node only: not part of the room's door, since browsers have a canvas for this.
import { PNG } from 'pngjs'
import { CtidError } from '../base/index.ts'
import { decodeImage, MAX_IMAGE_PIXELS } from './image.ts'
import { toPixels } from './render.ts'

/** Largest file in bytes. */
const MAX_PNG_BYTES = 20_000_000
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
  // Signature, then IHDR with width and height: looked at before anything is inflated.
  if (file.length < 33 || SIGNATURE.some((byte, i) => file[i] !== byte)) throw new CtidError('ERR_QR_IMAGE')
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  if (view.getUint32(16) * view.getUint32(20) > MAX_IMAGE_PIXELS) throw new CtidError('ERR_QR_TOO_LARGE')
  let image: PNG
  try {
    image = PNG.sync.read(Buffer.from(file.buffer, file.byteOffset, file.byteLength))
  } catch {
    throw new CtidError('ERR_QR_IMAGE')
  }
  return decodeImage(image)
}
