// Truthy, falsy and neither: CertLogic's own notion, narrower than JavaScript's.
import { Instant, UNDEFINED } from './instants.ts'

/** True or false for values that are truthy or falsy (specification, "Truthy and falsy values"). @throws {Undefined} for neither */
export function truthOf(value: unknown): boolean {
  if (typeof value === 'string') return value !== ''
  if (value === null) return false
  if (typeof value === 'boolean') return value
  if (typeof value === 'number' && !Number.isNaN(value)) return value !== 0
  if (Array.isArray(value)) return value.length > 0
  if (typeof value === 'object' && !(value instanceof Instant)) return Object.keys(value).length > 0
  throw UNDEFINED
}

/** Equality without coercion on null, booleans, strings and numbers. @throws {Undefined} on anything else */
export function sameValue(left: unknown, right: unknown): boolean {
  if ((typeof left === 'object' && left !== null) || (typeof right === 'object' && right !== null))
    throw UNDEFINED
  return left === right
}

export function integerOf(value: unknown): number {
  if (Number.isSafeInteger(value)) return value as number
  throw UNDEFINED
}

export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  throw UNDEFINED
}

export function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw UNDEFINED
}
