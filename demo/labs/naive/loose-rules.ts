// Wrong on purpose: health rules by an evaluator that compares invalid dates as false, as the archived reference engine does.
import { evaluate } from 'certlogic-js'
import type { Json, JsonObject } from '#ctid/base'

/** Whether the rule lets the holder pass. An error in a date is nobody's error here: the comparison is just false. */
export function looseRule(rule: Json, data: JsonObject): boolean {
  return evaluate(rule as Parameters<typeof evaluate>[0], data) === true
}
