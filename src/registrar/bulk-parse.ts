// One line of a bulk file as a document: a JSON object, or a CSV record under the file's header (RFC 4180, one line each).
import { CtidError, fromUtf8, type JsonObject, parseJsonObject } from '../base/index.ts'
import { MAX_LINE_BYTES } from './bulk-lines.ts'

/** How the lines are read: `csv` with the names of its columns, or JSON lines. */
export type BulkFormat =
  | { readonly kind: 'json' }
  | { readonly kind: 'csv'; readonly columns: readonly string[] }

const COLUMNS = new Set([
  'documentType',
  'issuingState',
  'documentNumber',
  'name',
  'birthDate',
  'sex',
  'validUntil',
])

/**
 * The format that a file's first lines show. An object in the first of them that is not blank is JSON lines, else the very
 * first must be a CSV header of members of a legal record, `documentNumber` and `name` among them; a first line that is
 * neither is one bad line of a file of objects, if there are any.
 *
 * @throws {CtidError} `ERR_REGISTRAR_BULK_HEADER`
 */
export function formatOf(lines: readonly Uint8Array[]): BulkFormat {
  const first = lines.find((line) => !isBlank(line))
  if (first === undefined || beginsObject(first)) return { kind: 'json' }
  const columns = headerOf(lines[0] as Uint8Array)
  if (columns) return { kind: 'csv', columns }
  if (lines.some(beginsObject)) return { kind: 'json' }
  throw new CtidError('ERR_REGISTRAR_BULK_HEADER')
}

function headerOf(line: Uint8Array): readonly string[] | undefined {
  let columns: string[]
  try {
    columns = parseCsvLine(textOf(line).replace(/^\uFEFF/, '')).map((name) => name.trim())
  } catch {
    return undefined
  }
  const isHeader =
    columns.includes('documentNumber') &&
    columns.includes('name') &&
    columns.every((name) => COLUMNS.has(name)) &&
    new Set(columns).size === columns.length
  return isHeader ? columns : undefined
}

// By bytes: a line that is too long, or not UTF-8 further on, begins like any other.
const startOf = (line: Uint8Array): string =>
  Buffer.from(line.subarray(0, 256))
    .toString()
    .replace(/^\uFEFF/, '')
    .trimStart()

const beginsObject = (line: Uint8Array): boolean => startOf(line).startsWith('{')

const isBlank = (line: Uint8Array): boolean => line.length <= 256 && startOf(line) === ''

/**
 * The document in a line, `undefined` for a blank one. Empty CSV fields are absent members; without a column
 * `documentType` all are resident IDs.
 *
 * @throws {CtidError} `ERR_REGISTRAR_BULK_LINE`, `ERR_JSON_*`
 */
export function parseLine(line: Uint8Array, format: BulkFormat): JsonObject | undefined {
  const text = textOf(line).replace(/^\uFEFF/, '')
  if (text.trim() === '') return undefined
  if (format.kind === 'json') return parseJsonObject(text, { maxLength: MAX_LINE_BYTES })
  const fields = parseCsvLine(text)
  if (fields.length !== format.columns.length) {
    throw new CtidError('ERR_REGISTRAR_BULK_LINE', { detail: 'number of fields' })
  }
  const members = format.columns.flatMap((name, i) => (fields[i] ? [[name, fields[i] as string]] : []))
  return { documentType: 'resident-id', ...(Object.fromEntries(members) as JsonObject) }
}

function textOf(line: Uint8Array): string {
  if (line.length > MAX_LINE_BYTES) throw new CtidError('ERR_REGISTRAR_BULK_LINE', { detail: 'too long' })
  try {
    return fromUtf8(line)
  } catch {
    throw new CtidError('ERR_REGISTRAR_BULK_LINE', { detail: 'not UTF-8' })
  }
}

/**
 * Fields of one CSV record: `"` quotes a field, `""` is a quote in it. A field cannot go on in the next line.
 *
 * @throws {CtidError} `ERR_REGISTRAR_BULK_LINE`
 */
export function parseCsvLine(text: string): string[] {
  const fields: string[] = []
  let at = 0
  for (;;) {
    if (text[at] === '"') {
      let field = ''
      for (at++; ; at++) {
        const end = text.indexOf('"', at)
        if (end < 0) throw new CtidError('ERR_REGISTRAR_BULK_LINE', { detail: 'a quote is not closed' })
        field += text.slice(at, end)
        at = end + 1
        if (text[at] !== '"') break
        field += '"'
      }
      fields.push(field)
      if (at < text.length && text[at] !== ',') {
        throw new CtidError('ERR_REGISTRAR_BULK_LINE', { detail: 'text after a quoted field' })
      }
    } else {
      const comma = text.indexOf(',', at)
      const end = comma < 0 ? text.length : comma
      const field = text.slice(at, end)
      if (field.includes('"')) throw new CtidError('ERR_REGISTRAR_BULK_LINE', { detail: 'a stray quote' })
      fields.push(field)
      at = end
    }
    if (at >= text.length) return fields
    at++
  }
}
