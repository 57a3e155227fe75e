// The course: its labs in order, each loaded only when asked for.
import type { Lab } from './lab.ts'

const LOADERS: Readonly<Record<string, () => Promise<{ readonly lab: Lab }>>> = {
  '01': () => import('./01-hash-is-not-anonymity.ts'),
  '02': () => import('./02-one-number.ts'),
  '03': () => import('./03-screenshot.ts'),
  '04': () => import('./04-verifier-diary.ts'),
  '05': () => import('./05-painted-colour.ts'),
  '06': () => import('./06-broken-date.ts'),
  '07': () => import('./07-two-faces.ts'),
  '08': () => import('./08-small-towns.ts'),
  '09': () => import('./09-status-list.ts'),
  '10': () => import('./10-algorithm-confusion.ts'),
  '11': () => import('./11-stolen-keys.ts'),
  '12': () => import('./12-left-out.ts'),
}

export const labIds: readonly string[] = Object.keys(LOADERS).sort()

/** A lab by number (`1`, `01`) or name, or `undefined`. */
export async function findLab(wanted: string): Promise<Lab | undefined> {
  const byNumber = LOADERS[wanted.padStart(2, '0')]
  if (byNumber) return (await byNumber()).lab
  return (await loadLabs()).find((lab) => lab.name === wanted)
}

/** All labs. */
export async function loadLabs(): Promise<Lab[]> {
  return Promise.all(labIds.map(async (id) => (await (LOADERS[id] as (typeof LOADERS)[string])()).lab))
}
