// One expression, one document: the plain way to use CertLogic, for imported rules and for conformance.
import type { Json } from '../../base/index.ts'
import { compileExpression } from './compile.ts'
import { Undefined } from './instants.ts'
import { Frame, Layout, makeLoader } from './layout.ts'

/** A value, or *open* where the specification defines none. `value` may hold `Instant`s, which turn into texts as JSON. */
export type Outcome = { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'open' }

/** A compiled expression; call it with any number of documents. Total: never throws. */
export type Expression = (data: unknown) => Outcome

const OPEN: Outcome = { kind: 'open' }

/**
 * Compiles one CertLogic 1.3.3 expression.
 *
 * @throws {CtidError} `ERR_HEALTH_RULE` when the expression is not of valid form
 */
export function compile(expr: Json): Expression {
  const layout = new Layout()
  const code = compileExpression(expr, layout)
  const load = makeLoader(layout)
  const frame = new Frame(layout.paths.length)
  return (data) => {
    try {
      frame.reset(0)
      load(frame, data)
      return { kind: 'value', value: code.value(frame) }
    } catch (error) {
      if (error instanceof Undefined) return OPEN
      throw error
    }
  }
}

/** Compiles and evaluates once. @throws {CtidError} `ERR_HEALTH_RULE` */
export function evaluate(expr: Json, data: unknown): Outcome {
  return compile(expr)(data)
}
