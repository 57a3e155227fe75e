// Fusion: tables of two or more departments joined in a pseudonym space that exists for one purpose only. What leaves is
// an aggregate; afterwards the space, its key and the joined rows are discarded, and no other fusion can be matched with it.
import {
  type Clock,
  CtidError,
  canonicalJson,
  fromUtf8,
  type JsonObject,
  parseJsonObject,
  type RandomBytes,
} from '../base/index.ts'
import { type Group, hmacSha256, type Scalar } from '../crypto/index.ts'
import { aggregate, type Cell, type JoinedRow, type Query, requireSound } from './aggregate.ts'
import type { PrivacyBudget } from './budget.ts'
import { type Delivery, receive } from './delivery.ts'
import { type OpenedGrant, requireInForce } from './grant.ts'

export type FusionOptions = {
  /** The purpose sector, to which the departments convert. */
  readonly sector: string
  /** y of the purpose sector; wiped by `discard`. */
  readonly secretKey: Scalar
  /**
   * One grant per department, checked by the caller with `openGrant`; they name the fields that may be used, and the
   * fusion ends with the first sunset among them.
   */
  readonly grants: readonly OpenedGrant[]
  /** Smallest cell that leaves. At least 2. */
  readonly minimumCell: number
  /** Needed for answers with noise, and to tell no field exactly twice; `account` groups fusions over the same people. */
  readonly budget?: { readonly ledger: PrivacyBudget; readonly account: string }
  readonly clock: Clock
  readonly random: RandomBytes
}

export type Fusion = {
  /**
   * Adds what a department delivered, before the first answer: the same question before and after a person is added
   * would tell about that person. Rows carry a JSON object with granted fields only.
   *
   * @throws {CtidError} `ERR_PSEUDONYM_ROWS`, `ERR_PSEUDONYM_GRANT_SCOPE`, `ERR_PSEUDONYM_GRANT_TIME`,
   *   `ERR_PSEUDONYM_DISCARDED`
   */
  add(from: string, deliveries: readonly Delivery[]): Promise<void>
  /**
   * An aggregate over the persons that all departments delivered, once all have. One exact table, which
   * tells its fields for the whole account (the same again is free); every other answer needs noise and budget, for
   * exact tables that share a field can be subtracted from each other.
   *
   * @throws {CtidError} `ERR_PSEUDONYM_QUERY`, `ERR_PSEUDONYM_GRANT_SCOPE`, `ERR_PSEUDONYM_GRANT_TIME`,
   *   `ERR_PSEUDONYM_ROWS`, `ERR_PSEUDONYM_BUDGET`, `ERR_PSEUDONYM_DISCARDED`
   */
  aggregate(query: Query): Cell[]
  /** Ends the purpose: wipes keys and rows. */
  discard(): void
}

/**
 * Opens a fusion.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_GRANT_SCOPE` for a grant to another sector or two from one department,
 *   `ERR_PSEUDONYM_QUERY` for a minimum cell below 2
 */
export function openFusion(group: Group, options: FusionOptions): Fusion {
  const { sector, secretKey, grants, minimumCell, budget, clock, random } = options
  if (!Number.isSafeInteger(minimumCell) || minimumCell < 2) throw new CtidError('ERR_PSEUDONYM_QUERY')
  const granted = new Map(grants.map(({ from, fields }) => [from, fields]))
  if (granted.size === 0 || granted.size !== grants.length || grants.some(({ to }) => to !== sector)) {
    throw new CtidError('ERR_PSEUDONYM_GRANT_SCOPE', { detail: 'one grant a department, to this purpose' })
  }
  // Join keys are keyed again, with a key that dies with the fusion: a memory dump of rows shows no sector point.
  const joinKey = random(32)
  const tables = new Map<string, Map<string, JsonObject>>()
  let exact: { readonly name: string; readonly cells: readonly Cell[] } | undefined
  let answered = false
  let discarded = false

  const requireOpen = (): void => {
    if (discarded) throw new CtidError('ERR_PSEUDONYM_DISCARDED')
    for (const grant of grants) requireInForce(grant, clock())
  }
  const requireUnanswered = (): void => {
    if (answered) throw new CtidError('ERR_PSEUDONYM_ROWS', { detail: 'after the first answer' })
  }
  const requireGranted = (from: string, fields: readonly string[]): void => {
    const allowed = granted.get(from)
    if (!allowed || !fields.every((field) => allowed.includes(field))) {
      throw new CtidError('ERR_PSEUDONYM_GRANT_SCOPE', { detail: 'fields' })
    }
  }
  const requireDelivered = (): void => {
    if (![...granted.keys()].every((from) => tables.has(from))) {
      throw new CtidError('ERR_PSEUDONYM_ROWS', { detail: 'a department has not delivered' })
    }
  }
  const joined = (): JoinedRow[] => {
    const [first, ...others] = [...granted.keys()].map((from) => [from, tables.get(from)] as const)
    const rows: JoinedRow[] = []
    if (!first?.[1]) return rows
    for (const [key, fields] of first[1]) {
      const matched = others.map(([from, table]) => [from, table?.get(key)] as const)
      if (matched.some(([, row]) => row === undefined)) continue
      rows.push(new Map([[first[0], fields], ...(matched as [string, JsonObject][])]))
    }
    return rows
  }

  const answer = (query: Query): Cell[] => {
    answered = true
    return aggregate(joined(), query, { minimumCell, random })
  }
  const answerExactly = (query: Query): Cell[] => {
    const name = canonicalJson(query as unknown as JsonObject)
    if (exact !== undefined && exact.name !== name) throw new CtidError('ERR_PSEUDONYM_BUDGET')
    if (exact === undefined) {
      budget?.ledger.tellExactly(budget.account, fieldsOf(query))
      exact = { name, cells: answer(query) }
    }
    return structuredClone(exact.cells) as Cell[]
  }

  return {
    add: async (from, deliveries) => {
      requireOpen()
      requireUnanswered()
      requireGranted(from, [])
      const received = await receive(group, secretKey, deliveries, { to: sector })
      // Nothing is awaited from here on: all rows are added or none, and none is lost to another call at the same time.
      requireOpen()
      requireUnanswered()
      const table = new Map(tables.get(from))
      for (const { point, payload } of received) {
        const key = String.fromCharCode(...hmacSha256(joinKey, point))
        const fields = readFields(payload)
        requireGranted(from, Object.keys(fields))
        if (table.has(key)) throw new CtidError('ERR_PSEUDONYM_ROWS', { detail: 'a person twice' })
        table.set(key, fields)
      }
      tables.set(from, table)
    },
    aggregate: (query) => {
      requireOpen()
      requireSound(query)
      for (const { sector: from, field } of query.groupBy) requireGranted(from, [field])
      if (query.measure.type === 'sum') requireGranted(query.measure.sector, [query.measure.field])
      requireDelivered()
      if (query.epsilonMilli === undefined) return answerExactly(query)
      if (!budget) throw new CtidError('ERR_PSEUDONYM_BUDGET', { detail: 'no budget was set up' })
      budget.ledger.spend(budget.account, query.epsilonMilli)
      return answer(query)
    },
    discard: () => {
      discarded = true
      exact = undefined
      joinKey.fill(0)
      secretKey.fill(0)
      tables.clear()
    },
  }
}

function fieldsOf({ groupBy, measure }: Query): string[] {
  const measured = measure.type === 'sum' ? [measure] : []
  return [...new Set([...groupBy, ...measured].map(({ sector, field }) => `${sector}.${field}`))]
}

function readFields(payload: Uint8Array): JsonObject {
  if (payload.length === 0) return {}
  try {
    return parseJsonObject(fromUtf8(payload), { maxLength: 16_384, maxDepth: 4 })
  } catch {
    throw new CtidError('ERR_PSEUDONYM_ROWS')
  }
}
