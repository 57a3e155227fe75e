// How long a credential lives: min(document expiry, six months), in whole days so that times single nobody out.
import { CtidError, DAY } from '../base/index.ts'

export type Validity = {
  /** Unix seconds, the start of a UTC day. */
  readonly iat: number
  readonly exp: number
}

/** Six calendar months, the longest life of a CTID file. */
export const VALIDITY_MONTHS = 6

/**
 * Validity of a credential issued now. `iat` is the start of today; `exp` the start of the last day that is within
 * six calendar months and not after the document's own expiry. Everyone issued on one day shares both times, except
 * those whose document ends earlier.
 *
 * @throws {CtidError} `ERR_CREDENTIAL_PROFILE` when nothing is left to be valid
 */
export function credentialValidity(options: {
  /** Unix seconds. */
  readonly now: number
  /** The moment from which the document is no longer valid, Unix seconds. Absent: it does not expire. */
  readonly documentExpiresAt?: number
}): Validity {
  const latest = addMonths(options.now, VALIDITY_MONTHS)
  const exp = startOfDay(Math.min(latest, options.documentExpiresAt ?? latest))
  if (exp <= options.now) throw new CtidError('ERR_CREDENTIAL_PROFILE', { detail: 'document expired' })
  return { iat: startOfDay(options.now), exp }
}

/** The same time of day some calendar months later; 31 August and six months is the last day of February. */
export function addMonths(seconds: number, months: number): number {
  const date = new Date(seconds * 1000)
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() + months)
  const daysInMonth = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  date.setUTCDate(Math.min(day, daysInMonth))
  return Math.floor(date.getTime() / 1000)
}

function startOfDay(seconds: number): number {
  return seconds - (seconds % DAY)
}
