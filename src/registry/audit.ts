// The audit: both directions agree, one to one, and nothing hangs in the air. Deep: every label follows from its point.
import { equalBytes } from '../base/index.ts'
import type { Session } from '../store/index.ts'
import { type Desk, labelOf, readRing } from './desk.ts'
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

// Each check counts all rows and the rows that are as they must be, by inner joins only: a sharded engine (Citus) can
// join tables cut by different columns no other way. Rows with `next` are pointers of a rotation, not entries.
const ENTRIES = 'from registry_by_token t where t.next is null'
const CHECKS = {
  /** token → rec → the same token */
  'token-without-record': [
    ENTRIES,
    'from registry_by_token t join registry_by_rec r on r.rec = t.rec where t.next is null and r.token = t.token',
  ],
  /** rec → token → an entry */
  'record-without-token': [
    'from registry_by_rec r',
    'from registry_by_rec r join registry_by_token t on t.token = r.token where t.next is null',
  ],
  /** one version of every key, two records, one token */
  'token-with-two-records': [
    'from registry_by_rec r',
    'from (select token, rec_version, anchor_version from registry_by_rec group by token, rec_version, anchor_version) d',
  ],
  'entry-with-two-tokens': [
    ENTRIES,
    'from (select entry from registry_by_token where next is null group by entry) d',
  ],
  /** a pointer that leads nowhere */
  'pointer-without-target': [
    'from registry_by_token o where o.next is not null',
    'from registry_by_token o join registry_by_token t on t.token = o.next',
  ],
  'entry-without-vault': [
    ENTRIES,
    'from registry_by_token t join registry_vault v on v.entry = t.entry where t.next is null',
  ],
  'vault-without-entry': [
    'from registry_vault v',
    'from registry_by_token t join registry_vault v on v.entry = t.entry where t.next is null',
  ],
  /** a history with a gap, or that is longer or shorter than the entry says */
  'history-broken': [
    ENTRIES,
    `from registry_by_token t join
      (select entry, count(*) as total, max(seq) as last from registry_event group by entry) e on e.entry = t.entry
      where t.next is null and e.total = t.seq and e.last = t.seq`,
  ],
  /** a state that the last event did not give */
  'state-without-event': [
    ENTRIES,
    `from registry_by_token t join registry_event e on e.entry = t.entry and e.seq = t.seq
      where t.next is null and e.state = t.state`,
  ],
} as const

export type AuditCheck = keyof typeof CHECKS | 'label-not-of-its-point'

export type AuditOptions = {
  /** Open every binding and compute both labels again from the sealed points. Needs some 30 µs an entry. */
  readonly deep?: boolean
}

/** Registry: audits the whole registry on one consistent state, while enrolment goes on. */
export async function audit(desk: Desk, options: AuditOptions = {}): Promise<Audit> {
  // Keys of this process that another one has rotated must not look like damage.
  if (options.deep) await readRing(desk)
  return desk.store.snapshot(async (tx) => {
    const findings: { check: AuditCheck; count: number }[] = []
    for (const [check, [all, right]] of Object.entries(CHECKS) as [AuditCheck, [string, string]][]) {
      const difference =
        (await count(tx, `select count(*) as n ${all}`)) - (await count(tx, `select count(*) as n ${right}`))
      findings.push({ check, count: Math.abs(difference) })
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
    const { entry, tokenPoint, recordPoint, anchorVersion } = await bindingOf(desk, row)
    const token = labelOf(ofVersion(desk.keys.token, row.token_version), tokenPoint)
    const rec = labelOf(ofVersion(desk.keys.record, row.rec_version), recordPoint)
    const labels = equalBytes(token, row.token) && equalBytes(rec, row.rec)
    return labels && equalBytes(entry, row.entry) && anchorVersion === row.anchor_version
  } catch {
    return false
  }
}
