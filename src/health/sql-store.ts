// The authority's tables in the database of the store room.
import type { Migrations, Row, Session, Store } from '../store/index.ts'
import type { Appeal } from './appeal.ts'
import type { DerivationRecord } from './assertion.ts'
import type { HealthStore, StoredEvidence } from './store.ts'

/** Tables of the health authority: by pseudonym, never by token, and no column for a colour. */
export const healthMigrations: Migrations = {
  room: 'health',
  steps: [
    [
      'create table health_evidence (commitment text primary key, subject text not null, text text not null, expires_at bigint not null)',
      'create index health_evidence_subject on health_evidence (subject)',
      'create index health_evidence_expiry on health_evidence (expires_at)',
      'create table health_certificate (digest text primary key, subject text not null)',
      'create table health_appeal (id text primary key, subject text not null, state text not null, decide_by bigint not null, document text not null)',
      'create index health_appeal_subject on health_appeal (subject)',
      'create index health_appeal_due on health_appeal (state, decide_by)',
      'create table health_record (digest text primary key, subject text not null, document text not null)',
    ],
    ['create table health_count (source text primary key, pieces bigint not null)'],
    [
      'create table health_record_time (digest text primary key, at bigint not null)',
      'create index health_record_time_at on health_record_time (at)',
    ],
  ],
  shardBy: {
    health_evidence: 'commitment',
    health_count: 'source',
    health_certificate: 'digest',
    health_appeal: 'id',
    health_record: 'digest',
    health_record_time: 'digest',
  },
}

/** A {@link HealthStore} in a database whose migrations include {@link healthMigrations}. */
export function sqlHealthStore(store: Store): HealthStore {
  const documents = async <T>(sql: string, parameters: readonly (string | number)[]): Promise<readonly T[]> =>
    (await store.rows<Row & { document: string }>(sql, parameters)).map(
      ({ document }) => JSON.parse(document) as T,
    )
  return {
    addEvidence: (entry) => store.transaction((session) => insertEvidence(session, entry)),
    hasEvidence: async (commitment) =>
      (await store.find('health_evidence', ['commitment'], [commitment])).length > 0,
    evidenceCounts: async () =>
      new Map(
        (
          await store.rows<Row & { source: string; pieces: number }>(
            'select source, pieces from health_count order by source',
          )
        ).map(({ source, pieces }) => [source, pieces]),
      ),
    evidenceOf: async (subject) =>
      (
        await store.rows<Row & { text: string }>(
          'select text from health_evidence where subject = $1 order by commitment',
          [subject],
        )
      ).map(({ text }) => text),
    claimCertificate: async (digest, subject) => {
      await store.insert('health_certificate', ['digest', 'subject'], [[digest, subject]])
      const [row] = await store.find<Row & { subject: string }>(
        'health_certificate',
        ['digest', 'subject'],
        [digest],
      )
      return row?.subject === subject
    },
    saveAppeal: async (appeal) => {
      const row = [appeal.id, appeal.subject, appeal.state, appeal.decideBy, JSON.stringify(appeal)]
      await store.insert('health_appeal', ['id', 'subject', 'state', 'decide_by', 'document'], [row])
    },
    decideAppeal: (appeal, from, decision) =>
      store.transaction(async (session) => {
        // The row is locked from here on: of two decisions at once the second finds the state of the first.
        const sql = 'update health_appeal set state = $1, document = $2 where id = $3 and state = $4'
        const decided = await session.run(sql, [appeal.state, JSON.stringify(appeal), appeal.id, from])
        if (decided === 0) return false
        await insertEvidence(session, decision)
        return true
      }),
    appeal: async (id) =>
      (await documents<Appeal>('select document from health_appeal where id = $1', [id]))[0],
    appealsOf: (subject) =>
      documents<Appeal>('select document from health_appeal where subject = $1 order by id', [subject]),
    appealsDue: (now) =>
      documents<Appeal>(
        "select document from health_appeal where state = 'open' and decide_by <= $1 order by decide_by",
        [now],
      ),
    addRecord: (digest, subject, record) =>
      store.transaction(async (session) => {
        const row = [digest, subject, JSON.stringify(record)]
        await session.insert('health_record', ['digest', 'subject', 'document'], [row])
        await session.insert('health_record_time', ['digest', 'at'], [[digest, record.at]])
      }),
    records: async () =>
      (
        await store.rows<Row & { subject: string; document: string }>(
          'select subject, document from health_record order by digest',
        )
      ).map((row) => ({
        subject: row.subject,
        record: JSON.parse(row.document) as DerivationRecord,
      })),
    forget: (before) =>
      store.transaction(
        async (session) => {
          const old = await session.rows<Row & { digest: string }>(
            'select digest from health_record_time where at < $1',
            [before],
          )
          for (const { digest } of old)
            await session.run('delete from health_record where digest = $1', [digest])
          await session.run('delete from health_record_time where at < $1', [before])
          await session.run("delete from health_appeal where state <> 'open' and decide_by < $1", [before])
          return await session.run('delete from health_evidence where expires_at < $1', [before])
        },
        { bulk: true },
      ),
  }
}

async function insertEvidence(
  session: Session,
  { commitment, subject, source, text, expiresAt }: StoredEvidence,
): Promise<boolean> {
  const added = await session.insert(
    'health_evidence',
    ['commitment', 'subject', 'text', 'expires_at'],
    [[commitment, subject, text, expiresAt]],
  )
  if (added === 0) return false
  await session.run(
    'insert into health_count (source, pieces) values ($1, 1) on conflict (source) do update set pieces = health_count.pieces + 1',
    [source],
  )
  return true
}
