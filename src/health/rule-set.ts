// Rule sets: the law of one region as signed data. Versioned, dated, in two languages, with a day on which it ends.
import {
  CtidError,
  canonicalJson,
  DAY,
  exactMembers,
  isJsonObject,
  type Json,
  type JsonObject,
  toHex,
  utf8,
} from '../base/index.ts'
import { importVerifyKey, type P256PublicJwk, type Signer, sha256 } from '../crypto/index.ts'
import { keyId, parseJws, signJws, verifyJws } from '../trust/index.ts'
import { checkExpression, DATE_COMPARISONS, readPaths } from './certlogic/check.ts'
import { leadingGuards } from './certlogic/compile.ts'
import { Layout } from './certlogic/layout.ts'
import { EVIDENCE_CLASSES, type EvidenceClass } from './evidence-class.ts'
import { CLOCK_PATH, FACT_PATHS, GRAVE, RESTRICTIVE } from './facts.ts'

export type Text = { readonly en: string; readonly zh: string }

/** What a person can do, or must wait for, to be released. */
export const REMEDIES = [
  'negative-test',
  'two-negative-tests',
  'review-test',
  'clinical-exclusion',
  'discharge',
  'declaration',
  'revocation-by-source',
  'time',
] as const
export type Remedy = (typeof REMEDIES)[number]

export type Rule = {
  readonly id: string
  readonly colour: 'red' | 'yellow'
  /** True while the rule applies. CertLogic over the facts of `facts.ts` and `now`. */
  readonly when: Json
  /** The latest end, a CertLogic date; null: as long as the evidence lives. */
  readonly until: Json
  /** The earliest release, a CertLogic date, and what it takes. */
  readonly release: { readonly at: Json; readonly needs: readonly Remedy[] }
  readonly text: Text
  readonly wayBack: Text
  /** Legal basis. */
  readonly source: string
}

/** A condition for green: when it does not hold the status is undetermined, and this is what is missing. */
export type Requirement = {
  readonly id: string
  readonly when: Json
  readonly needs: Remedy
  readonly text: Text
  readonly missing: Text
  readonly source: string
}

/** An evidence class that the rule set uses, and how exact it must be. Other classes are not looked at. */
export type Acceptance = {
  readonly class: EvidenceClass
  readonly maxPrecisionSeconds?: number
  readonly maxPrecisionMetres?: number
}

export type RuleSet = {
  readonly format: 'ctid-health-rules/1'
  readonly id: string
  readonly version: number
  /** Region code: six digits of GB/T 2260, or a country. */
  readonly region: string
  readonly name: Text
  readonly purpose: Text
  /** Unix seconds. In force while `validFrom <= now < validTo`; `validTo <= sunset`, two years after `validFrom` at most. */
  readonly validFrom: number
  readonly validTo: number
  readonly sunset: number
  /** The periods this region chose, already in place in the rules; for readers. */
  readonly parameters: Readonly<Record<string, number>>
  readonly accepts: readonly Acceptance[]
  readonly requires: readonly Requirement[]
  readonly rules: readonly Rule[]
  readonly references: readonly { readonly title: string; readonly address?: string }[]
}

export const RULE_SET_TYP = 'health-rules+jwt'
const MAX_LENGTH = 524_288

/** SHA-256 of the rule set in canonical JSON (RFC 8785), 64 hexadecimal digits. Every status names it. */
export function ruleSetHash(ruleSet: RuleSet): string {
  return toHex(sha256(utf8(canonicalJson(ruleSet as unknown as Json))))
}

/**
 * Health authority: checks a rule set as before publication and signs it.
 *
 * @throws {CtidError} `ERR_HEALTH_RULE_SET`, `ERR_HEALTH_RULE`
 */
export async function signRuleSet(ruleSet: RuleSet, signer: Signer): Promise<string> {
  const payload = JSON.parse(canonicalJson(ruleSet as unknown as Json)) as JsonObject
  parseRuleSet(payload)
  return await signJws(payload, signer, { typ: RULE_SET_TYP, header: { kid: keyId(signer.publicJwk) } })
}

/**
 * Anyone: checks the signature and every rule of a published rule set.
 *
 * @throws {CtidError} `ERR_HEALTH_SIGNATURE`, `ERR_HEALTH_RULE_SET`, `ERR_HEALTH_RULE`, and those of `parseJws`
 */
export async function openRuleSet(
  text: string,
  options: { readonly expectedSigners: readonly P256PublicJwk[] },
): Promise<RuleSet> {
  const jws = parseJws(text, { expectedTyp: RULE_SET_TYP, maxLength: MAX_LENGTH })
  const signer = options.expectedSigners.find((jwk) => keyId(jwk) === jws.header['kid'])
  if (!signer || !(await verifyJws(jws, await importVerifyKey(signer))))
    throw new CtidError('ERR_HEALTH_SIGNATURE')
  return parseRuleSet(jws.payload)
}

/** Whether the rule set is in force at `now` (Unix seconds). */
export function isInForce(ruleSet: RuleSet, now: number): boolean {
  return ruleSet.validFrom <= now && now < ruleSet.validTo
}

/**
 * Reads a rule set strictly: form, texts in both languages, dates, and each expression: valid CertLogic with possible
 * literals, reading published facts only, the clock only in date comparisons by whole days or hours (so that the next
 * instant of change can be computed), each
 * restriction beginning with a fact that may restrict, red with a grave one.
 *
 * @throws {CtidError} `ERR_HEALTH_RULE_SET`, `ERR_HEALTH_RULE`
 */
export function parseRuleSet(value: Json): RuleSet {
  const set = members(value, [
    'format',
    'id',
    'version',
    'region',
    'name',
    'purpose',
    'validFrom',
    'validTo',
    'sunset',
    'parameters',
    'accepts',
    'requires',
    'rules',
    'references',
  ])
  if (set['format'] !== 'ctid-health-rules/1') throw malformed('format')
  match(set['id'], /^[A-Za-z0-9-]{1,40}$/, 'id')
  match(set['region'], /^(\d{6}|[A-Z]{2})$/, 'region')
  for (const name of ['version', 'validFrom', 'validTo', 'sunset']) integer(set[name], name)
  text(set['name'])
  text(set['purpose'])
  if (!isJsonObject(set['parameters'])) throw malformed('parameters')
  for (const one of Object.values(set['parameters'])) integer(one, 'parameter')
  for (const one of list(set['accepts'])) parseAcceptance(one)
  for (const one of list(set['references']))
    match(members(one, ['title'], ['address'])['title'], /^.{1,400}$/u, 'reference')
  const requires = list(set['requires']).map(parseRequirement)
  const rules = list(set['rules']).map(parseRule)
  const ids = [...requires, ...rules]
  if (new Set(ids).size !== ids.length) throw malformed('an id twice')
  const ruleSet = value as unknown as RuleSet
  const { validFrom, validTo, sunset } = ruleSet
  if (!(validFrom < validTo && validTo <= sunset && sunset - validFrom <= 2 * 366 * DAY))
    throw malformed('dates')
  return ruleSet
}

function parseRule(value: Json): string {
  const rule = members(value, ['id', 'colour', 'when', 'until', 'release', 'text', 'wayBack', 'source'])
  const id = match(rule['id'], /^[A-Z]{1,3}\d{0,3}$/, 'rule id')
  if (rule['colour'] !== 'red' && rule['colour'] !== 'yellow') throw malformed('colour')
  const release = members(rule['release'] as Json, ['at', 'needs'])
  for (const need of list(release['needs'])) if (!REMEDIES.includes(need as Remedy)) throw malformed('remedy')
  text(rule['text'])
  text(rule['wayBack'])
  match(rule['source'], /^.{1,400}$/u, 'source')
  checkFactExpression(rule['when'] as Json)
  if (rule['until'] !== null) checkFactExpression(rule['until'] as Json)
  if (release['at'] !== null) checkFactExpression(release['at'] as Json)
  if (groundsOf({ colour: rule['colour'], when: rule['when'] as Json }).length === 0)
    throw new CtidError('ERR_HEALTH_RULE', {
      detail: `rule ${id} does not begin with a fact that may restrict`,
    })
  return id
}

/**
 * The facts on which a rule may restrict: those of the right gravity among the ones it begins with. Without one of them
 * the rule is false, whatever else it says, so no rule can turn anybody yellow or red who has no such evidence.
 */
export function groundsOf(rule: Pick<Rule, 'colour' | 'when'>): readonly string[] {
  const layout = new Layout()
  const may = rule.colour === 'red' ? GRAVE : RESTRICTIVE
  return leadingGuards(rule.when, layout)
    .flatMap((slot) => layout.paths[slot] ?? [])
    .filter((path) => may.has(path))
}

function parseRequirement(value: Json): string {
  const requirement = members(value, ['id', 'when', 'needs', 'text', 'missing', 'source'])
  const id = match(requirement['id'], /^[A-Z]{1,3}\d{0,3}$/, 'requirement id')
  if (!REMEDIES.includes(requirement['needs'] as Remedy)) throw malformed('remedy')
  text(requirement['text'])
  text(requirement['missing'])
  checkFactExpression(requirement['when'] as Json)
  return id
}

function parseAcceptance(value: Json): void {
  const acceptance = members(value, ['class'], ['maxPrecisionSeconds', 'maxPrecisionMetres'])
  if (!EVIDENCE_CLASSES.includes(acceptance['class'] as EvidenceClass)) throw malformed('class')
  for (const limit of ['maxPrecisionSeconds', 'maxPrecisionMetres'])
    if (acceptance[limit] !== undefined) integer(acceptance[limit], limit)
}

const KNOWN_PATHS = new Set<string>([CLOCK_PATH, ...FACT_PATHS])

function checkFactExpression(expr: Json): void {
  const issue = checkExpression(expr, { literals: true, maxDepth: 32, maxNodes: 512 })[0]
  if (issue) throw new CtidError('ERR_HEALTH_RULE', { detail: 'an expression is not valid CertLogic' })
  for (const path of readPaths(expr)) {
    if (!KNOWN_PATHS.has(path))
      throw new CtidError('ERR_HEALTH_RULE', { detail: 'a fact that does not exist' })
  }
  checkClock(expr, false)
}

function checkClock(part: Json, compared: boolean): void {
  if (Array.isArray(part)) {
    for (const item of part) checkClock(item, false)
    return
  }
  if (!isJsonObject(part)) return
  const [operator, raw] = Object.entries(part)[0] as [string, Json]
  if (operator === 'var') {
    if (raw === CLOCK_PATH)
      throw new CtidError('ERR_HEALTH_RULE', { detail: 'the clock outside a date comparison' })
    return
  }
  const operands = raw as readonly Json[]
  if (
    operator === 'plusTime' &&
    compared &&
    isClock(operands[0]) &&
    (operands[2] === 'day' || operands[2] === 'hour')
  )
    return
  const compares = DATE_COMPARISONS.includes(operator as 'after')
  for (const operand of operands) checkClock(operand, compares)
}

function isClock(part: Json | undefined): boolean {
  return isJsonObject(part) && part['var'] === CLOCK_PATH
}

function malformed(detail: string): CtidError {
  return new CtidError('ERR_HEALTH_RULE_SET', { detail })
}

function members(
  value: Json | undefined,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  return exactMembers(value, { required, optional }, malformed)
}

function list(value: Json | undefined): readonly Json[] {
  if (!Array.isArray(value) || value.length > 200) throw malformed('a list')
  return value
}

function match(value: Json | undefined, pattern: RegExp, name: string): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw malformed(name)
  return value
}

function integer(value: Json | undefined, name: string): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw malformed(name)
}

function text(value: Json | undefined): void {
  const both = members(value, ['en', 'zh'])
  match(both['en'], /^.{1,600}$/u, 'text')
  match(both['zh'], /^.{1,600}$/u, 'text')
}
