// The public conformance set, found by CTID_CONFORMANCE; suites that need it skip when it is not there.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.env['CTID_CONFORMANCE']
const health = folder === undefined ? undefined : join(folder, 'health')

/** Where the files are, or undefined with the reason to show in a skipped test's name. */
export const conformanceFolder = health !== undefined && existsSync(health) ? health : undefined
export const skipReason = conformanceFolder
  ? ''
  : ' (skipped: set CTID_CONFORMANCE to the conformance folder)'

export function conformanceFile<T>(name: string): T {
  return JSON.parse(readFileSync(join(conformanceFolder ?? '', name), 'utf8')) as T
}
