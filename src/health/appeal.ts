// Contesting a status: correction and appeal with deadlines, relief when nobody answers in time, signed decisions.
import { CtidError, canonicalJson, DAY, framed, HOUR, type RandomBytes, toBase64url } from '../base/index.ts'
import { type Signer, sha256 } from '../crypto/index.ts'
import { parseJws } from '../trust/index.ts'
import { EVIDENCE_TYP, signEvidence } from './evidence.ts'

export type AppealKind = 'correction' | 'appeal'

/** An open or decided case. The person's words stay with the appeals body. */
export type Appeal = {
  readonly id: string
  readonly kind: AppealKind
  readonly subject: string
  readonly region: string
  /** Commitments of the contested evidence. */
  readonly contested: readonly string[]
  readonly statement: string
  readonly filedAt: number
  /** From here on the contested evidence no longer counts until somebody decides. */
  readonly decideBy: number
  readonly state: 'open' | 'interim-relief' | 'upheld' | 'dismissed'
  /** Signed decisions, oldest first; each is evidence of class `decision`. */
  readonly decisions: readonly string[]
  /** 32 random bytes, base64url: with the rest of the filing they open its entry in the log. */
  readonly nonce: string
}

/** Time the authority has. Hubei and Henan 2022: 48 hours for a code that was not converted. */
export const DEADLINE_SECONDS: Readonly<Record<AppealKind, number>> = { correction: DAY, appeal: 48 * HOUR }
/** Life of a decision: longer than any evidence it can concern. */
export const DECISION_LIFE_SECONDS = 60 * DAY

/**
 * Citizen: contests evidence.
 *
 * @throws {CtidError} `ERR_HEALTH_APPEAL` without evidence to contest, or with too long a statement
 */
export function fileAppeal(
  request: Pick<Appeal, 'kind' | 'subject' | 'region' | 'contested' | 'statement'>,
  options: { readonly now: number; readonly random: RandomBytes },
): Appeal {
  const { contested, statement } = request
  if (contested.length === 0 || contested.length > 32 || statement.length > 2000)
    throw new CtidError('ERR_HEALTH_APPEAL')
  const { now, random } = options
  return {
    ...request,
    id: toBase64url(random(12)),
    filedAt: now,
    decideBy: now + DEADLINE_SECONDS[request.kind],
    state: 'open',
    decisions: [],
    nonce: toBase64url(random(32)),
  }
}

/**
 * What the log carries of a filing: that it was made, when, and against what, which nobody can guess at without the nonce.
 * The same before and after a decision.
 */
export function filingCommitment(appeal: Appeal): string {
  const { id, kind, subject, region, contested, statement, filedAt, decideBy, nonce } = appeal
  const filing = canonicalJson({ id, kind, subject, region, contested, statement, filedAt, decideBy, nonce })
  return toBase64url(sha256(framed('ctid/health-appeal/1', filing)))
}

type DecideOptions = { readonly now: number; readonly sourceId: string; readonly random: RandomBytes }

/**
 * Appeals body: decides. `upheld` takes the contested evidence out for good, `dismissed` ends any interim relief.
 *
 * @throws {CtidError} `ERR_HEALTH_APPEAL` when it is already decided
 */
export async function decideAppeal(
  appeal: Appeal,
  outcome: 'upheld' | 'dismissed',
  signer: Signer,
  options: DecideOptions,
): Promise<Appeal> {
  if (isDecided(appeal)) throw new CtidError('ERR_HEALTH_APPEAL', { detail: 'already decided' })
  return {
    ...appeal,
    state: outcome,
    decisions: [...appeal.decisions, await signDecision(appeal, outcome, signer, options)],
  }
}

/** Anyone running the clock: gives relief to an appeal whose deadline has passed; the others come back unchanged. */
export async function relieveWhenDue(
  appeal: Appeal,
  signer: Signer,
  options: DecideOptions,
): Promise<Appeal> {
  if (appeal.state !== 'open' || options.now < appeal.decideBy) return appeal
  const decision = await signDecision(appeal, 'interim-relief', signer, options)
  return { ...appeal, state: 'interim-relief', decisions: [...appeal.decisions, decision] }
}

export function isDecided(appeal: Appeal): boolean {
  return appeal.state === 'upheld' || appeal.state === 'dismissed'
}

function signDecision(
  appeal: Appeal,
  outcome: 'upheld' | 'dismissed' | 'interim-relief',
  signer: Signer,
  { now, sourceId, random }: DecideOptions,
): Promise<string> {
  // Of several decisions the latest counts, so one must be later than those before it, also where another clock made those.
  const at = Math.max(now, ...appeal.decisions.map((text) => timeOf(text) + 1))
  const claims = {
    subject: appeal.subject,
    at,
    issuedAt: at,
    expiresAt: at + DECISION_LIFE_SECONDS,
    region: appeal.region,
    precision: { seconds: 0 },
    class: 'decision' as const,
    data: { outcome, excludes: [...appeal.contested], appeal: appeal.id },
  }
  return signEvidence(claims, signer, { sourceId, random })
}

const timeOf = (decision: string): number =>
  Number(parseJws(decision, { expectedTyp: EVIDENCE_TYP }).payload['at'])
