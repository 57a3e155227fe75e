// Real calendar dates, and what day it is where the documents are issued.
import { CtidError, HOUR } from '../base/index.ts'

/** A real day of the Gregorian calendar, `YYYY-MM-DD`. Texts of this form compare as dates do. */
export type CalendarDate = string

/** Documents carry China's civil date, UTC+8 without summer time. */
const CHINA_OFFSET_SECONDS = 8 * HOUR

const EARLIEST_BIRTH = '1800-01-01'
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Days of a month (1 to 12), leap years by the Gregorian rule. 0 for a month that is none. */
export function daysInMonth(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  return month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0)
}

/** Parses `YYYY-MM-DD` or `YYYYMMDD`; `undefined` unless the day exists. */
export function parseCalendarDate(text: string): CalendarDate | undefined {
  const match = /^(\d{4})-?(\d{2})-?(\d{2})$/.exec(text)
  if (!match || (text.length !== 8 && text.length !== 10)) return undefined
  const [, year = '', month = '', day = ''] = match
  const days = daysInMonth(Number(year), Number(month))
  if (Number(day) < 1 || Number(day) > days) return undefined
  return `${year}-${month}-${day}`
}

/** The date in China at a Unix time in seconds. */
export function civilDate(now: number): CalendarDate {
  return new Date((now + CHINA_OFFSET_SECONDS) * 1000).toISOString().slice(0, 10)
}

/**
 * A birth date: a real day, not before 1800 and, when `now` is given, not in the future.
 *
 * @throws {CtidError} `ERR_IDENTITY_DATE`
 */
export function parseBirthDate(
  text: string,
  options: { readonly field: string; readonly now?: number | undefined },
): CalendarDate {
  const date = parseCalendarDate(text)
  const latest = options.now === undefined ? '9999-12-31' : civilDate(options.now)
  if (date === undefined || date < EARLIEST_BIRTH || date > latest) {
    throw new CtidError('ERR_IDENTITY_DATE', { detail: options.field })
  }
  return date
}
