// What the parts of the health page share.
import type { Shell } from '../../ui/shell.ts'
import type { healthAuthority } from './authority.ts'

export type HealthPage = {
  readonly shell: Shell
  readonly authority: ReturnType<typeof healthAuthority>
  /** Runs a step with the authority, shows what it refuses or `done`, and asks for the status anew. */
  readonly attempt: (work: () => Promise<unknown>, done: string) => Promise<void>
  /** Unix seconds. */
  readonly clock: () => number
}

/** A moment (Unix seconds) in the words of the page's language. */
export function date(seconds: number): string {
  const moment = new Date(seconds * 1000)
  return moment.toLocaleString(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' })
}
