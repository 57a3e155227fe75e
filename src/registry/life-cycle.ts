// The life cycle of an entry as one table: which step leads from which state to which, and for which reasons.
import { CtidError } from '../base/index.ts'

/**
 * What an entry is. `expired` is never stored: it is `active` whose document has run out by the clock.
 * `revoked` and `superseded` are final.
 */
export type State = 'active' | 'frozen' | 'expired' | 'revoked' | 'superseded'
export type StoredState = Exclude<State, 'expired'>

/** Every kind of event in an entry's history. The last two do not change the state. */
export type EventKind =
  | 'enrolled'
  | 'frozen'
  | 'unfrozen'
  | 'revoked'
  | 'renewed'
  | 'superseded'
  | 'opened'
  | 'erased'

type Step = {
  readonly from: readonly State[]
  /** The state afterwards; absent: unchanged. */
  readonly to?: StoredState
  readonly reasons: readonly string[]
}

/**
 * The table. Freezing is undone by unfreezing, revocation by nothing. A frozen entry can be neither renewed into
 * activity nor superseded: that would be a way round the freeze.
 */
export const STEPS = {
  enrolled: { from: [], to: 'active', reasons: ['enrolment'] },
  frozen: {
    from: ['active', 'expired'],
    to: 'frozen',
    reasons: ['holder-request', 'device-lost', 'suspected-misuse', 'record-disputed', 'court-order'],
  },
  unfrozen: { from: ['frozen'], to: 'active', reasons: ['holder-request', 'matter-resolved', 'court-order'] },
  revoked: {
    from: ['active', 'expired', 'frozen'],
    to: 'revoked',
    reasons: ['holder-request', 'death', 'dissolution', 'enrolment-error', 'proven-fraud', 'court-order'],
  },
  renewed: { from: ['active', 'expired', 'frozen'], reasons: ['document-renewed', 'record-corrected'] },
  superseded: {
    from: ['active', 'expired'],
    to: 'superseded',
    reasons: ['document-replaced', 'document-type-changed'],
  },
  opened: {
    from: ['active', 'expired', 'frozen', 'revoked', 'superseded'],
    reasons: ['holder-request', 'identity-dispute', 'court-order', 'supervision'],
  },
  erased: { from: ['revoked', 'superseded'], reasons: ['retention-ended', 'holder-request', 'court-order'] },
} as const satisfies Record<EventKind, Step>

/** The reasons that exist for a kind of event. */
export type Reason<Kind extends EventKind> = (typeof STEPS)[Kind]['reasons'][number]

/** The state by the clock. A freeze stays visible on an entry whose document has run out as well. */
export function stateAt(stored: StoredState, expiresAt: number | undefined, now: number): State {
  return stored === 'active' && expiresAt !== undefined && now >= expiresAt ? 'expired' : stored
}

/**
 * The stored state after a step.
 *
 * @throws {CtidError} `ERR_REGISTRY_REASON` when the reason is not in the list, `ERR_REGISTRY_STATE` when the step
 * does not start from this state
 */
export function nextState(kind: EventKind, state: State, stored: StoredState, reason: string): StoredState {
  const step: Step = STEPS[kind]
  if (!step.reasons.includes(reason)) throw new CtidError('ERR_REGISTRY_REASON', { detail: kind })
  if (!step.from.includes(state)) throw new CtidError('ERR_REGISTRY_STATE', { detail: `${state}, ${kind}` })
  return step.to ?? stored
}
