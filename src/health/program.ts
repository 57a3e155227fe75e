// A rule set ready to run: its expressions compiled once over the fixed layout of facts, and evaluated in two ways,
// in full with a trace, or for the colour alone.
import type { Json } from '../base/index.ts'
import { readPaths } from './certlogic/check.ts'
import { type Code, dateInSlot } from './certlogic/code.ts'
import { afterGuards, compileExpression, leadingGuards } from './certlogic/compile.ts'
import { Undefined } from './certlogic/instants.ts'
import type { Layout } from './certlogic/layout.ts'
import { FactFrame, type FactRecord, factLayout } from './facts.ts'
import { groundsOf, type Requirement, type Rule, type RuleSet, ruleSetHash } from './rule-set.ts'

export type Colour = 'green' | 'yellow' | 'red' | 'undetermined'

/** What a rule said: it applies, it does not, or it could not be evaluated. */
export type RuleResult = 'true' | 'false' | 'open'

/** One evaluated condition: what it said and every fact that it looked at on the way. */
export type Traced<R> = { readonly rule: R; readonly result: RuleResult; readonly reads: readonly string[] }

export type Evaluation = {
  readonly rules: readonly Traced<Rule>[]
  readonly requires: readonly Traced<Requirement>[]
  /** Unix seconds of the next instant at which a comparison with the clock comes out differently; Infinity if none. */
  readonly nextChangeAt: number
}

/** Evaluations in columns, for many people: nothing is allocated per person. Read it before the next call. */
export type TraceColumns = {
  /** Per condition (rules, then requirements): 0 false, 1 true, 2 open. */
  readonly results: Uint8Array
  /** Per condition: bit `1 << slot` for each fact read. */
  readonly reads: Int32Array
}

export type Program = {
  readonly ruleSet: RuleSet
  readonly hash: string
  /** Colour alone: stops as soon as it is known. */
  colour(facts: FactRecord): Colour
  /** Every condition with what it read, into the same columns each time; returns the colour. */
  trace(facts: FactRecord): Colour
  readonly columns: TraceColumns
  /** As `trace`, spelled out. */
  evaluate(facts: FactRecord): Evaluation
  /** A rule's `until` or `release.at` for these facts, Unix seconds; null where it has none or it is undefined. */
  dateOf(rule: Rule, which: 'until' | 'release', facts: FactRecord): number | null
}

const CLOCK_SLOT = 0

const FALSE = 0
const TRUE = 1
const OPEN = 2
const RESULTS: readonly RuleResult[] = ['false', 'true', 'open']
const COLOURS: readonly Colour[] = ['green', 'undetermined', 'yellow', 'red']
const GREEN = 0
const UNDETERMINED = 1
const YELLOW = 2
const RED = 3

type Test = (frame: FactFrame) => boolean

const programs = new WeakMap<RuleSet, Program>()

/** The compiled rule set; compiled once per object. @throws {CtidError} `ERR_HEALTH_RULE` */
export function programOf(ruleSet: RuleSet): Program {
  const known = programs.get(ruleSet)
  if (known) return known
  const program = compileRuleSet(ruleSet)
  programs.set(ruleSet, program)
  return program
}

function compileRuleSet(ruleSet: RuleSet): Program {
  const { rules, requires } = ruleSet
  const layout = factLayout()
  const dateExpressions = rules
    .flatMap(({ until, release }) => [until, release.at])
    .filter((expr) => expr !== null)
  const conditions = [...rules, ...requires].map(({ when }) => when)
  const expressions = [...conditions, ...dateExpressions]
  const frame = new FactFrame(
    layout.paths.length,
    expressions.flatMap((expr) => [...readPaths(expr)]),
  )
  const columns = { results: new Uint8Array(conditions.length), reads: new Int32Array(conditions.length) }
  frame.reads = columns.reads
  const traced = conditions.map((when) => compileExpression(when, layout, { traced: true }).test)
  const firsts = Int32Array.from(conditions, (when) => firstGuard(when, layout))
  const ranks = Uint8Array.from(rules, ({ colour }) => (colour === 'red' ? RED : YELLOW))
  // A rule can be true only where one of these is there, because it begins with it: see `parseRuleSet`.
  const grounds = Int32Array.from(rules, (rule) => mask(groundsOf(rule).map((path) => layout.slotOf(path))))
  const dates = new Map<Rule, { until: Code | null; release: Code | null }>()
  for (const rule of rules) {
    const compile = (expr: Json): Code | null => (expr === null ? null : compileExpression(expr, layout))
    dates.set(rule, { until: compile(rule.until), release: compile(rule.release.at) })
  }
  const colour = compileColour(ruleSet, layout, frame, ranks, grounds)

  const trace = (facts: FactRecord): Colour => {
    frame.load(facts)
    frame.reset(clockOf(frame))
    const { results, reads } = columns
    let worst = GREEN
    for (let i = 0; i < traced.length; i++) {
      // A condition that begins with a fact that is not there is false, and has read that one.
      const first = firsts[i] as number
      if ((frame.present & first) !== first) {
        results[i] = FALSE
        reads[i] = first
        if (i >= ranks.length && worst < UNDETERMINED) worst = UNDETERMINED
        continue
      }
      frame.base = i
      reads[i] = 0
      const result = run(traced[i] as Test, frame)
      results[i] = result
      const rank =
        i >= ranks.length
          ? result === TRUE
            ? GREEN
            : UNDETERMINED
          : rankOf(result, frame, i, ranks, grounds)
      if (rank > worst) worst = rank
    }
    return COLOURS[worst] as Colour
  }

  return {
    ruleSet,
    hash: ruleSetHash(ruleSet),
    colour,
    trace,
    columns,
    evaluate: (facts) => {
      trace(facts)
      const spell = <R>(rule: R, i: number): Traced<R> => ({
        rule,
        result: RESULTS[groundedResult(columns.results[i] as number, frame, grounds[i])] as RuleResult,
        reads: layout.paths.filter((_, slot) => ((columns.reads[i] as number) & (1 << slot)) !== 0),
      })
      return {
        rules: rules.map((rule, i) => spell(rule, i)),
        requires: requires.map((requirement, i) => spell(requirement, rules.length + i)),
        nextChangeAt: Math.ceil(frame.nextMs / 1000),
      }
    },
    dateOf: (rule, which, facts) => {
      const code = dates.get(rule)?.[which]
      if (!code) return null
      frame.load(facts)
      frame.reset(clockOf(frame))
      try {
        return Math.floor(code.instant(frame) / 1000)
      } catch (error) {
        if (error instanceof Undefined) return null
        throw error
      }
    },
  }
}

// Red rules first, then yellow, then what green requires: the first that applies decides, and what is skipped could
// not have changed it. A rule none of whose leading facts is there is false without being run.
function compileColour(
  ruleSet: RuleSet,
  layout: Layout,
  frame: FactFrame,
  ranks: Uint8Array,
  grounds: Int32Array,
): (facts: FactRecord) => Colour {
  const { rules, requires } = ruleSet
  const order = [...rules.keys()].sort((a, b) => (ranks[b] as number) - (ranks[a] as number))
  const compileRest = (when: Json): Test => compileExpression(afterGuards(when), layout).test
  const tests = order.map((i) => compileRest((rules[i] as Rule).when))
  const needs = Int32Array.from(order, (i) => mask(leadingGuards((rules[i] as Rule).when, layout)))
  const grounded = Int32Array.from(order, (i) => grounds[i] as number)
  const ranked = Uint8Array.from(order, (i) => ranks[i] as number)
  // Most people have no fact with which any rule begins: one look at all of those at once.
  const begins = needs.every((need) => need !== 0)
    ? needs.reduce((bits, need) => bits | (need & -need), 0)
    : -1
  const required = requires.map(({ when }) => compileRest(when))
  const requiredNeeds = Int32Array.from(requires, ({ when }) => mask(leadingGuards(when, layout)))
  return (facts) => {
    frame.load(facts)
    frame.reset(0)
    const { present } = frame
    let open = false
    const count = (present & begins) === 0 && begins !== -1 ? 0 : tests.length
    for (let i = 0; i < count; i++) {
      const need = needs[i] as number
      if ((present & need) !== need) continue
      const result = run(tests[i] as Test, frame)
      if (result === FALSE) continue
      if (result === TRUE && (present & (grounded[i] as number)) !== 0)
        return COLOURS[ranked[i] as number] as Colour
      open = true
    }
    if (open) return 'undetermined'
    for (let i = 0; i < required.length; i++) {
      const need = requiredNeeds[i] as number
      if ((present & need) !== need || run(required[i] as Test, frame) !== TRUE) return 'undetermined'
    }
    return 'green'
  }
}

function run(test: Test, frame: FactFrame): number {
  try {
    return test(frame) ? TRUE : FALSE
  } catch (error) {
    if (error instanceof Undefined) return OPEN
    throw error
  }
}

// A rule that applies to somebody without any fact that may restrict is a rule gone wrong: open, not a colour.
function groundedResult(result: number, frame: FactFrame, ground: number | undefined): number {
  return result === TRUE && ground !== undefined && (frame.present & ground) === 0 ? OPEN : result
}

function rankOf(result: number, frame: FactFrame, i: number, ranks: Uint8Array, grounds: Int32Array): number {
  const grounded = groundedResult(result, frame, grounds[i])
  return grounded === TRUE ? (ranks[i] as number) : grounded === OPEN ? UNDETERMINED : GREEN
}

function firstGuard(when: Json, layout: Layout): number {
  const [slot] = leadingGuards(when, layout)
  return slot === undefined || slot === CLOCK_SLOT ? 0 : 1 << slot
}

function mask(slots: readonly number[]): number {
  return slots.reduce((bits, slot) => bits | (1 << slot), 0)
}

function clockOf(frame: FactFrame): number {
  return dateInSlot(frame, CLOCK_SLOT)
}
