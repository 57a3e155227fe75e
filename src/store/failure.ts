// Turns what a driver threw into an error of ours; the driver's own text stays in `cause`.
import { CtidError, isCtidError } from '../base/index.ts'

/** The driver's error code: `errcode` of node:sqlite, `code` (SQLSTATE or errno) of pg. */
export function driverCode(error: unknown): string {
  if (isCtidError(error)) return driverCode(error.cause)
  if (typeof error !== 'object' || error === null) return ''
  const { errcode, code } = error as { errcode?: unknown; code?: unknown }
  if (typeof errcode === 'number') return String(errcode & 0xff)
  return typeof code === 'string' ? code : ''
}

/** An error of ours unchanged; anything from the driver as `ERR_STORE_FAILED` or `ERR_STORE_UNAVAILABLE`. */
export function storeFailure(engine: string, error: unknown): unknown {
  if (isCtidError(error)) return error
  const code = driverCode(error)
  const detail = code === '' ? engine : `${engine} ${code}`
  return new CtidError(isOutage(error, code) ? 'ERR_STORE_UNAVAILABLE' : 'ERR_STORE_FAILED', {
    detail,
    cause: error,
  })
}

const SQLITE_OUTAGE = new Set(['8', '10', '13', '14'])

// SQLSTATE class 08 connection, 53 resources, 57P shutdown, 25006 a standby; errno of sockets; SQLite READONLY, IOERR, FULL, CANTOPEN.
function isOutage(error: unknown, code: string): boolean {
  if (/^(08|53|57P|25006)/.test(code) || /^E[A-Z]+$/.test(code) || SQLITE_OUTAGE.has(code)) return true
  return code === '' && error instanceof Error && /connection|timeout/i.test(error.message)
}

/** Runs one driver call; what it throws leaves as {@link storeFailure}, so that other errors stay what they are. */
export async function guarded<T>(engine: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw storeFailure(engine, error)
  }
}

/** Waits, so that two who collided do not collide again at the same moment. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
