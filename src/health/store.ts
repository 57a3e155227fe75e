// What the authority keeps, behind a port: signed texts by pseudonym, appeals, records of derivations. No colours.

import type { Appeal } from './appeal.ts'
import type { DerivationRecord } from './assertion.ts'

export type StoredEvidence = {
  readonly subject: string
  readonly commitment: string
  readonly source: string
  readonly text: string
  readonly expiresAt: number
}

/**
 * The authority's tables. There is none for a colour: a status is derived when it is asked for. A record says what was
 * derived, for the auditor; nothing reads it back as a status.
 */
export type HealthStore = {
  /** False when the evidence was there already. What is new is counted for its source, in the same step. */
  addEvidence(entry: StoredEvidence): Promise<boolean>
  hasEvidence(commitment: string): Promise<boolean>
  /** How many pieces of evidence each source has handed in, ever. Never decreases. */
  evidenceCounts(): Promise<ReadonlyMap<string, number>>
  evidenceOf(subject: string): Promise<readonly string[]>
  /** Remembers a certificate's digest; false when another person brought it before. */
  claimCertificate(digest: string, subject: string): Promise<boolean>
  saveAppeal(appeal: Appeal): Promise<void>
  /**
   * Replaces an appeal that is still in the state `from`, and adds the decision as evidence, in one step. False when it is in
   * another state: somebody else was faster, and nothing has changed.
   */
  decideAppeal(appeal: Appeal, from: Appeal['state'], decision: StoredEvidence): Promise<boolean>
  appeal(id: string): Promise<Appeal | undefined>
  appealsOf(subject: string): Promise<readonly Appeal[]>
  /** Open appeals to be decided before `now`. */
  appealsDue(now: number): Promise<readonly Appeal[]>
  addRecord(digest: string, subject: string, record: DerivationRecord): Promise<void>
  records(): Promise<readonly { readonly subject: string; readonly record: DerivationRecord }[]>
  /**
   * Deletes evidence that expired before `before` (Unix seconds), records of derivations of before, and appeals that were to be
   * decided before and are; returns how much evidence.
   */
  forget(before: number): Promise<number>
}

/** A store in memory, for tests, the demo and labs. */
export function memoryHealthStore(): HealthStore {
  const evidence = new Map<string, { subject: string; text: string; expiresAt: number }>()
  const counts = new Map<string, number>()
  const certificates = new Map<string, string>()
  const appeals = new Map<string, Appeal>()
  const records = new Map<string, { subject: string; record: DerivationRecord }>()
  const add = ({ commitment, source, subject, text, expiresAt }: StoredEvidence): boolean => {
    if (evidence.has(commitment)) return false
    evidence.set(commitment, { subject, text, expiresAt })
    counts.set(source, (counts.get(source) ?? 0) + 1)
    return true
  }
  return {
    addEvidence: async (entry) => add(entry),
    hasEvidence: async (commitment) => evidence.has(commitment),
    evidenceCounts: async () => new Map(counts),
    evidenceOf: async (subject) =>
      [...evidence.values()].filter((one) => one.subject === subject).map(({ text }) => text),
    claimCertificate: async (digest, subject) => {
      const owner = certificates.get(digest) ?? subject
      certificates.set(digest, owner)
      return owner === subject
    },
    saveAppeal: async (appeal) => void appeals.set(appeal.id, appeal),
    decideAppeal: async (appeal, from, decision) => {
      if (appeals.get(appeal.id)?.state !== from) return false
      appeals.set(appeal.id, appeal)
      add(decision)
      return true
    },
    appeal: async (id) => appeals.get(id),
    appealsOf: async (subject) => [...appeals.values()].filter((one) => one.subject === subject),
    appealsDue: async (now) =>
      [...appeals.values()].filter((one) => one.state === 'open' && one.decideBy <= now),
    addRecord: async (digest, subject, record) => void records.set(digest, { subject, record }),
    records: async () => [...records.values()],
    forget: async (before) => {
      const old = [...evidence].filter(([, { expiresAt }]) => expiresAt < before)
      for (const [commitment] of old) evidence.delete(commitment)
      for (const [digest, { record }] of records) if (record.at < before) records.delete(digest)
      for (const [id, { state, decideBy }] of appeals)
        if (state !== 'open' && decideBy < before) appeals.delete(id)
      return old.length
    },
  }
}
