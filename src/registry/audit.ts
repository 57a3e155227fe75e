// The audit: both directions agree, one to one, and nothing hangs in the air. Deep: every label follows from its point.
import { equalBytes } from '../base/index.ts'
import type { Session } from '../store/index.ts'
import { type Desk, labelOf } from './desk.ts'
import { bindingOf, TOKEN_COLUMNS, type TokenRow } from './entry.ts'
import { ofVersion } from './keys.ts'

export type Audit = {
  /** Whether every finding is zero. */
  readonly passed: boolean
  readonly entries: number
  /** Entries by stored state. */
  readonly states: Readonly<Record<string, number>>
  /** Name of the check and number of rows that fail it. */
  readonly findings: readonly { readonly check: AuditCheck; readonly count: number }[]
  /** Events that the log has not accepted yet. */
  readonly unlogged: number
}

// `token` rows that rotation left behind as pointers have `next`; they are not entries.
const CHECKS = {
  /** token → rec → the same token */
  'token-without-record': `select count(*) as n from registry_by_token t left join registry_by_rec r on r.rec = t.rec
    where t.next is null and (r.rec is null or r.token <> t.token)`,
  /** rec → token → an entry */
  'record-without-token': `select count(*) as n from registry_by_rec r
    left join registry_by_token t on t.token = r.token and t.next is null where t.token is null`,
  /** two records of one key version with one token */
  'token-with-two-records': `select count(*) as n from
    (select token from registry_by_rec group by token, rec_version having count(*) > 1) d`,
  /** two tokens with one entry */
  'entry-with-two-tokens': `select count(*) as n from
    (select entry from registry_by_token where next is null group by entry having count(*) > 1) d`,
  /** a pointer that leads nowhere */
  'pointer-without-target': `select count(*) as n from registry_by_token o
    left join registry_by_token t on t.token = o.next where o.next is not null and t.token is null`,
  'entry-without-vault': `select count(*) as n from registry_by_token t left join registry_vault v on v.entry = t.entry
    where t.next is null and v.entry is null`,
  'vault-without-entry': `select count(*) as n from registry_vault v
    left join registry_by_token t on t.entry = v.entry and t.next is null where t.entry is null`,
  /** a history with a gap, an end missing, or another last state than the entry */
  'history-broken': `select count(*) as n from registry_by_token t left join
    (select entry, count(*) as total, max(seq) as last from registry_event group by entry) e on e.entry = t.entry
    left join registry_event l on l.entry = t.entry and l.seq = t.seq
    where t.next is null and (e.entry is null or e.total <> t.seq or e.last <> t.seq or l.state <> t.state)`,
} as const

export type AuditCheck = keyof typeof CHECKS | 'label-not-of-its-point'

export type AuditOptions = {
  /** Open every binding and compute both labels again from the sealed points. Needs some 30 µs an entry. */
  readonly deep?: boolean
}

/** Registry: audits the whole registry on one consistent state, while enrolment goes on. */
export async function audit(desk: Desk, options: AuditOptions = {}): Promise<Audit> {
  return desk.store.snapshot(async (tx) => {
    const findings: { check: AuditCheck; count: number }[] = []
    for (const [check, sql] of Object.entries(CHECKS) as [AuditCheck, string][]) {
      findings.push({ check, count: await count(tx, sql) })
    }
    if (options.deep) findings.push({ check: 'label-not-of-its-point', count: await deepCheck(desk, tx) })
    const states = await tx.rows<{ state: string; n: number }>(
      'select state, count(*) as n from registry_by_token where next is null group by state',
    )
    return {
      passed: findings.every((finding) => finding.count === 0),
      entries: states.reduce((sum, { n }) => sum + n, 0),
      states: Object.fromEntries(states.map(({ state, n }) => [state, n])),
      findings,
      unlogged: await count(
        tx,
        'select coalesce(sum(seq - logged), 0) as n from registry_by_token where next is null and logged < seq',
      ),
    }
  })
}

async function count(tx: Session, sql: string): Promise<number> {
  const [row] = await tx.rows<{ n: number }>(sql)
  return Number(row?.n)
}

async function deepCheck(desk: Desk, tx: Session): Promise<number> {
  const sql = `select ${TOKEN_COLUMNS.join(', ')} from registry_by_token
    where token > $1 and next is null order by token limit 1000`
  let after: Uint8Array = new Uint8Array(0)
  let wrong = 0
  for (;;) {
    const page = await tx.rows<TokenRow>(sql, [after])
    const last = page.at(-1)
    if (!last) return wrong
    for (const row of page) if (!(await isGenuine(desk, row))) wrong += 1
    after = last.token
  }
}

async function isGenuine(desk: Desk, row: TokenRow): Promise<boolean> {
  try {
    const { entry, tokenPoint, recordPoint } = await bindingOf(desk, row)
    const token = labelOf(ofVersion(desk.keys.token, row.token_version), tokenPoint)
    const rec = labelOf(ofVersion(desk.keys.record, row.rec_version), recordPoint)
    return equalBytes(token, row.token) && equalBytes(rec, row.rec) && equalBytes(entry, row.entry)
  } catch {
    return false
  }
}
