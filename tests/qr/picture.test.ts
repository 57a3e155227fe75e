// Pictures: what is drawn is read again, by another library than the one that drew it.

import { describe, expect, it } from 'vitest'
import { concatBytes } from '#ctid/base'
import { decodeImage, linkMatrix, QUIET_ZONE, toMatrix, toPixels, toSvg, toTerminal } from '#ctid/qr'
import { decodePng, toPng } from '../../src/qr/png.ts'
import { makeVectors } from './vectors.ts'

const vectors = await makeVectors()
const texts = [...vectors.codes.map(({ text }) => text), vectors.online.text]
const refused = (code: string) => expect.objectContaining({ code })

describe('pictures', () => {
  it.each(texts)('PNG there and back: %.12s…', (text) => {
    expect(decodePng(toPng(text))).toBe(text)
  })

  it('reads RGBA pixels, also turned upside down and noisy', () => {
    const text = texts[0] ?? ''
    const { side, grey } = toPixels(text, 5)
    const data = new Uint8ClampedArray(side * side * 4)
    for (let i = 0; i < grey.length; i++) {
      const level = (grey[grey.length - 1 - i] ?? 0) * 0.6 + 40 + ((i * 7919) % 23)
      data.set([level, level, level, 255], i * 4)
    }
    expect(decodeImage({ width: side, height: side, data })).toBe(text)
  })

  it('draws SVG with a quiet zone, black on white, and a text alternative', () => {
    const svg = toSvg(texts[0] ?? '', { label: 'Code "A" <b>' })
    const side = toMatrix(texts[0] ?? '').size + 2 * QUIET_ZONE
    expect(svg).toContain(`viewBox="0 0 ${side} ${side}"`)
    expect(svg).toContain('aria-label="Code &#34;A&#34; &#60;b&#62;"')
    expect(svg.match(/fill="#[0-9a-f]+"/g)).toEqual(['fill="#fff"', 'fill="#000"'])
    expect(rasterise(svg, side)).toEqual([...toPixels(texts[0] ?? '', 1).grey])
  })

  it('draws on a terminal', () => {
    const lines = toTerminal(texts[5] ?? '')
      .trimEnd()
      .split('\n')
    expect(lines).toHaveLength(Math.ceil((29 + 2 * QUIET_ZONE) / 2))
    expect(lines[2]).toContain('█▀▀▀▀▀█')
  })

  it.each([
    ['other characters', 'ctd1:abc'],
    ['nothing', ''],
    ['too much', 'A'.repeat(4000)],
  ])('refuses to draw %s', (_, text) => {
    expect(() => toMatrix(text)).toThrow(refused('ERR_QR_RENDER'))
  })

  it('refuses pictures that hold no code, or are none', () => {
    const blank = { width: 100, height: 100, data: new Uint8Array(40_000).fill(255) }
    expect(() => decodeImage(blank)).toThrow(refused('ERR_QR_IMAGE'))
    expect(() => decodeImage({ ...blank, width: 101 })).toThrow(refused('ERR_QR_IMAGE'))
    expect(() => decodeImage({ ...blank, width: 1e6, height: 1e6 })).toThrow(refused('ERR_QR_TOO_LARGE'))
    expect(() => decodePng(new Uint8Array(40))).toThrow(refused('ERR_QR_IMAGE'))
    const png = toPng(texts[5] ?? '')
    expect(() => decodePng(png.subarray(0, 60))).toThrow(refused('ERR_QR_IMAGE'))
    const huge = png.slice()
    huge.set([0, 1, 0, 0, 0, 1, 0, 0], 16)
    expect(() => decodePng(huge)).toThrow(refused('ERR_QR_TOO_LARGE'))
    // 7,000 by 7,000 in a file of a few hundred bytes, in one header or in a second: refused before there is room for them.
    const hollow = png.slice()
    hollow.set([0, 0, 0x1b, 0x58, 0, 0, 0x1b, 0x58], 16)
    const twice = concatBytes(png.subarray(0, 33), hollow.subarray(8))
    hollow[24] = 16
    hollow[25] = 6
    const before = process.memoryUsage().rss
    expect(() => decodePng(hollow)).toThrow(refused('ERR_QR_TOO_LARGE'))
    hollow[24] = 8
    for (const file of [hollow, twice]) expect(() => decodePng(file)).toThrow(refused('ERR_QR_IMAGE'))
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6)
  })

  it('draws links of other protocols, small letters and all, and refuses what no square holds', () => {
    const link = `openid4vp://?client_id=x509_hash%3A${'a'.repeat(43)}&request_uri=${'b'.repeat(120)}`
    expect(linkMatrix(link).version).toBeLessThan(16)
    expect(() => linkMatrix('x'.repeat(4000))).toThrow(refused('ERR_QR_RENDER'))
  })
})

// Just enough of SVG to check our own: horizontal bars of one unit.
function rasterise(svg: string, side: number): number[] {
  const pixels = new Array<number>(side * side).fill(255)
  for (const [, x, y, run] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let i = 0; i < Number(run); i++) pixels[Number(y) * side + Number(x) + i] = 0
  }
  return pixels
}
