// Dates as CertLogic 1.3.3 knows them: the allowed texts, partial dates, and adding time. Epoch milliseconds throughout.

/** Raised inside the evaluator where the specification defines no value. Never leaves the room: the rule is *open*. */
export class Undefined extends Error {
  override readonly name = 'Undefined'
}

/** The one instance: making a new error with its stack would cost more than evaluating all the rules of a person. */
export const UNDEFINED = new Undefined('the specification defines no value')

/** A date-time as a value of an expression. CertLogic has no literal for it; only `plusTime` and `dccDateOfBirth` make one. */
export class Instant {
  readonly ms: number
  constructor(ms: number) {
    this.ms = ms
  }
  toJSON(): string {
    return new Date(this.ms).toISOString()
  }
}

export const TIME_UNITS = ['year', 'month', 'day', 'hour'] as const
export type TimeUnit = (typeof TIME_UNITS)[number]

export const DAY_MS = 86_400_000
export const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48
  const ones = text.charCodeAt(at + 1) - 48
  // NaN (past the end) fails both comparisons, so a short text is refused too
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1
}

const DAYS_BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
const DAYS_IN = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

function daysIn(year: number, month: number): number {
  return month === 2 && isLeap(year) ? 29 : (DAYS_IN[month - 1] as number)
}

// Days from 1970-01-01 to the first of the month, proleptic Gregorian.
function daysToMonth(year: number, month: number): number {
  const y = year - 1
  const leaps = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400)
  return y * 365 + leaps + (DAYS_BEFORE[month - 1] as number) + (month > 2 && isLeap(year) ? 1 : 0) - 719_162
}

function parseYear(text: string): number {
  const high = twoDigits(text, 0)
  const low = twoDigits(text, 2)
  return high < 0 || low < 0 ? -1 : high * 100 + low
}

function parseYearMonth(text: string): { year: number; month: number } | undefined {
  const year = parseYear(text)
  const month = twoDigits(text, 5)
  if (year < 0 || text.charCodeAt(4) !== 0x2d || month < 1 || month > 12) return undefined
  return { year, month }
}

function parseDay(text: string): number {
  const year = parseYear(text)
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  if (year < 0 || month < 1 || month > 12 || day < 1) return Number.NaN
  if (text.charCodeAt(4) !== 0x2d || text.charCodeAt(7) !== 0x2d || day > daysIn(year, month))
    return Number.NaN
  return (daysToMonth(year, month) + day - 1) * DAY_MS
}

// `Z`, nothing, or [+-]h, hh, hmm, hhmm, h:mm, hh:mm from position `at`; milliseconds to subtract, NaN if malformed.
function parseOffset(text: string, at: number): number {
  if (at === text.length) return 0
  const sign = text[at]
  if (sign === 'Z') return at + 1 === text.length ? 0 : Number.NaN
  const match = /^[+-](?:(\d{1,2})|(\d{1,2}):?(\d{2}))$/.exec(text.slice(at))
  if (!match) return Number.NaN
  const hours = Number(match[1] ?? match[2])
  const minutes = Number(match[3] ?? 0)
  if (hours > 23 || minutes > 59) return Number.NaN
  return (sign === '-' ? -1 : 1) * (hours * HOUR_MS + minutes * MINUTE_MS)
}

// `YYYY-MM-DDThh:mm:ssZ`, as facts are written: a million people are mostly the reading of such texts. The digits are
// checked together: one that is none makes `digit | (9 - digit)` negative.
function parseUtcSecond(text: string): number {
  const a = text.charCodeAt(0) - 48
  const b = text.charCodeAt(1) - 48
  const c = text.charCodeAt(2) - 48
  const d = text.charCodeAt(3) - 48
  const e = text.charCodeAt(5) - 48
  const f = text.charCodeAt(6) - 48
  const g = text.charCodeAt(8) - 48
  const h = text.charCodeAt(9) - 48
  const i = text.charCodeAt(11) - 48
  const j = text.charCodeAt(12) - 48
  const k = text.charCodeAt(14) - 48
  const l = text.charCodeAt(15) - 48
  const m = text.charCodeAt(17) - 48
  const n = text.charCodeAt(18) - 48
  const low = a | b | c | d | e | f | g | h | i | j | k | l | m | n
  const high = (9 - a) | (9 - b) | (9 - c) | (9 - d) | (9 - e) | (9 - f) | (9 - g)
  const higher = (9 - h) | (9 - i) | (9 - j) | (9 - k) | (9 - l) | (9 - m) | (9 - n)
  const dashes = (text.charCodeAt(4) ^ 0x2d) | (text.charCodeAt(7) ^ 0x2d) | (text.charCodeAt(10) ^ 0x54)
  const colons = (text.charCodeAt(13) ^ 0x3a) | (text.charCodeAt(16) ^ 0x3a)
  if ((low | high | higher) < 0 || (dashes | colons) !== 0) return Number.NaN
  const year = a * 1000 + b * 100 + c * 10 + d
  const month = e * 10 + f
  const day = g * 10 + h
  const hour = i * 10 + j
  const minute = k * 10 + l
  const second = m * 10 + n
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return Number.NaN
  if (hour > 23 || minute > 59 || second > 59) return Number.NaN
  return (daysToMonth(year, month) + day - 1) * DAY_MS + (hour * 3600 + minute * 60 + second) * 1000
}

/**
 * Parses one of the date and date-time formats of the CertLogic specification ("Dates, and date-times").
 * Returns epoch milliseconds, or NaN for anything else, impossible calendar dates included.
 */
export function parseInstant(text: string): number {
  if (text.length === 20 && text.charCodeAt(19) === 0x5a) return parseUtcSecond(text)
  const day = parseDay(text)
  if (text.length === 10) return day
  if (text.charCodeAt(10) !== 0x54 || text.charCodeAt(13) !== 0x3a || text.charCodeAt(16) !== 0x3a)
    return Number.NaN
  const hour = twoDigits(text, 11)
  const minute = twoDigits(text, 14)
  const second = twoDigits(text, 17)
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return Number.NaN
  let at = 19
  let milliseconds = 0
  if (text.charCodeAt(at) === 0x2e) {
    let scale = 100
    const first = ++at
    for (let digit = text.charCodeAt(at) - 48; digit >= 0 && digit <= 9; digit = text.charCodeAt(++at) - 48) {
      milliseconds += digit * Math.floor(scale)
      scale /= 10
    }
    if (at === first) return Number.NaN
  }
  const whole = day + hour * HOUR_MS + minute * MINUTE_MS + second * 1000 + milliseconds
  return at + 1 === text.length && text.charCodeAt(at) === 0x5a ? whole : whole - parseOffset(text, at)
}

/** `YYYY` and `YYYY-MM`, rounded up to the last day they allow; NaN for anything else. */
function parsePartial(text: string): number {
  if (text.length === 4) {
    const year = parseYear(text)
    return year < 0 ? Number.NaN : (daysToMonth(year, 12) + 30) * DAY_MS
  }
  if (text.length === 7) {
    const part = parseYearMonth(text)
    return part
      ? (daysToMonth(part.year, part.month) + daysIn(part.year, part.month) - 1) * DAY_MS
      : Number.NaN
  }
  return Number.NaN
}

/** What `plusTime` accepts: a date, a date-time, or a partial date rounded up. NaN where undefined. */
export function parseDateOperand(text: string): number {
  return text.length <= 7 ? parsePartial(text) : parseInstant(text)
}

/** What `dccDateOfBirth` accepts: `YYYY`, `YYYY-MM`, `YYYY-MM-DD`. NaN where undefined. */
export function parseDateOfBirth(text: string): number {
  return text.length === 10 ? parseDay(text) : parsePartial(text)
}

/** Adds whole units; months and years roll over as in the reference implementation (31 January + 1 month = 3 March). */
export function plusTime(ms: number, amount: number, unit: TimeUnit): number {
  if (unit === 'day') return ms + amount * DAY_MS
  if (unit === 'hour') return ms + amount * HOUR_MS
  if (amount === 0) return ms
  const date = new Date(ms)
  return unit === 'month'
    ? date.setUTCMonth(date.getUTCMonth() + amount)
    : date.setUTCFullYear(date.getUTCFullYear() + amount)
}
