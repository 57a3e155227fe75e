// From a picture to text: any RGBA pixels, from a camera, a canvas or a file.
import decodeQR from 'qr/decode.js'
import { CtidError } from '../base/index.ts'

/** Four bytes per pixel, row by row; a canvas' `ImageData` is one. */
export type RgbaImage = {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray
}

/** Largest picture in pixels (about 8K by 6K). */
export const MAX_IMAGE_PIXELS = 50_000_000

/**
 * Finds and reads a QR code in a picture. A few milliseconds for 640 × 480.
 *
 * @throws {CtidError} `ERR_QR_TOO_LARGE`; `ERR_QR_IMAGE` when the sizes do not fit or there is no readable code
 */
export function decodeImage(image: RgbaImage): string {
  const { width, height, data } = image
  if (!(width > 0 && height > 0) || width * height > MAX_IMAGE_PIXELS) {
    throw new CtidError('ERR_QR_TOO_LARGE')
  }
  if (data.length !== width * height * 4) throw new CtidError('ERR_QR_IMAGE')
  try {
    return decodeQR({ width, height, data })
  } catch {
    throw new CtidError('ERR_QR_IMAGE')
  }
}
