// Draws the hash tree: the chosen leaf's path, the hashes of its proof, and as much of the rest as fits.
import { type DrawnNode, describeTree } from '#ctid/transparency'
import { fill, h, svg } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'

export type Drawing = {
  readonly size: number
  readonly index: number
  readonly proofLength: number
  readonly holds: boolean
}

const STEP = 44
const RADIUS = 6
const MAX_LEAVES = 48
/** As many leaves can be told apart on a phone without scrolling. */
const FEW_LEAVES = 12

export function drawTree(element: Element, { t }: Shell, drawing: Drawing): void {
  const { size, index, proofLength, holds } = drawing
  const { nodes, height } = describeTree(size, { index, maxLeaves: MAX_LEAVES })
  const x = places(nodes)
  const ends = nodes.filter((node) => !nodes.some(({ parent }) => parent === node.id))
  const width = Math.max(ends.length - 1, 1) * spacing(ends.length) + 48
  const y = (level: number) => 16 + (height - level) * STEP
  const at = (node: DrawnNode) => [x.get(node.id) ?? 0, y(node.height)] as const
  const name = ({ start, end }: DrawnNode) => (end - start === 1 ? String(start) : `${start}–${end - 1}`)
  fill(
    element,
    svg(
      'svg',
      {
        viewBox: `0 0 ${width} ${y(0) + 30}`,
        role: 'img',
        'aria-label': t('tree.label', { size, index, proof: proofLength }),
      },
      ...nodes.flatMap((node) => {
        const parent = node.parent === undefined ? undefined : nodes[node.parent]
        if (!parent) return []
        const [[x1, y1], [x2, y2]] = [at(node), at(parent)]
        return [svg('line', { x1, y1, x2, y2, class: node.role === 'path' ? 'path' : '' })]
      }),
      ...nodes.map((node) => {
        const [cx, cy] = at(node)
        const square = { x: cx - RADIUS, y: cy - RADIUS, width: 2 * RADIUS, height: 2 * RADIUS }
        return node.role === 'proof'
          ? svg('rect', { ...square, class: 'proof' })
          : svg('circle', { cx, cy, r: RADIUS, class: node.role })
      }),
      ...ends.map((node) => {
        const [cx, cy] = at(node)
        return svg('text', { x: cx, y: cy + 21 }, name(node))
      }),
    ),
  )
  element.classList.toggle('broken', !holds)
  element.toggleAttribute('data-wide', ends.length > FEW_LEAVES)
}

export function drawLegend(element: Element, { t }: Shell): void {
  const shape = (role: string) =>
    svg(
      'svg',
      { viewBox: '0 0 16 16', 'aria-hidden': 'true' },
      role === 'proof'
        ? svg('rect', { x: 2, y: 2, width: 12, height: 12, class: role })
        : svg('circle', { cx: 8, cy: 8, r: 6, class: role }),
    )
  fill(element, ...['path', 'proof', 'other'].map((role) => h('span', {}, shape(role), t(`legend.${role}`))))
}

const spacing = (leaves: number): number => (leaves > 24 ? 26 : 52)

// Ends of the drawing side by side in the order of the log, each parent between its children.
function places(nodes: readonly DrawnNode[]): Map<number, number> {
  const x = new Map<number, number>()
  const ends = nodes.filter((node) => !nodes.some(({ parent }) => parent === node.id))
  ends.sort((a, b) => a.start - b.start)
  for (const [rank, { id }] of ends.entries()) x.set(id, 24 + rank * spacing(ends.length))
  for (const node of [...nodes].reverse()) {
    const children = nodes.filter(({ parent }) => parent === node.id).map(({ id }) => x.get(id) ?? 0)
    if (children.length > 0) x.set(node.id, children.reduce((sum, value) => sum + value, 0) / children.length)
  }
  return x
}
