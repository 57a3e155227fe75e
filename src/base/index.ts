// base: bytes, JSON, time and errors, the one room everybody may enter. It knows nothing of identities.

export { readBody } from './body.ts'
export {
  type Brand,
  concatBytes,
  equalBytes,
  framed,
  fromBase64url,
  fromHex,
  fromUtf8,
  type MaybePromise,
  type RandomBytes,
  systemRandom,
  toBase64url,
  toHex,
  uintBytes,
  utf8,
} from './bytes.ts'
export { ERRORS } from './error-codes.ts'
export { CtidError, type CtidErrorOptions, type ErrorCode, isCtidError, isErrorCode } from './errors.ts'
export {
  canonicalJson,
  exactMembers,
  isJsonObject,
  type Json,
  type JsonObject,
  type ParseJsonOptions,
  parseJson,
  parseJsonObject,
} from './json.ts'
export { shuffle, uniformBelow } from './shuffle.ts'
export { type Clock, DAY, HOUR, isoTime, MINUTE, systemClock } from './time.ts'
