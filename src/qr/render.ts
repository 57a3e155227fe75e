// From text to a picture: matrix, SVG and terminal. Always black on white with a quiet zone: colour carries nothing.
import QRCode from 'qrcode'
import { CtidError, utf8 } from '../base/index.ts'

/** The modules of a QR code. */
export type Matrix = {
  readonly size: number
  /** QR version, 1 to 40. */
  readonly version: number
  /** Whether the module is dark; outside the square it is light. */
  isDark(x: number, y: number): boolean
}

const ALPHANUMERIC = /^[0-9A-Z $%*+\-./:]+$/
/** ISO/IEC 18004 section 9.1 asks for a margin of four modules. */
export const QUIET_ZONE = 4

/**
 * Encodes a text as one alphanumeric segment with error correction M. About 1 ms for a dynamic code.
 *
 * @throws {CtidError} `ERR_QR_RENDER` when the text has other characters or is too long
 */
export function toMatrix(text: string): Matrix {
  if (!ALPHANUMERIC.test(text)) throw new CtidError('ERR_QR_RENDER')
  return draw({ data: text, mode: 'alphanumeric' })
}

/**
 * As {@link toMatrix} for any text, such as the link of another protocol, which has small letters and so needs more room.
 *
 * @throws {CtidError} `ERR_QR_RENDER` when the text is too long
 */
export function linkMatrix(link: string): Matrix {
  return draw({ data: utf8(link), mode: 'byte' })
}

function draw(segment: QRCode.QRCodeSegment): Matrix {
  let code: QRCode.QRCode
  try {
    code = QRCode.create([segment], { errorCorrectionLevel: 'M' })
  } catch {
    throw new CtidError('ERR_QR_RENDER')
  }
  const { size, data } = code.modules
  return {
    size,
    version: code.version,
    isDark: (x, y) => x >= 0 && y >= 0 && x < size && y < size && data[y * size + x] === 1,
  }
}

export type SvgOptions = {
  /** Text alternative for those who do not see it. Default "QR code". */
  readonly label?: string
}

/** A scalable picture of one path; it fills its container. */
export function toSvg(text: string, options: SvgOptions = {}): string {
  const matrix = toMatrix(text)
  const side = matrix.size + 2 * QUIET_ZONE
  let path = ''
  for (let y = 0; y < matrix.size; y++) {
    for (let x = 0; x < matrix.size; x++) {
      if (!matrix.isDark(x, y)) continue
      let run = 1
      while (matrix.isDark(x + run, y)) run++
      path += `M${x + QUIET_ZONE} ${y + QUIET_ZONE}h${run}v1h-${run}z`
      x += run
    }
  }
  const label = escapeXml(options.label ?? 'QR code')
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" role="img" aria-label="${label}" ` +
    `shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${side}v${side}H0z"/><path fill="#000" d="${path}"/></svg>`
  )
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** For a terminal: two modules per character, black on white by escape codes whatever the theme. */
export function toTerminal(text: string): string {
  const matrix = toMatrix(text)
  const lines: string[] = []
  for (let y = -QUIET_ZONE; y < matrix.size + QUIET_ZONE; y += 2) {
    let line = ''
    for (let x = -QUIET_ZONE; x < matrix.size + QUIET_ZONE; x++) {
      const upper = matrix.isDark(x, y)
      const lower = matrix.isDark(x, y + 1)
      line += upper ? (lower ? '█' : '▀') : lower ? '▄' : ' '
    }
    lines.push(`\u001b[38;5;16;48;5;231m${line}\u001b[0m`)
  }
  return `${lines.join('\n')}\n`
}

/** One picture element per byte, 0 dark and 255 light, `scale` pixels per module, with the quiet zone. */
export function toPixels(text: string, scale = 4): { readonly side: number; readonly grey: Uint8Array } {
  const matrix = toMatrix(text)
  const side = (matrix.size + 2 * QUIET_ZONE) * scale
  const grey = new Uint8Array(side * side).fill(255)
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const isDark = matrix.isDark(Math.floor(x / scale) - QUIET_ZONE, Math.floor(y / scale) - QUIET_ZONE)
      if (isDark) grey[y * side + x] = 0
    }
  }
  return { side, grey }
}
