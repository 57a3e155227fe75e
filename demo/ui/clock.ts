// Whether this device's clock is right, by the time that each answer of the server names: codes live by the clock, and a
// wrong one shows as refusals that nobody understands.

/** As far as a verifier bears with; see `skewSeconds`. */
const TOLERANCE_MS = 15_000
const SECOND_MS = 1000

let told = 0
let listener: (seconds: number) => void = () => undefined

/** Calls back with the seconds that this device's clock is ahead (behind when negative), 0 once it is right again. */
export function onWrongClock(tell: (seconds: number) => void): void {
  listener = tell
  if (told !== 0) tell(told)
}

/**
 * Takes the `Date` of an answer to a request sent and answered at these times of this device. The answer was dated at some
 * moment between them, and `Date` has whole seconds: what those leave open counts in favour of the clock.
 */
export function noteDate(date: string | null, sentMs: number, answeredMs: number): void {
  const named = Date.parse(date ?? '')
  if (Number.isNaN(named)) return
  const ahead = Math.max(0, sentMs - named - SECOND_MS)
  const behind = Math.max(0, named - answeredMs)
  const wrong = Math.max(ahead, behind) > TOLERANCE_MS ? Math.round((ahead - behind) / SECOND_MS) : 0
  if (wrong === told) return
  told = wrong
  listener(wrong)
}
