// CertLogic 1.3.3 to closures: each part of an expression becomes up to three functions, by what its reader needs of it.
import { CtidError, type Json } from '../../base/index.ts'
import { checkExpression } from './check.ts'
import { booleanCode, type Code, constantCode, dateCode, dateInSlot, dateOf, valueCode } from './code.ts'
import { compileDateComparison } from './compare-dates.ts'
import {
  Instant,
  parseDateOfBirth,
  parseDateOperand,
  plusTime,
  type TimeUnit,
  UNDEFINED,
} from './instants.ts'
import { Frame, Layout, makeLoader } from './layout.ts'
import { integerOf, listOf, sameValue, textOf, truthOf } from './truth.ts'

export type CompileOptions = {
  /** Mark each slot read, and the next instant at which a date comparison with the clock changes. Default false. */
  readonly traced?: boolean
}

/**
 * Compiles an expression against a layout, adding the paths it reads.
 *
 * @throws {CtidError} `ERR_HEALTH_RULE` when the expression is not of valid form
 */
export function compileExpression(expr: Json, layout: Layout, options: CompileOptions = {}): Code {
  const issue = checkExpression(expr)[0]
  if (issue) throw new CtidError('ERR_HEALTH_RULE', { detail: 'an expression is not valid CertLogic' })
  return compilePart(expr, layout, options.traced === true)
}

type Compile = (part: Json) => Code

function compilePart(expr: Json, layout: Layout, traced: boolean): Code {
  const compile: Compile = (part) => compilePart(part, layout, traced)
  if (Array.isArray(expr)) return compileList(expr.map(compile))
  if (typeof expr !== 'object' || expr === null) return constantCode(expr)
  const [operator, raw] = Object.entries(expr)[0] as [string, Json]
  if (operator === 'var') return compileVar(layout.slotOf(raw as string), traced)
  const operands = raw as readonly Json[]
  if (operator === 'reduce') return compileReduce(operands, compile)
  const codes = operator === 'plusTime' || operator === 'extractFromUVCI' ? [] : operands.map(compile)
  const [a, b, c] = codes as [Code, Code, Code]
  switch (operator) {
    case 'if':
      return compileIf(a, b, c)
    case 'and':
      return compileAnd(codes)
    case '!': {
      const { test } = a
      return booleanCode((frame) => !test(frame))
    }
    case '===':
      return compileSame(a, b)
    case 'in':
      return compileIn(a, b)
    case '+':
      return valueCode((frame) => integerOf(integerOf(a.value(frame)) + integerOf(b.value(frame))))
    case 'plusTime':
      return compilePlusTime(compile(operands[0] as Json), operands[1] as number, operands[2] as TimeUnit)
    case 'dccDateOfBirth':
      return dateCode((frame) => dateOf(parseDateOfBirth(textOf(a.value(frame)))))
    case 'extractFromUVCI':
      return compileUvci(compile(operands[0] as Json), operands[1] as number)
    case 'after':
    case 'before':
    case 'not-after':
    case 'not-before':
      return booleanCode(compileDateComparison(operator, codes, layout, traced))
    default:
      return booleanCode(compileIntegers(operator, codes))
  }
}

function compileList(items: readonly Code[]): Code {
  if (items.every((item) => item.constant)) return constantCode(items.map((item) => item.constant?.value))
  return valueCode((frame) => items.map((item) => item.value(frame)))
}

function compileVar(slot: number, traced: boolean): Code {
  const linear = { slot, offset: Number.NaN }
  if (!traced) {
    return { ...valueCode((frame) => frame.slots[slot]), test: (frame) => truthOf(frame.slots[slot]), linear }
  }
  const word = Math.floor(slot / 31)
  const bit = 1 << (slot % 31)
  const mark = (frame: Frame): unknown => {
    const at = frame.base + word
    frame.reads[at] = (frame.reads[at] as number) | bit
    return frame.slots[slot]
  }
  return { ...valueCode(mark), test: (frame) => truthOf(mark(frame)), linear }
}

function compileIf(guard: Code, then: Code, otherwise: Code): Code {
  const { test } = guard
  if (otherwise.constant?.value === false) {
    const second = then.test
    return { ...branchCode(test, then, otherwise), test: (frame) => test(frame) && second(frame) }
  }
  if (otherwise.constant?.value === true) {
    const second = then.test
    return { ...branchCode(test, then, otherwise), test: (frame) => !test(frame) || second(frame) }
  }
  return branchCode(test, then, otherwise)
}

function branchCode(test: Code['test'], then: Code, otherwise: Code): Code {
  return {
    value: (frame) => (test(frame) ? then.value(frame) : otherwise.value(frame)),
    test: (frame) => (test(frame) ? then.test(frame) : otherwise.test(frame)),
    instant: (frame) => (test(frame) ? then.instant(frame) : otherwise.instant(frame)),
  }
}

// Lazy from left to right; the value is the first falsy operand, or the last.
function compileAnd(codes: readonly Code[]): Code {
  const last = codes.length - 1
  const code = valueCode((frame) => {
    let value: unknown = true
    for (let i = 0; i <= last; i++) {
      value = (codes[i] as Code).value(frame)
      if (!truthOf(value)) return value
    }
    return value
  })
  const tests = codes.map((one) => one.test)
  const [a, b, c] = tests as [Code['test'], Code['test'], Code['test']]
  if (tests.length === 2) return { ...code, test: (frame) => a(frame) && b(frame) }
  if (tests.length === 3) return { ...code, test: (frame) => a(frame) && b(frame) && c(frame) }
  return {
    ...code,
    test: (frame) => {
      for (let i = 0; i <= last; i++) if (!(tests[i] as Code['test'])(frame)) return false
      return true
    },
  }
}

function compileSame(a: Code, b: Code): Code {
  const literal = b.constant?.value
  if (b.constant && typeof literal !== 'object') {
    const { value } = a
    return booleanCode((frame) => {
      const left = value(frame)
      return left === literal || (typeof left === 'object' && left !== null && sameValue(left, literal))
    })
  }
  return booleanCode((frame) => sameValue(a.value(frame), b.value(frame)))
}

function compileIn(a: Code, b: Code): Code {
  const list = b.constant?.value
  if (Array.isArray(list)) {
    const members = new Set<unknown>(list)
    return booleanCode((frame) => members.has(a.value(frame)))
  }
  return booleanCode((frame) => {
    const item = a.value(frame)
    return listOf(b.value(frame)).includes(item)
  })
}

function compileIntegers(operator: string, codes: readonly Code[]): (frame: Frame) => boolean {
  const compare = INTEGER_COMPARISON[operator] as (left: number, right: number) => boolean
  const [a, b, c] = codes.map((code) => code.value) as [Code['value'], Code['value'], Code['value']]
  if (codes.length === 2) return (frame) => compare(integerOf(a(frame)), integerOf(b(frame)))
  return (frame) => {
    const first = integerOf(a(frame))
    const second = integerOf(b(frame))
    const third = integerOf(c(frame))
    return compare(first, second) && compare(second, third)
  }
}

const INTEGER_COMPARISON: { readonly [operator: string]: (left: number, right: number) => boolean } = {
  '<': (left, right) => left < right,
  '>': (left, right) => left > right,
  '<=': (left, right) => left <= right,
  '>=': (left, right) => left >= right,
}

function compilePlusTime(operand: Code, amount: number, unit: TimeUnit): Code {
  if (operand.constant && typeof operand.constant.value === 'string') {
    const ms = plusTime(parseDateOperand(operand.constant.value), amount, unit)
    if (!Number.isNaN(ms)) return { ...dateCode(() => ms), constant: { value: new Instant(ms) } }
  }
  const { value, linear } = operand
  // Only a plain variable: the operand is a text, and a date made by another `plusTime` is none.
  if (!linear || !Number.isNaN(linear.offset))
    return dateCode((frame) => dateOf(plusTime(parseDateOperand(textOf(value(frame))), amount, unit)))
  const { slot } = linear
  const read = (frame: Frame): number => {
    value(frame)
    return dateInSlot(frame, slot)
  }
  if (unit === 'day' || unit === 'hour' || amount === 0) {
    const offset = plusTime(0, amount, unit)
    return { ...dateCode((frame) => read(frame) + offset), linear: { slot, offset } }
  }
  return dateCode((frame) => dateOf(plusTime(read(frame), amount, unit)))
}

// The lambda sees `{current, accumulator}` only, so it has a layout and a frame of its own.
function compileReduce(operands: readonly Json[], compile: Compile): Code {
  const operand = compile(operands[0] as Json)
  const initial = compile(operands[2] as Json)
  const layout = new Layout()
  const lambda = compilePart(operands[1] as Json, layout, false)
  const load = makeLoader(layout)
  return valueCode((frame) => {
    const list = operand.value(frame)
    let accumulator = initial.value(frame)
    if (list === null) return accumulator
    const inner = new Frame(layout.paths.length)
    for (const current of listOf(list)) {
      if (--frame.steps < 0) throw UNDEFINED
      inner.steps = frame.steps
      load(inner, { current, accumulator })
      accumulator = lambda.value(inner)
      frame.steps = inner.steps
    }
    return accumulator
  })
}

const UVCI_PREFIX = 'URN:UVCI:'

function compileUvci(operand: Code, index: number): Code {
  return valueCode((frame) => {
    const value = operand.value(frame)
    if (value === null) return null
    const text = textOf(value)
    if (index < 0) return null
    return (
      (text.startsWith(UVCI_PREFIX) ? text.slice(UVCI_PREFIX.length) : text).split(/[/#:]/)[index] ?? null
    )
  })
}

/**
 * The slots that must hold something truthy for `expr` to be true: the variables with which a chain of `and` /
 * `if … else false` begins. When one of them is falsy the expression is false, whatever the rest says, so that
 * an evaluator may skip it. Only a leading run counts: anything before it could have thrown.
 */
export function leadingGuards(expr: Json, layout: Layout): readonly number[] {
  if (typeof expr !== 'object' || expr === null || Array.isArray(expr)) return []
  const [operator, raw] = Object.entries(expr)[0] as [string, Json]
  if (operator === 'var') return [layout.slotOf(raw as string)]
  const operands = raw as readonly Json[]
  if (operator === 'if' && operands[2] === false) return leadingGuards(operands[0] as Json, layout)
  if (operator !== 'and') return []
  const slots: number[] = []
  for (const operand of operands) {
    slots.push(...leadingGuards(operand, layout))
    if (!isVar(operand)) break
  }
  return slots
}

/**
 * What is left of a condition once its {@link leadingGuards} are known to hold; true or false exactly as the whole is.
 * Only for its truth: the value may be another one.
 */
export function afterGuards(expr: Json): Json {
  if (isVar(expr)) return true
  if (typeof expr !== 'object' || expr === null || Array.isArray(expr)) return expr
  const [operator, raw] = Object.entries(expr)[0] as [string, Json]
  const operands = raw as readonly Json[]
  if (operator === 'if' && operands[2] === false)
    return conjunction([afterGuards(operands[0] as Json), operands[1] as Json])
  if (operator !== 'and') return expr
  const rest = operands.findIndex((operand) => !isVar(operand))
  if (rest < 0) return true
  return conjunction([afterGuards(operands[rest] as Json), ...operands.slice(rest + 1)])
}

function conjunction(operands: readonly Json[]): Json {
  const [only = true, ...others] = operands[0] === true ? operands.slice(1) : operands
  return others.length === 0 ? only : { and: [only, ...others] }
}

function isVar(part: Json): boolean {
  return typeof part === 'object' && part !== null && !Array.isArray(part) && Object.hasOwn(part, 'var')
}
