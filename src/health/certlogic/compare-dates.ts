// Date comparisons, the inner loop of every health rule: `x + 7 days not-after now` becomes one subtraction.
import { type Code, dateInSlot } from './code.ts'
import type { Frame, Layout } from './layout.ts'

type Operator = 'after' | 'before' | 'not-after' | 'not-before'
type Test = (frame: Frame) => boolean

export function compileDateComparison(
  operator: Operator,
  codes: readonly Code[],
  layout: Layout,
  traced: boolean,
): Test {
  const [a, b, c] = codes as [Code, Code, Code]
  if (codes.length === 2) return traced ? tracedPair(operator, a, b, layout) : pair(operator, a, b)
  const test = traced ? tracedPair : pair
  const first = test(operator, a, b, layout)
  const second = test(operator, b, c, layout)
  // All operands are evaluated before any comparison, so that an undefined third one never hides behind a false pair.
  return (frame) => {
    c.instant(frame)
    return first(frame) && second(frame)
  }
}

// A plain variable is linear too but is a text, not a date: its offset is NaN.
function linearOf(code: Code): { slot: number; offset: number } | undefined {
  return code.linear && !Number.isNaN(code.linear.offset) ? code.linear : undefined
}

function pair(operator: Operator, a: Code, b: Code, _layout?: Layout): Test {
  const left = linearOf(a)
  const right = linearOf(b)
  if (left && right) {
    const { slot: i } = left
    const { slot: j } = right
    const shift = left.offset - right.offset
    switch (operator) {
      case 'after':
        return (frame) => dateInSlot(frame, i) + shift > dateInSlot(frame, j)
      case 'before':
        return (frame) => dateInSlot(frame, i) + shift < dateInSlot(frame, j)
      case 'not-after':
        return (frame) => dateInSlot(frame, i) + shift <= dateInSlot(frame, j)
      case 'not-before':
        return (frame) => dateInSlot(frame, i) + shift >= dateInSlot(frame, j)
    }
  }
  const { instant: x } = a
  const { instant: y } = b
  switch (operator) {
    case 'after':
      return (frame) => x(frame) > y(frame)
    case 'before':
      return (frame) => x(frame) < y(frame)
    case 'not-after':
      return (frame) => x(frame) <= y(frame)
    case 'not-before':
      return (frame) => x(frame) >= y(frame)
  }
}

// As `pair`, through the closures that mark what is read; a comparison with the clock also says when it will change.
function tracedPair(operator: Operator, a: Code, b: Code, layout: Layout): Test {
  const { instant: x } = a
  const { instant: y } = b
  const compare = COMPARE[operator]
  const clockLeft = linearOf(a)?.slot === layout.clockSlot
  const clockRight = linearOf(b)?.slot === layout.clockSlot
  if (layout.clockSlot < 0 || clockLeft === clockRight) return (frame) => compare(x(frame), y(frame))
  // `now > B` and `now <= B` change one millisecond after B, `now >= B` and `now < B` at B; mirrored on the right.
  const late = clockLeft
    ? operator === 'after' || operator === 'not-after'
    : operator === 'before' || operator === 'not-before'
  const delay = late ? 1 : 0
  return (frame) => {
    const left = x(frame)
    const right = y(frame)
    const boundary = frame.clockMs + (clockLeft ? right - left : left - right) + delay
    if (boundary > frame.clockMs && boundary < frame.nextMs) frame.nextMs = boundary
    return compare(left, right)
  }
}

const COMPARE: { readonly [operator in Operator]: (left: number, right: number) => boolean } = {
  after: (left, right) => left > right,
  before: (left, right) => left < right,
  'not-after': (left, right) => left <= right,
  'not-before': (left, right) => left >= right,
}
