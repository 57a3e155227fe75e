// Member-state rules of the EU Digital COVID Certificate, used unchanged: which apply, and what they say together.
// eHealth Network, "EU DCC Validation Rules", 1.00; CertLogic 1.3.3.
import { CtidError, isJsonObject, type Json, type JsonObject } from '../base/index.ts'
import type { DccKind } from './certificates/dcc.ts'
import { compile, type Expression } from './certlogic/evaluate.ts'
import { parseInstant } from './certlogic/instants.ts'

/** A rule as published through the Gateway; only what selects and runs it. */
export type EuRule = {
  readonly Identifier: string
  readonly Type: string
  readonly Country: string
  readonly Version: string
  readonly CertificateType: string
  readonly ValidFrom: string
  readonly ValidTo: string
  readonly Description: readonly { readonly lang: string; readonly desc: string }[]
  readonly Logic: Json
}

/** What rules read beside the certificate. */
export type EuExternal = {
  readonly valueSets: Readonly<Record<string, readonly string[]>>
  /** ISO 8601. */
  readonly validationClock: string
  readonly [other: string]: unknown
}

/** `open`: a rule could not be evaluated, so nobody may say *pass*. */
export type EuVerdict = {
  readonly verdict: 'pass' | 'fail' | 'open'
  /** Ids of the rules that failed or, when open, could not be evaluated; sorted. */
  readonly rules: readonly string[]
}

type Compiled = {
  readonly rule: EuRule
  readonly from: number
  readonly to: number
  readonly run: Expression | undefined
}

/** The rules of all countries, compiled once. */
export type EuRuleBook = { readonly rules: readonly Compiled[] }

/**
 * Imports published rules. One whose logic is not valid CertLogic stays in the book and is open whenever it applies:
 * leaving it out would let pass what it was meant to stop.
 *
 * @throws {CtidError} `ERR_HEALTH_RULE` when a rule lacks what selects it
 */
export function importEuRules(rules: readonly Json[]): EuRuleBook {
  return {
    rules: rules.map((value) => {
      const rule = parseEuRule(value)
      return {
        rule,
        from: parseInstant(rule.ValidFrom),
        to: parseInstant(rule.ValidTo),
        run: tryCompile(rule.Logic),
      }
    }),
  }
}

function parseEuRule(value: Json): EuRule {
  const names = ['Identifier', 'Type', 'Country', 'Version', 'CertificateType', 'ValidFrom', 'ValidTo']
  if (!isJsonObject(value) || names.some((name) => typeof value[name] !== 'string') || !('Logic' in value))
    throw new CtidError('ERR_HEALTH_RULE', { detail: 'a published rule lacks a member' })
  const rule = value as unknown as EuRule
  if (Number.isNaN(parseInstant(rule.ValidFrom)) || Number.isNaN(parseInstant(rule.ValidTo)))
    throw new CtidError('ERR_HEALTH_RULE', { detail: 'a published rule has no dates' })
  return rule
}

function tryCompile(logic: Json): Expression | undefined {
  try {
    return compile(logic)
  } catch {
    return undefined
  }
}

const TYPE_OF_KIND: Readonly<Record<DccKind, string>> = { t: 'Test', v: 'Vaccination', r: 'Recovery' }

/** The acceptance rules of `country` for a certificate of these kinds at an instant: the highest version of each. */
export function selectEuRules(
  book: EuRuleBook,
  country: string,
  kinds: readonly DccKind[],
  clock: string,
): readonly Compiled[] {
  const now = parseInstant(clock)
  const types = ['General', ...kinds.map((kind) => TYPE_OF_KIND[kind])]
  const latest = new Map<string, Compiled>()
  for (const one of book.rules) {
    const { rule } = one
    const applies =
      rule.Type === 'Acceptance' && rule.Country === country && types.includes(rule.CertificateType)
    if (!applies || !(one.from <= now && now <= one.to)) continue
    const known = latest.get(rule.Identifier)
    if (!known || compareVersions(rule.Version, known.rule.Version) > 0) latest.set(rule.Identifier, one)
  }
  return [...latest.values()]
}

function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number)
  const right = b.split('.').map(Number)
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/**
 * Verifier: what a country's rules say of a certificate. Fail when any rule is not true, else open when any cannot be
 * evaluated, else pass. An impossible date, which the specification leaves undefined, is open here.
 */
export function judgeCertificate(
  book: EuRuleBook,
  hcert: JsonObject,
  options: { readonly country: string; readonly kinds: readonly DccKind[]; readonly external: EuExternal },
): EuVerdict {
  const data = { payload: hcert, external: options.external }
  const failed: string[] = []
  const open: string[] = []
  for (const { rule, run } of selectEuRules(
    book,
    options.country,
    options.kinds,
    options.external.validationClock,
  )) {
    const outcome = run?.(data) ?? { kind: 'open' }
    if (outcome.kind === 'open') open.push(rule.Identifier)
    else if (outcome.value !== true) failed.push(rule.Identifier)
  }
  if (failed.length > 0) return { verdict: 'fail', rules: failed.sort() }
  return open.length > 0 ? { verdict: 'open', rules: open.sort() } : { verdict: 'pass', rules: [] }
}
