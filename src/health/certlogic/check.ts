// What can be known of an expression before it is put into force: its form, its limits, its literals.
import type { Json, JsonObject } from '../../base/index.ts'
import { parseDateOfBirth, parseDateOperand, TIME_UNITS } from './instants.ts'

/** One thing wrong with an expression, and the part that is wrong. */
export type Issue = { readonly expr: unknown; readonly message: string }

export type CheckOptions = {
  /** Deepest accepted nesting. Default 64. */
  readonly maxDepth?: number
  /** Most accepted parts. Default 4096. */
  readonly maxNodes?: number
  /** Also refuse literals that can never be right: impossible dates, texts where integers belong. Default false. */
  readonly literals?: boolean
}

export const COMPARISONS = ['>', '<', '>=', '<='] as const
export const DATE_COMPARISONS = ['after', 'before', 'not-after', 'not-before'] as const
const OPERAND_COUNTS: { readonly [operator: string]: readonly [number, number] } = {
  if: [3, 3],
  and: [2, Number.POSITIVE_INFINITY],
  '===': [2, 2],
  in: [2, 2],
  '+': [2, 2],
  '!': [1, 1],
  plusTime: [3, 3],
  reduce: [3, 3],
  extractFromUVCI: [2, 2],
  dccDateOfBirth: [1, 1],
  ...Object.fromEntries([...COMPARISONS, ...DATE_COMPARISONS].map((operator) => [operator, [2, 3]])),
}

/**
 * Lists every issue of form in a CertLogic expression; an empty list means that it compiles. Never throws.
 * The messages for the cases of the specification's validation suite are those of that suite.
 */
export function checkExpression(expr: unknown, options: CheckOptions = {}): readonly Issue[] {
  const { maxDepth = 64, maxNodes = 4096, literals = false } = options
  const issues: Issue[] = []
  let nodes = 0
  const visit = (part: unknown, depth: number): void => {
    if (++nodes > maxNodes || depth > maxDepth) {
      if (issues.at(-1)?.message !== TOO_LARGE) issues.push({ expr: null, message: TOO_LARGE })
      return
    }
    if (typeof part === 'string' || typeof part === 'boolean' || Number.isSafeInteger(part)) return
    if (typeof part === 'number')
      return void issues.push({ expr: part, message: `${part} is a non-integer number` })
    if (Array.isArray(part)) {
      for (const item of part) visit(item, depth + 1)
      return
    }
    if (typeof part !== 'object' || part === null)
      return void issues.push({ expr: part, message: 'invalid CertLogic expression' })
    const entries = Object.entries(part)
    const entry = entries[0]
    if (entry === undefined || entries.length !== 1) {
      issues.push({
        expr: part,
        message: `expression object must have exactly one key, but it has ${entries.length}`,
      })
      return
    }
    const message = operationIssue(entry[0], entry[1])
    if (message !== undefined) return void issues.push({ expr: part, message })
    if (entry[0] === 'var') return
    const operands = entry[1] as readonly Json[]
    const literal = literals ? literalIssue(entry[0], operands) : undefined
    if (literal !== undefined) issues.push({ expr: part, message: literal })
    for (const operand of operands) visit(operand, depth + 1)
  }
  visit(expr, 0)
  return issues
}

const TOO_LARGE = 'the expression is too large or too deeply nested'

function operationIssue(operator: string, values: unknown): string | undefined {
  if (operator === 'var') {
    if (typeof values !== 'string') return 'not of the form { "var": "<path>" }'
    return values === '' || /^[^.]+(\.[^.]+)*$/.test(values)
      ? undefined
      : `data access path doesn't have a valid format: ${values}`
  }
  if (!Array.isArray(values)) return 'operation not of the form { "<operator>": [ <values...> ] }'
  const range = Object.hasOwn(OPERAND_COUNTS, operator) ? OPERAND_COUNTS[operator] : undefined
  if (!range) return `unrecognised operator: "${operator}"`
  if (values.length < range[0] || values.length > range[1])
    return `a "${operator}" operation cannot have ${values.length} operands`
  if (operator === 'plusTime') {
    if (!Number.isSafeInteger(values[1])) return '"amount" argument (#2) of "plusTime" must be an integer'
    if (!TIME_UNITS.includes(values[2]))
      return `"unit" argument (#3) of "plusTime" must be one of ${TIME_UNITS.join(', ')}`
  }
  if (operator === 'extractFromUVCI' && !Number.isSafeInteger(values[1]))
    return '"index" argument (#2) of "extractFromUVCI" must be an integer'
  return undefined
}

const isLiteral = (part: unknown): boolean => typeof part !== 'object'

function makesDate(part: unknown): boolean {
  return typeof part === 'object' && part !== null && ('plusTime' in part || 'dccDateOfBirth' in part)
}

function literalIssue(operator: string, operands: readonly Json[]): string | undefined {
  const first = operands[0]
  const wrong = (fits: (part: Json) => boolean): boolean =>
    operands.some((part) => isLiteral(part) && !fits(part))
  if (operator === 'plusTime') {
    if (isLiteral(first) && !(typeof first === 'string' && !Number.isNaN(parseDateOperand(first))))
      return 'a date literal is not a date'
    if (Math.abs(operands[1] as number) > 1_000_000) return 'an amount of time is out of range'
    if (makesDate(first)) return 'the operand of "plusTime" is a date already, where a text is wanted'
  }
  if (
    operator === 'dccDateOfBirth' &&
    isLiteral(first) &&
    !(typeof first === 'string' && !Number.isNaN(parseDateOfBirth(first)))
  )
    return 'a date literal is not a date of birth'
  if (
    (operator === '+' || COMPARISONS.includes(operator as '>')) &&
    wrong((part) => typeof part === 'number')
  )
    return `a literal operand of "${operator}" is not an integer`
  if (DATE_COMPARISONS.includes(operator as 'after') && wrong(() => false))
    return `a literal operand of "${operator}" is not a date-time`
  if (operator === 'in' && isLiteral(operands[1])) return 'the right-hand side of "in" is not a list'
  if (operator === 'reduce' && isLiteral(first)) return 'the operand of "reduce" is not a list'
  return undefined
}

/** All paths that an expression reads, lambdas of `reduce` left out (they read `current` and `accumulator`). */
export function readPaths(expr: Json): ReadonlySet<string> {
  const paths = new Set<string>()
  const visit = (part: Json): void => {
    if (Array.isArray(part)) {
      for (const item of part) visit(item)
      return
    }
    if (typeof part !== 'object' || part === null) return
    const [operator, operands] = Object.entries(part as JsonObject)[0] as [string, Json]
    if (operator === 'var') {
      paths.add(operands as string)
      return
    }
    const list = operands as readonly Json[]
    list.forEach((operand, i) => {
      if (operator !== 'reduce' || i !== 1) visit(operand)
    })
  }
  visit(expr)
  return paths
}
