// Time: Unix seconds everywhere, and a clock that is always passed in.

/** Returns the current time in whole seconds since 1970-01-01T00:00:00Z. */
export type Clock = () => number

/** The machine's clock. */
export const systemClock: Clock = () => Math.floor(Date.now() / 1000)

export const MINUTE = 60
export const HOUR = 3600
export const DAY = 86_400

/** `2026-11-24T03:25:49Z`, for people and logs. */
export function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
