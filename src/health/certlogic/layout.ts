// Where an expression finds its data: every path it reads becomes a numbered slot, filled once per evaluation.

/** The numbered paths of one or more expressions compiled together. */
export class Layout {
  readonly paths: string[] = []
  /** Slot of the path that holds the clock, or -1: date comparisons with it have a boundary in time. */
  clockSlot = -1
  readonly #slots = new Map<string, number>()

  slotOf(path: string): number {
    const known = this.#slots.get(path)
    if (known !== undefined) return known
    const slot = this.paths.push(path) - 1
    this.#slots.set(path, slot)
    return slot
  }
}

const MAX_STEPS = 10_000

/** The working memory of an evaluation; one per thread of work, reused from one evaluation to the next. */
export class Frame {
  readonly slots: unknown[]
  /** The date in each slot as epoch milliseconds; NaN until somebody asked for it. */
  readonly dates: Float64Array
  /** Bit per slot: was it read by the rule under evaluation? 31 slots a word, words from `base`. */
  reads = new Int32Array(1)
  base = 0
  clockMs = 0
  /** Earliest instant after `clockMs` at which a comparison made so far comes out differently. */
  nextMs = Number.POSITIVE_INFINITY
  /** Rounds of `reduce` that this evaluation may still take. */
  steps = MAX_STEPS

  constructor(size: number) {
    this.slots = new Array(size).fill(null)
    this.dates = new Float64Array(size).fill(Number.NaN)
  }

  /** Puts a value into a slot; an unchanged text keeps the date already parsed from it. */
  put(slot: number, value: unknown): void {
    if (this.slots[slot] === value) return
    this.slots[slot] = value
    this.dates[slot] = Number.NaN
  }

  /** Forgets the previous evaluation's boundary and step count. */
  reset(clockMs: number): void {
    this.clockMs = clockMs
    this.nextMs = Number.POSITIVE_INFINITY
    this.steps = MAX_STEPS
  }
}

/** Words of 31 read bits that one rule needs. */
export function readWords(layout: Layout): number {
  return Math.max(1, Math.ceil(layout.paths.length / 31))
}

/**
 * Follows a path by own members only: prototypes are never walked, lists have nothing but their items.
 * What does not exist is null (specification, "Data access").
 */
export function access(data: unknown, path: string): unknown {
  if (path === '') return data === undefined ? null : data
  let value = data
  for (const fragment of path.split('.')) {
    if (typeof value !== 'object' || value === null) return null
    if (Array.isArray(value)) value = /^\d{1,9}$/.test(fragment) ? value[Number(fragment)] : null
    else value = Object.hasOwn(value, fragment) ? (value as { [name: string]: unknown })[fragment] : null
    if (value === undefined) return null
  }
  return value
}

type Branch = { readonly slots: number[]; readonly members: Map<string, Branch> }

/** Makes the function that fills a frame from any JSON document: shared beginnings of paths are walked once. */
export function makeLoader(layout: Layout): (frame: Frame, data: unknown) => void {
  const root = newBranch()
  layout.paths.forEach((path, slot) => {
    let branch = root
    if (path !== '')
      for (const fragment of path.split('.')) {
        let next = branch.members.get(fragment)
        if (!next) {
          next = newBranch()
          branch.members.set(fragment, next)
        }
        branch = next
      }
    branch.slots.push(slot)
  })
  const walk = (frame: Frame, branch: Branch, value: unknown): void => {
    for (const slot of branch.slots) frame.put(slot, value)
    for (const [fragment, next] of branch.members) walk(frame, next, access(value, fragment))
  }
  return (frame, data) => walk(frame, root, data === undefined ? null : data)
}

function newBranch(): Branch {
  return { slots: [], members: new Map() }
}
