// A ring that empties and a number of seconds: how long the code on screen still counts.
import { h, svg } from './dom.ts'

const RADIUS = 20
const LENGTH = 2 * Math.PI * RADIUS

export type Countdown = {
  readonly element: HTMLElement
  /** Shows the seconds left of a whole. */
  readonly show: (left: number, whole: number) => void
}

/** `label` is what a screen reader says before the number; the number itself is not announced each second. */
export function countdown(label: string): Countdown {
  const ring = svg('circle', {
    class: 'ring-left',
    cx: 24,
    cy: 24,
    r: RADIUS,
    'stroke-dasharray': LENGTH,
    transform: 'rotate(-90 24 24)',
  })
  const number = h('span', { class: 'ring-number' })
  const element = h(
    'div',
    { class: 'ring', role: 'timer', 'aria-label': label },
    svg(
      'svg',
      { viewBox: '0 0 48 48', 'aria-hidden': 'true' },
      svg('circle', { class: 'ring-whole', cx: 24, cy: 24, r: RADIUS }),
      ring,
    ),
    number,
  )
  return {
    element,
    show: (left, whole) => {
      number.textContent = String(Math.max(0, Math.ceil(left)))
      ring.setAttribute('stroke-dashoffset', String(LENGTH * (1 - Math.max(0, left) / whole)))
    },
  }
}
