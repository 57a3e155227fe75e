// What a part of an expression compiles to, and the ways to make one.
import { Instant, parseDateOperand, UNDEFINED } from './instants.ts'
import type { Frame } from './layout.ts'
import { textOf, truthOf } from './truth.ts'

/**
 * A compiled part: its value, its truth, and, where it makes a date, its epoch milliseconds without an object.
 * Each throws {@link Undefined} where the specification defines nothing.
 */
export type Code = {
  readonly value: (frame: Frame) => unknown
  readonly test: (frame: Frame) => boolean
  readonly instant: (frame: Frame) => number
  /** Known at compile time. */
  readonly constant?: { readonly value: unknown }
  /** `{plusTime: [{var}, amount, day | hour]}`: the slot, and the milliseconds added to it. */
  readonly linear?: { readonly slot: number; readonly offset: number }
}

export function valueCode(value: (frame: Frame) => unknown): Code {
  return {
    value,
    test: (frame) => truthOf(value(frame)),
    instant: (frame) => {
      const result = value(frame)
      if (result instanceof Instant) return result.ms
      throw UNDEFINED
    },
  }
}

export function booleanCode(test: (frame: Frame) => boolean): Code {
  return { ...valueCode(test), test }
}

export function dateCode(instant: (frame: Frame) => number): Code {
  return { ...valueCode((frame) => new Instant(instant(frame))), instant }
}

export function constantCode(value: unknown): Code {
  return { ...valueCode(() => value), constant: { value } }
}

/** @throws {Undefined} for NaN */
export function dateOf(ms: number): number {
  if (Number.isNaN(ms)) throw UNDEFINED
  return ms
}

/** The date in a slot, parsed at first use. @throws {Undefined} when there is none */
export function dateInSlot(frame: Frame, slot: number): number {
  const known = frame.dates[slot] as number
  if (!Number.isNaN(known)) return known
  const ms = dateOf(parseDateOperand(textOf(frame.slots[slot])))
  frame.dates[slot] = ms
  return ms
}
