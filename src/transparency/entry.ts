// Log entries: one byte of type, then one of four fixed forms. Nothing in them can be guessed back to a person.
import {
  CtidError,
  canonicalJson,
  concatBytes,
  fromUtf8,
  type JsonObject,
  parseJsonObject,
  uintBytes,
  utf8,
} from '../base/index.ts'

/** Types whose content is public, with the members that each must have. */
export const PUBLIC_TYPES = {
  'key-ceremony': { code: 0x01, members: ['transcript'] },
  'key-rotation': { code: 0x02, members: ['transcript'] },
  'trust-list': { code: 0x03, members: ['hash'] },
  'rule-set': { code: 0x04, members: ['hash'] },
  'evidence-source': { code: 0x05, members: ['source', 'hash'] },
  'evidence-count': { code: 0x06, members: ['source', 'count'] },
  policy: { code: 0x07, members: ['hash'] },
} as const

/** Types about one person: the entry is a hiding commitment, and only that person can find and open it. */
export const PERSONAL_TYPES = {
  'life-cycle': 0x20,
  'credential-batch': 0x21,
  'status-derivation': 0x22,
  conversion: 0x23,
  appeal: 0x24,
  'record-access': 0x25,
} as const

/** Types that bind a record label to a token label. */
export const BINDING_TYPES = { registration: 0x10, replacement: 0x11 } as const
const EPOCH_CODE = 0x08

export type PublicType = keyof typeof PUBLIC_TYPES
export type PersonalType = keyof typeof PERSONAL_TYPES
export type BindingType = keyof typeof BINDING_TYPES

/** `type ‖ time ‖ canonical JSON`: what must be public. */
export type PublicEntry = {
  readonly form: 'public'
  readonly type: PublicType
  /** Unix seconds. */
  readonly time: number
  readonly body: JsonObject
}

/** `type ‖ time ‖ tag ‖ commitment`, 73 bytes. */
export type PersonalEntry = {
  readonly form: 'personal'
  readonly type: PersonalType
  readonly time: number
  /** Blinded audit tag, 32 bytes: see `opening.ts`. */
  readonly tag: Uint8Array
  readonly commitment: Uint8Array
}

/** `type ‖ epoch ‖ record label ‖ token label`, 73 bytes. */
export type BindingEntry = {
  readonly form: 'binding'
  readonly type: BindingType
  readonly epoch: number
  readonly recordLabel: Uint8Array
  readonly tokenLabel: Uint8Array
}

/** `0x08 ‖ epoch ‖ record root ‖ token root ‖ count`, 81 bytes: the two prefix trees over all bindings before it. */
export type EpochEntry = {
  readonly form: 'epoch'
  readonly type: 'epoch'
  readonly epoch: number
  readonly recordRoot: Uint8Array
  readonly tokenRoot: Uint8Array
  readonly count: number
}

export type LogEntry = PublicEntry | PersonalEntry | BindingEntry | EpochEntry

const MAX_PUBLIC_LENGTH = 16_384

/**
 * The bytes of an entry.
 *
 * @throws {CtidError} `ERR_LOG_ENTRY` when a field has the wrong length or a required member is missing
 */
export function encodeEntry(entry: LogEntry): Uint8Array<ArrayBuffer> {
  const bytes = encode(entry)
  parseEntry(bytes)
  return bytes
}

function encode(entry: LogEntry): Uint8Array<ArrayBuffer> {
  if (entry.form === 'public') {
    const { code } = PUBLIC_TYPES[entry.type]
    return concatBytes(uintBytes(code, 1), long(entry.time), utf8(canonicalJson(entry.body)))
  }
  if (entry.form === 'personal') {
    const code = PERSONAL_TYPES[entry.type]
    return concatBytes(uintBytes(code, 1), long(entry.time), entry.tag, entry.commitment)
  }
  if (entry.form === 'binding') {
    const code = BINDING_TYPES[entry.type]
    return concatBytes(uintBytes(code, 1), long(entry.epoch), entry.recordLabel, entry.tokenLabel)
  }
  const { epoch, recordRoot, tokenRoot, count } = entry
  return concatBytes(uintBytes(EPOCH_CODE, 1), long(epoch), recordRoot, tokenRoot, long(count))
}

/**
 * Reads an entry strictly: exact lengths, known type, canonical JSON.
 *
 * @throws {CtidError} `ERR_LOG_ENTRY`
 */
export function parseEntry(bytes: Uint8Array): LogEntry {
  const code = bytes[0]
  const number = bytes.subarray(1, 9).reduce((value, byte) => value * 256 + byte, 0)
  if (bytes.length < 9 || !Number.isSafeInteger(number))
    throw new CtidError('ERR_LOG_ENTRY', { detail: 'header' })
  const first = bytes.slice(9, 41)
  const second = bytes.slice(41, 73)

  const personal = nameOf(PERSONAL_TYPES, code)
  if (personal) {
    requireLength(bytes, 73)
    return { form: 'personal', type: personal, time: number, tag: first, commitment: second }
  }
  const binding = nameOf(BINDING_TYPES, code)
  if (binding) {
    requireLength(bytes, 73)
    return { form: 'binding', type: binding, epoch: number, recordLabel: first, tokenLabel: second }
  }
  if (code === EPOCH_CODE) {
    requireLength(bytes, 81)
    const count = bytes.subarray(73).reduce((value, byte) => value * 256 + byte, 0)
    if (!Number.isSafeInteger(count)) throw new CtidError('ERR_LOG_ENTRY', { detail: 'count' })
    return { form: 'epoch', type: 'epoch', epoch: number, recordRoot: first, tokenRoot: second, count }
  }
  return parsePublic(bytes, code, number)
}

function parsePublic(bytes: Uint8Array, code: number | undefined, time: number): PublicEntry {
  const names = Object.keys(PUBLIC_TYPES) as PublicType[]
  const type = names.find((name) => PUBLIC_TYPES[name].code === code)
  if (type === undefined) throw new CtidError('ERR_LOG_ENTRY', { detail: 'type' })
  if (bytes.length > MAX_PUBLIC_LENGTH) throw new CtidError('ERR_LOG_ENTRY', { detail: 'length' })
  let text: string
  try {
    text = fromUtf8(bytes.subarray(9))
  } catch {
    throw new CtidError('ERR_LOG_ENTRY', { detail: 'text' })
  }
  const body = parseJsonObject(text)
  // One content has one encoding, so that two readers never disagree about what was logged.
  if (canonicalJson(body) !== text) throw new CtidError('ERR_LOG_ENTRY', { detail: 'not canonical' })
  const missing = PUBLIC_TYPES[type].members.some((member) => !(member in body))
  if (missing) throw new CtidError('ERR_LOG_ENTRY', { detail: 'member missing' })
  return { form: 'public', type, time, body }
}

function nameOf<T extends Record<string, number>>(table: T, code: number | undefined): keyof T | undefined {
  return (Object.keys(table) as (keyof T)[]).find((name) => table[name] === code)
}

function requireLength(bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new CtidError('ERR_LOG_ENTRY', { detail: 'length' })
}

// Eight big-endian bytes; JavaScript's safe integers need seven.
function long(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new CtidError('ERR_LOG_ENTRY', { detail: 'number' })
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, BigInt(value))
  return out
}
