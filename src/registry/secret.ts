// A secret as a value that can be passed about but does not print, serialise or enumerate.

/** Key bytes behind a function. `JSON.stringify`, `console.log` and templates show `[secret]`. */
export type Secret = {
  /** The bytes, for the primitive that needs them. */
  reveal(): Uint8Array
  toJSON(): '[secret]'
  toString(): '[secret]'
}

/** Wraps a copy of `bytes`. */
export function secret(bytes: Uint8Array): Secret {
  const kept = Uint8Array.from(bytes)
  const hidden = () => '[secret]' as const
  const methods = { reveal: () => kept, toJSON: hidden, toString: hidden }
  return Object.defineProperty(methods, Symbol.for('nodejs.util.inspect.custom'), { value: hidden })
}
