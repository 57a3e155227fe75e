// What a piece of evidence can say: a closed list of classes, each with its members.
import { CtidError, isJsonObject, type Json } from '../base/index.ts'

type Choice = readonly string[]
type Member = Choice | 'count' | 'area' | 'commitments' | 'id'

/** The classes: for each member the words to choose from, or the form of its value. */
export const CLASSES = {
  /** A laboratory or antigen test. */
  test: { kind: ['naat', 'antigen'], result: ['positive', 'negative'] },
  vaccination: { dose: 'count', of: 'count' },
  recovery: {},
  /** A clinic's finding on a patient. */
  case: { state: ['confirmed', 'asymptomatic', 'suspected', 'excluded', 'discharged'] },
  /** The person's own declaration, or a fever clinic's exclusion. */
  symptom: { state: ['none', 'present', 'excluded'] },
  contact: { kind: ['close', 'secondary', 'companion', 'vehicle'] },
  stay: { risk: ['high', 'medium', 'low'], area: 'area' },
  travel: { from: ['abroad', 'domestic'] },
  residence: { area: 'area' },
  /** A journey that the person declares. */
  trip: { area: 'area' },
  /** A call for regional testing that names the person's area. */
  screening: { area: 'area' },
  /** The end of closed-loop work in a post of high risk. */
  duty: { post: ['high-risk'] },
  /** A finding handed over by another region's authority, or taken back by it. */
  transfer: { state: ['raised', 'revoked'], region: 'area' },
  /** An appeal or correction: the named evidence no longer counts. */
  decision: { outcome: ['upheld', 'interim-relief', 'dismissed'], excludes: 'commitments', appeal: 'id' },
  /** Two officers' entry of what no source has sent. */
  manual: {
    reason: [
      'discharge-on-paper',
      'exclusion-on-paper',
      'negative-test-on-paper',
      'case-notice-by-telephone',
      'contact-notice-by-telephone',
    ],
  },
} as const satisfies Record<string, Record<string, Member>>

export type EvidenceClass = keyof typeof CLASSES
export const EVIDENCE_CLASSES = Object.keys(CLASSES) as readonly EvidenceClass[]

/** The closed list of reasons for a manual entry. */
export const MANUAL_REASONS = CLASSES.manual.reason
export type ManualReason = (typeof MANUAL_REASONS)[number]

type Value<M> = M extends readonly (infer One)[]
  ? One
  : M extends 'count'
    ? number
    : M extends 'commitments'
      ? readonly string[]
      : string

/** The members of a class, for example `{kind: 'naat', result: 'negative'}`. */
export type EvidenceData<C extends EvidenceClass> = {
  readonly [M in keyof (typeof CLASSES)[C]]: Value<(typeof CLASSES)[C][M]>
}

/** A class and its members. */
export type Finding = {
  readonly [C in EvidenceClass]: { readonly class: C; readonly data: EvidenceData<C> }
}[EvidenceClass]

/** @throws {CtidError} `ERR_HEALTH_EVIDENCE` for an unknown class, a missing, unknown or malformed member */
export function parseFinding(name: Json | undefined, data: Json | undefined): Finding {
  const members: Record<string, Member> | undefined =
    typeof name === 'string' && Object.hasOwn(CLASSES, name) ? CLASSES[name as EvidenceClass] : undefined
  if (!members || !isJsonObject(data) || Object.keys(data).length !== Object.keys(members).length)
    throw new CtidError('ERR_HEALTH_EVIDENCE', { detail: 'class and its members' })
  for (const [member, form] of Object.entries(members))
    if (!Object.hasOwn(data, member) || !isOfForm(data[member] as Json, form))
      throw new CtidError('ERR_HEALTH_EVIDENCE', { detail: 'a member of the class' })
  return { class: name, data } as unknown as Finding
}

function isOfForm(value: Json, form: Member): boolean {
  if (form === 'count')
    return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= 20
  if (form === 'area') return typeof value === 'string' && /^(\d{6}|[A-Z]{2})$/.test(value)
  if (form === 'id') return typeof value === 'string' && /^[\w-]{1,64}$/.test(value)
  if (form === 'commitments')
    return (
      Array.isArray(value) &&
      value.length <= 32 &&
      value.every((one) => typeof one === 'string' && /^[\w-]{43}$/.test(one))
    )
  return typeof value === 'string' && form.includes(value)
}
