// A policy from a file: read strictly, so that a misspelt member is an error and not a check that is silently missing.
import { CtidError, exactMembers, type Json, type JsonObject } from '../base/index.ts'
import { ASSURANCE_LEVELS, type HealthOutcome } from '../qr/index.ts'
import type { LogRequirement } from '../transparency/index.ts'
import { CODE_CHECKS } from './checks.ts'
import { type FormPolicy, requireLog, requirePolicy, type VerifierPolicy } from './policy.ts'

const KINDS = ['person', 'organisation', 'health'] as const
const OUTCOMES: readonly HealthOutcome[] = ['undetermined', 'green', 'yellow', 'red', 'pass', 'not-passed']
const SECONDS = ['maxAgeSeconds', 'maxStatusAgeSeconds', 'skewSeconds', 'stepSeconds'] as const

/**
 * Reads a policy from JSON. Members are those of {@link VerifierPolicy}; others are refused.
 *
 * @throws {CtidError} `ERR_VERIFIER_POLICY`
 */
export function parsePolicy(value: Json): VerifierPolicy {
  const policy = members(
    value,
    ['name', 'useCase', 'purpose', 'accept', 'kinds', 'alternative'],
    ['region', 'healthOutcomes', 'claims', 'log', ...SECONDS],
  )
  const accept = members(policy['accept'], [], ['dynamic', 'paper'])
  const alternative = members(policy['alternative'], ['en', 'zh'])
  const { region, healthOutcomes, claims, log } = policy
  const parsed: VerifierPolicy = {
    name: text(policy['name']),
    useCase: text(policy['useCase']),
    purpose: text(policy['purpose']),
    ...(region === undefined ? {} : { region: text(region) }),
    accept: {
      ...(accept['dynamic'] === undefined ? {} : { dynamic: form(accept['dynamic']) }),
      ...(accept['paper'] === undefined ? {} : { paper: form(accept['paper']) }),
    },
    kinds: list(policy['kinds'], KINDS),
    ...(healthOutcomes === undefined ? {} : { healthOutcomes: list(healthOutcomes, OUTCOMES) }),
    ...(claims === undefined ? {} : { claims: array(claims).map(text) }),
    ...(log === undefined ? {} : { log: logRequirement(log) }),
    ...Object.fromEntries(SECONDS.flatMap((name) => (name in policy ? [[name, seconds(policy[name])]] : []))),
    alternative: { en: text(alternative['en']), zh: text(alternative['zh']) },
  }
  requirePolicy(parsed)
  return parsed
}

function form(value: Json): FormPolicy {
  const { minAssurance, required } = members(value, ['minAssurance', 'required'])
  const [level] = list([minAssurance as Json], ASSURANCE_LEVELS)
  return { minAssurance: level ?? 'high', required: list(required, CODE_CHECKS) }
}

/**
 * Reads a policy's `log` alone.
 *
 * @throws {CtidError} `ERR_VERIFIER_POLICY`
 */
export function parseLogRequirement(value: Json): LogRequirement {
  const required = logRequirement(value)
  requireLog(required)
  return required
}

function logRequirement(value: Json): LogRequirement {
  const { key, origin, witnesses, threshold, maxAgeSeconds } = members(
    value,
    ['key', 'witnesses', 'threshold'],
    ['origin', 'maxAgeSeconds'],
  )
  if (typeof threshold !== 'number') throw wrong('a threshold is missing')
  return {
    key: text(key),
    witnesses: array(witnesses).map(text),
    threshold,
    ...(origin === undefined ? {} : { origin: text(origin) }),
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds: seconds(maxAgeSeconds) }),
  }
}

function members(
  value: Json | undefined,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  return exactMembers(value, { required, optional }, wrong)
}

function array(value: Json | undefined): readonly Json[] {
  if (!Array.isArray(value)) throw wrong('an array is missing')
  return value as readonly Json[]
}

function list<T extends string>(value: Json | undefined, choices: readonly T[]): readonly T[] {
  return array(value).map((one) => {
    const choice = choices.find((known) => known === one)
    if (choice === undefined) throw wrong('an unknown value in a list')
    return choice
  })
}

function text(value: Json | undefined): string {
  if (typeof value !== 'string' || value.length > 500) throw wrong('a text is missing or too long')
  return value
}

function seconds(value: Json | undefined): number {
  if (typeof value !== 'number') throw wrong('a number of seconds is missing')
  return value
}

function wrong(detail: string): CtidError {
  return new CtidError('ERR_VERIFIER_POLICY', { detail })
}
