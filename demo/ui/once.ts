// A step that must not run twice: a second click, tap or Enter is ignored while the first is at work.

/** A double click is over by then; its second half may land on what the first has already put there. */
const DOUBLE_CLICK_MS = 300

/** Wraps `work` so that a call does nothing while another runs, or within a third of a second of its start. */
export function once<A extends readonly unknown[]>(
  work: (...args: A) => Promise<unknown>,
): (...args: A) => Promise<void> {
  let isAtWork = false
  let startedAt = Number.NEGATIVE_INFINITY
  return async (...args) => {
    const now = performance.now()
    if (isAtWork || now - startedAt < DOUBLE_CLICK_MS) return
    isAtWork = true
    startedAt = now
    try {
      await work(...args)
    } finally {
      isAtWork = false
    }
  }
}
