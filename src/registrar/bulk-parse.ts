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
 * The format that a file's first line shows: an object is JSON lines, anything else must be a CSV header of members of a
 * legal record, `documentNumber` and `name` among them.
 *
 * @throws {CtidError} `ERR_REGISTRAR_BULK_HEADER`
 */
export function formatOf(firstLine: Uint8Array): BulkFormat {
  const text = textOf(firstLine).replace(/^\uFEFF/, '')
  if (text.trimStart().startsWith('{')) return { kind: 'json' }
  const columns = parseCsvLine(text).map((name) => name.trim())
  const isHeader =
    columns.includes('documentNumber') &&
    columns.includes('name') &&
    columns.every((name) => COLUMNS.has(name)) &&
    new Set(columns).size === columns.length
  if (!isHeader) throw new CtidError('ERR_REGISTRAR_BULK_HEADER')
  return { kind: 'csv', columns }
}

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
