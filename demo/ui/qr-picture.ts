// Draws a code: black modules on white with the quiet zone, whatever the theme. Colour lives outside the square.
import { linkMatrix, type Matrix, QUIET_ZONE, toMatrix } from '#ctid/qr'
import { svg } from './dom.ts'

/** The picture of a code's text, with a text alternative. */
export function qrPicture(text: string, label: string): SVGElement {
  return draw(toMatrix(text), label)
}

/** The picture of a link of another protocol. */
export function linkPicture(link: string, label: string): SVGElement {
  return draw(linkMatrix(link), label)
}

function draw(matrix: Matrix, label: string): SVGElement {
  const side = matrix.size + 2 * QUIET_ZONE
  let path = ''
  for (let y = 0; y < matrix.size; y++) {
    for (let x = 0; x < matrix.size; x++) {
      let run = 0
      while (matrix.isDark(x + run, y)) run++
      if (run > 0) path += `M${x + QUIET_ZONE} ${y + QUIET_ZONE}h${run}v1h-${run}z`
      x += run
    }
  }
  return svg(
    'svg',
    {
      class: 'qr',
      viewBox: `0 0 ${side} ${side}`,
      role: 'img',
      'aria-label': label,
      'shape-rendering': 'crispEdges',
    },
    svg('path', { fill: '#fff', d: `M0 0h${side}v${side}H0z` }),
    svg('path', { fill: '#000', d: path }),
  )
}
