// JSON from outside and JSON to be signed: a strict parser and the canonical form of RFC 8785.
import { CtidError } from './errors.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

export type ParseJsonOptions = {
  /** Longest accepted text in UTF-16 units. Default 65,536. */
  readonly maxLength?: number
  /** Deepest accepted nesting. Default 32. */
  readonly maxDepth?: number
}

/**
 * Parses JSON and refuses what `JSON.parse` lets through: oversize, deep nesting, and duplicate member names
 * (RFC 8259 section 4; a duplicate lets two readers see two different documents).
 *
 * @throws {CtidError} `ERR_JSON_TOO_LARGE`, `ERR_JSON_MALFORMED`, `ERR_JSON_DUPLICATE_KEY`
 */
export function parseJson(text: string, options: ParseJsonOptions = {}): Json {
  const { maxLength = 65_536, maxDepth = 32 } = options
  if (text.length > maxLength) throw new CtidError('ERR_JSON_TOO_LARGE')
  scanStructure(text, maxDepth)
  try {
    return JSON.parse(text) as Json
  } catch {
    throw new CtidError('ERR_JSON_MALFORMED')
  }
}

/** As {@link parseJson}, and the document must be an object, else `ERR_JSON_MALFORMED`. */
export function parseJsonObject(text: string, options: ParseJsonOptions = {}): JsonObject {
  const value = parseJson(text, options)
  if (!isJsonObject(value)) throw new CtidError('ERR_JSON_MALFORMED')
  return value
}

/** Whether a value is an object that is neither null nor an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The value as an object that has every required member and none but those and the optional ones: a member that this version
 * does not know could be what narrows the rest. Throws what `refuse` makes of the reason, which names members of the form alone.
 */
export function exactMembers(
  value: Json | undefined,
  {
    required,
    optional = [],
  }: { readonly required: readonly string[]; readonly optional?: readonly string[] },
  refuse: (detail: string) => Error,
): JsonObject {
  if (!isJsonObject(value)) throw refuse('not an object')
  for (const name of required) if (!Object.hasOwn(value, name)) throw refuse(`${name} is missing`)
  for (const name of Object.keys(value)) {
    if (!required.includes(name) && !optional.includes(name)) throw refuse('an unknown member')
  }
  return value
}

// One pass over the text before JSON.parse: counts depth, and keeps the member names of each open object.
// It may be lenient about everything else, since JSON.parse judges the grammar afterwards.
function scanStructure(text: string, maxDepth: number): void {
  const open: (Set<string> | null)[] = []
  let start = -1
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x22) {
      start = i
      i = endOfString(text, i)
      const names = open.at(-1)
      if (names && isMemberName(text, i)) {
        const name = unescapeName(text.slice(start, i + 1))
        if (names.has(name)) throw new CtidError('ERR_JSON_DUPLICATE_KEY')
        names.add(name)
      }
    } else if (code === 0x7b || code === 0x5b) {
      if (open.push(code === 0x7b ? new Set() : null) > maxDepth) throw new CtidError('ERR_JSON_TOO_LARGE')
    } else if (code === 0x7d || code === 0x5d) {
      open.pop()
    }
  }
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x5c) i++
    else if (code === 0x22) return i
  }
  throw new CtidError('ERR_JSON_MALFORMED')
}

function isMemberName(text: string, end: number): boolean {
  for (let i = end + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x3a) return true
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return false
  }
  return false
}

function unescapeName(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1)
  try {
    return JSON.parse(literal) as string
  } catch {
    throw new CtidError('ERR_JSON_MALFORMED')
  }
}

/**
 * Canonical JSON (RFC 8785): members sorted by UTF-16 units, no white space, ECMAScript numbers.
 * The text to hash or sign; equal documents give equal bytes.
 *
 * @throws {CtidError} `ERR_JSON_MALFORMED` on NaN, infinities, lone surrogates or values outside JSON
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new CtidError('ERR_JSON_MALFORMED')
    return JSON.stringify(value)
  }
  if (typeof value === 'string') {
    if (/\p{Surrogate}/u.test(value)) throw new CtidError('ERR_JSON_MALFORMED')
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (!isJsonObject(value)) throw new CtidError('ERR_JSON_MALFORMED')
  const members = Object.keys(value)
    .sort()
    .map((name) => `${canonicalJson(name)}:${canonicalJson(value[name] as Json)}`)
  return `{${members.join(',')}}`
}
