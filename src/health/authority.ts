// The health authority: takes signed evidence and declarations in, answers with a derived status. It signs what a citizen
// declares and what a certificate says; it has no way to say a colour.
import {
  type Clock,
  CtidError,
  DAY,
  framed,
  isCtidError,
  type JsonObject,
  type RandomBytes,
  toBase64url,
} from '../base/index.ts'
import { type Signer, sha256 } from '../crypto/index.ts'
import {
  type Appeal,
  type AppealKind,
  decideAppeal,
  fileAppeal,
  filingCommitment,
  relieveWhenDue,
} from './appeal.ts'
import {
  type DerivationRecord,
  derivationDigest,
  recordDerivation,
  statusClaims,
  type VerifierProfile,
} from './assertion.ts'
import type { DatedFinding } from './certificates/findings.ts'
import { type CertificateHolder, certificateNonce } from './certificates/holder.ts'
import { type CertificateKeys, readCertificate } from './certificates/read.ts'
import { derive, type Status } from './derive.ts'
import { type Evidence, type EvidenceClaims, signEvidence, verifyEvidence } from './evidence.ts'
import type { Finding } from './evidence-class.ts'
import { programOf } from './program.ts'
import type { AuditBundle } from './replay.ts'
import type { RuleSet } from './rule-set.ts'
import { type SourceRegister, sourceLookup, sourceRegisterHash } from './sources.ts'
import type { HealthStore } from './store.ts'

/** The public log, as far as the authority writes to it. Personal entries are commitments that hide what they are about. */
export type HealthLog = {
  /** Hash of a rule set or of the register of sources, when it comes into use. */
  published(type: 'rule-set' | 'evidence-source', hash: string): Promise<void>
  /** How many pieces of evidence a source has handed in so far. */
  counted(source: string, count: number): Promise<void>
  /** A derivation's digest, or the commitment of a filing, decision or manual entry, about this person. */
  personal(type: 'status-derivation' | 'appeal', subject: string, commitment: string): Promise<void>
}

export type AuthorityDeps = {
  readonly store: HealthStore
  readonly ruleSet: RuleSet
  readonly register: SourceRegister
  /** The declaration desk: a registered source for `symptom`, `trip` and `residence`. */
  readonly intake: { readonly sourceId: string; readonly signer: Signer }
  /** The certificate desk: a registered source for `test`, `vaccination` and `recovery`. */
  readonly importer: { readonly sourceId: string; readonly signer: Signer }
  /** The appeals body: a registered source for `decision`. */
  readonly appeals: { readonly sourceId: string; readonly signer: Signer }
  readonly profiles: readonly VerifierProfile[]
  /** Keys that certificates are accepted from. */
  readonly certificateKeys: CertificateKeys
  /**
   * Whether the person under a pseudonym is the one named in a certificate: asked of the person's own credential,
   * presented with the certificate under `nonce`, never of a table here. `isSamePerson` compares.
   */
  readonly isNamed: (
    subject: string,
    holder: CertificateHolder,
    proof: { readonly presentation: string; readonly nonce: string },
  ) => Promise<boolean>
  /** Absent: nothing is logged (tests, a laptop without a log). */
  readonly log?: HealthLog
  readonly clock: Clock
  readonly random: RandomBytes
}

/** A status with what the citizen may keep: the claims for a credential and the record behind them. */
export type StatusAnswer = {
  readonly status: Status
  readonly record: DerivationRecord
  readonly claims: JsonObject
  readonly evidence: readonly string[]
}

export type HealthAuthority = ReturnType<typeof makeHealthAuthority>

const DECLARATION_LIFE_SECONDS = 30 * DAY
/** How long an auditor has after evidence has ended. */
const KEEP_SECONDS = 30 * DAY
/** How long an event in a certificate counts, from the event. */
const EVENT_LIFE_SECONDS: Readonly<Partial<Record<Finding['class'], number>>> = {
  test: 30 * DAY,
  recovery: 180 * DAY,
  vaccination: 365 * DAY,
}

/** Wires an authority together. Every function throws only `CtidError`. */
export function makeHealthAuthority(deps: AuthorityDeps) {
  const { store, ruleSet, clock, random } = deps
  const sources = sourceLookup(deps.register)

  const check = (text: string, expectedSubject?: string): Promise<Evidence> =>
    verifyEvidence(text, {
      sources,
      now: clock(),
      ...(expectedSubject === undefined ? {} : { expectedSubject }),
    })

  // What officers enter and what the appeals body decides is in the log, where the person can see it, before it counts.
  const logByHand = async ({ class: name, subject, commitment }: Evidence): Promise<void> => {
    const isByHand = name === 'manual' || name === 'decision'
    if (isByHand && !(await store.hasEvidence(commitment)))
      await deps.log?.personal('appeal', subject, commitment)
  }

  const take = async (text: string, expectedSubject?: string): Promise<Evidence> => {
    const evidence = await check(text, expectedSubject)
    // Anybody can write a signature in a second way, and those of two officers in the other order: such a text has a
    // commitment that no decision has set aside, but says nothing new.
    const known = await store.evidenceOf(evidence.subject)
    const same = known.find((one) => statementOf(one) === statementOf(text))
    if (same !== undefined && same !== text) return check(same)
    await logByHand(evidence)
    await store.addEvidence(evidence)
    return evidence
  }

  const attest = async (
    desk: { readonly sourceId: string; readonly signer: Signer },
    subject: string,
    finding: Finding | DatedFinding,
  ): Promise<Evidence> => {
    const now = clock()
    const at = 'at' in finding ? finding.at : now
    const claims = {
      subject,
      at,
      issuedAt: now,
      expiresAt: Math.min(
        now + DECLARATION_LIFE_SECONDS,
        at + (EVENT_LIFE_SECONDS[finding.class] ?? DECLARATION_LIFE_SECONDS),
      ),
      region: ruleSet.region,
      precision: 'precision' in finding ? finding.precision : { seconds: 0 },
      class: finding.class,
      data: finding.data,
    } as EvidenceClaims
    return take(await signEvidence(claims, desk.signer, { sourceId: desk.sourceId, random }), subject)
  }

  const evidenceOf = async (subject: string): Promise<readonly Evidence[]> => {
    const now = clock()
    const found: Evidence[] = []
    for (const text of await store.evidenceOf(subject)) {
      try {
        found.push(await verifyEvidence(text, { sources, now, acceptExpired: true }))
      } catch (error) {
        // A source that was taken out of the register no longer counts; everything else is a fault.
        if (!isCtidError(error)) throw error
      }
    }
    return found
  }

  const query = async (subject: string): Promise<StatusAnswer> => {
    const evidence = await evidenceOf(subject)
    const status = derive(evidence, ruleSet, clock())
    const record = recordDerivation(status, random)
    const digest = derivationDigest(record)
    await store.addRecord(digest, subject, record)
    await deps.log?.personal('status-derivation', subject, digest)
    return {
      status,
      record,
      claims: statusClaims(status, record, deps.profiles),
      evidence: evidence.map(({ text }) => text),
    }
  }

  const requireAppeal = async (id: string): Promise<Appeal> => {
    const appeal = await store.appeal(id)
    if (!appeal) throw new CtidError('ERR_HEALTH_APPEAL', { detail: 'unknown' })
    return appeal
  }

  // False when the appeal has been decided meanwhile: then this decision counts for nothing.
  const saveDecision = async (before: Appeal, after: Appeal): Promise<boolean> => {
    const decision = after.decisions.at(-1)
    if (after === before || decision === undefined) return false
    const evidence = await check(decision, after.subject)
    await logByHand(evidence)
    return store.decideAppeal(after, before.state, evidence)
  }

  return {
    ruleSet,
    register: deps.register,
    profiles: deps.profiles,

    /** To be called once at start: puts the hashes of the rules and of the register into the log. */
    announce: async (): Promise<void> => {
      await deps.log?.published('rule-set', programOf(ruleSet).hash)
      await deps.log?.published('evidence-source', sourceRegisterHash(deps.register))
    },

    /**
     * To be called now and then: puts into the log how much evidence each source has handed in. Whoever gets the evidence
     * opened for an audit can count it, and finds a source that showed less than it sent.
     */
    publishCounts: async (): Promise<void> => {
      for (const [source, count] of await store.evidenceCounts()) await deps.log?.counted(source, count)
    },

    /** A source: hands in signed evidence. */
    submitEvidence: (text: string): Promise<Evidence> => take(text),

    /** GB/T 38963, 1: health declaration. Symptoms are declared, never cleared, by the person. */
    declareHealth: (subject: string, declaration: { readonly symptoms: boolean }): Promise<Evidence> =>
      attest(deps.intake, subject, {
        class: 'symptom',
        data: { state: declaration.symptoms ? 'present' : 'none' },
      }),

    /** GB/T 38963, 2: trip declaration. */
    declareTrip: (subject: string, area: string): Promise<Evidence> =>
      attest(deps.intake, subject, { class: 'trip', data: { area } }),

    /** GB/T 38963, 3: query, by the person only. Derives anew each time, and keeps the record for the auditor. */
    query,

    /**
     * Imports a certificate (`HC1:` text, or the texts of a `shc:/` card). It must be signed by a trusted key, fresh,
     * name this person, and not have been brought by anybody else. `presentation`: the person's own credential with
     * name and date of birth, bound to {@link certificateNonce} of the texts.
     *
     * @throws {CtidError} `ERR_HEALTH_CERTIFICATE`, `ERR_HEALTH_CERTIFICATE_KEY`, `ERR_HEALTH_TIME`
     */
    importCertificate: async (
      subject: string,
      texts: readonly string[],
      presentation = '',
    ): Promise<readonly Evidence[]> => {
      const now = clock()
      const { findings, holder, signed } = await readCertificate(texts, deps.certificateKeys, now)
      const recent = findings.filter(
        (one) => one.at <= now && now < one.at + (EVENT_LIFE_SECONDS[one.class] ?? 0),
      )
      if (recent.length === 0)
        throw new CtidError('ERR_HEALTH_TIME', { detail: 'nothing in it still counts' })
      if (!(await deps.isNamed(subject, holder, { presentation, nonce: certificateNonce(texts) })))
        throw new CtidError('ERR_HEALTH_CERTIFICATE', { detail: 'another person' })
      // What was signed, not the text: one certificate can be written in many ways.
      const digest = toBase64url(sha256(framed('ctid/health-certificate/1', sha256(signed))))
      if (!(await store.claimCertificate(digest, subject)))
        throw new CtidError('ERR_HEALTH_CERTIFICATE', { detail: 'already used' })
      const evidence: Evidence[] = []
      for (const finding of recent) evidence.push(await attest(deps.importer, subject, finding))
      return evidence
    },

    /** GB/T 38963, 7: correction of evidence, and appeal against it. */
    contest: async (
      subject: string,
      request: {
        readonly kind: AppealKind
        readonly contested: readonly string[]
        readonly statement: string
      },
    ): Promise<Appeal> => {
      const known = new Set((await evidenceOf(subject)).map(({ commitment }) => commitment))
      if (request.contested.some((one) => !known.has(one)))
        throw new CtidError('ERR_HEALTH_APPEAL', { detail: 'not your evidence' })
      const appeal = fileAppeal({ ...request, subject, region: ruleSet.region }, { now: clock(), random })
      // The clock of the authority's deadline runs from a moment that the log knows, not only the authority.
      await deps.log?.personal('appeal', subject, filingCommitment(appeal))
      await store.saveAppeal(appeal)
      return appeal
    },

    appealsOf: (subject: string): Promise<readonly Appeal[]> => store.appealsOf(subject),

    /** Appeals body: decides. */
    decide: async (id: string, outcome: 'upheld' | 'dismissed'): Promise<Appeal> => {
      const { signer, sourceId } = deps.appeals
      // Again when relief was given in between, which is no decision yet.
      for (;;) {
        const appeal = await requireAppeal(id)
        const decided = await decideAppeal(appeal, outcome, signer, { now: clock(), sourceId, random })
        if (await saveDecision(appeal, decided)) return decided
      }
    },

    /** To be called often: gives relief where nobody answered in time. Returns the appeals relieved. */
    relieveDue: async (): Promise<readonly Appeal[]> => {
      const { signer, sourceId } = deps.appeals
      const relieved: Appeal[] = []
      for (const appeal of await store.appealsDue(clock())) {
        const after = await relieveWhenDue(appeal, signer, { now: clock(), sourceId, random })
        if (await saveDecision(appeal, after)) relieved.push(after)
      }
      return relieved
    },

    /**
     * To be called daily: deletes evidence 30 days after its end, and derivations and closed objections of before. What is left
     * can be repeated whole: a derivation rests on evidence that ends after it. Returns how many pieces of evidence went.
     */
    forget: async (): Promise<number> => store.forget(clock() - KEEP_SECONDS),

    /** For the auditor: everything needed to repeat every derivation that is kept. */
    auditBundle: async (): Promise<AuditBundle> => {
      const records = await store.records()
      const openings: string[] = []
      for (const subject of new Set(records.map((one) => one.subject)))
        openings.push(...(await store.evidenceOf(subject)))
      return {
        ruleSets: [ruleSet],
        records: records.map(({ record }) => record),
        digests: records.map(({ record }) => derivationDigest(record)),
        openings,
      }
    },
  }
}

const statementOf = (text: string): string | undefined => text.split('.', 2)[1]
