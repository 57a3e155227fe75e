// The departments of the demo: their tables, joins that trustees approve one by one, what is refused, what a thief gets, and
// the citizen's own record. Opened when somebody first asks, since its ceremony and enrolments take a moment.
import { createHash } from 'node:crypto'
import express, { type Router } from 'express'
import {
  type Clock,
  CtidError,
  fromBase64url,
  type JsonObject,
  type RandomBytes,
  toBase64url,
} from '#ctid/base'
import type { Deployment } from '#ctid/deployment'
import { readJson, recordRouter } from '#ctid/http'
import { canonicalIdentity } from '#ctid/identity'
import { memoryJournal, privacyBudget } from '#ctid/pseudonym'
import { deriveAnchors } from '#ctid/token'
import { formatNoteKey, type LogPolicy } from '#ctid/transparency'
import { ATTEMPTS, leak } from './department-attempts.ts'
import { DEPARTMENTS, type DepartmentId, EPSILONS_MILLI, isDepartment } from './department-fields.ts'
import { type Decision, departmentOf, type Join, openJoin } from './department-join.ts'
import { rowOf, subjects } from './department-people.ts'
import { type DepartmentState, openDepartmentState } from './department-state.ts'
import type { Evaluators } from './evaluators.ts'
import { parseOrder } from './join-order.ts'

const BUDGET_MILLI = 3000
/** One account for all joins, since all are about the same people. */
const ACCOUNT = 'people of the demo'
const KEPT_JOINS = 12
const SHOWN_PEOPLE = 6
const DECISIONS: readonly Decision[] = ['approve', 'refuse', 'lie']

export type DepartmentsDeps = Pick<Deployment, 'group'> & {
  readonly log: NonNullable<Deployment['log']>
  readonly evaluators: Evaluators
  readonly clock: Clock
  readonly random: RandomBytes
}

export function departmentsRouter({ group, log, evaluators, clock, random }: DepartmentsDeps): Router {
  const people = subjects()
  const budget = privacyBudget(memoryJournal(), { limitMilli: BUDGET_MILLI })
  const joins = new Map<string, Join>()
  let opening: Promise<DepartmentState> | undefined
  const ready = (): Promise<DepartmentState> => {
    opening ??= open().catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }
  async function open(): Promise<DepartmentState> {
    const { anchors } = await deriveAnchors(
      people.map((record) => canonicalIdentity(record)),
      { evaluators: await evaluators.list(), keySet: evaluators.keySet(), group, random },
    )
    return openDepartmentState(group, { anchors, transparency: log, clock, random })
  }
  const joinOf = (body: JsonObject): Join => {
    const join = joins.get(String(body['join']))
    if (!join) throw new CtidError('ERR_HTTP_NOT_FOUND')
    return join
  }

  const router = express.Router()
  router.get('/state', async (_request, response) => {
    const state = await ready()
    response.json({
      departments: DEPARTMENTS.map((id) => ({ id, rows: tableOf(state, id) })),
      people: people.slice(0, SHOWN_PEOPLE).map(({ name }) => name),
      trustees: state.trustees.length,
      threshold: state.directory.threshold,
      epochSeconds: state.directory.epochSeconds,
      log: policyOf(state.logPolicy),
      budget: budgetView(),
    })
  })
  // The same people if every department had used the digest of the national number, as integrators do.
  router.get('/one-number', (_request, response) => {
    response.json({
      departments: DEPARTMENTS.map((id) => ({
        id,
        rows: people.flatMap(({ documentNumber }, subject) => {
          const row = rowOf(id, subject)
          const number = createHash('sha256').update(documentNumber).digest('hex')
          return row ? [{ number, ...row }] : []
        }),
      })),
    })
  })
  router.post('/join', async (request, response) => {
    const join = await openJoin(await ready(), parseOrder(readJson(request)), { budget, account: ACCOUNT })
    joins.set(join.id, join)
    for (const [id, old] of joins) {
      if (joins.size <= KEPT_JOINS) break
      old.discard()
      joins.delete(id)
    }
    response.json(join.view())
  })
  router.post('/decision', async (request, response) => {
    const body = readJson(request)
    const decision = DECISIONS.find((one) => one === body['decision'])
    if (!decision) throw new CtidError('ERR_HTTP_BAD_REQUEST')
    const join = joinOf(body)
    await join.decide(Number(body['trustee']), decision)
    response.json(join.view())
  })
  router.post('/aggregate', (request, response) => {
    const body = readJson(request)
    const epsilon = EPSILONS_MILLI.find((one) => one === body['epsilonMilli'])
    response.json({ cells: joinOf(body).aggregate(epsilon), budget: budgetView() })
  })
  router.post('/discard', (request, response) => {
    const join = joinOf(readJson(request))
    join.discard()
    response.json(join.view())
  })
  router.post('/attempt', async (request, response) => {
    const name = String(readJson(request)['case'])
    const attempt = Object.hasOwn(ATTEMPTS, name) ? ATTEMPTS[name] : undefined
    if (!attempt) throw new CtidError('ERR_HTTP_BAD_REQUEST')
    response.json({ verdicts: await attempt(await ready()) })
  })
  router.post('/leak', async (request, response) => {
    const { department } = readJson(request)
    if (!isDepartment(department)) throw new CtidError('ERR_HTTP_BAD_REQUEST')
    response.json(
      await leak(
        await ready(),
        department,
        people.map(({ documentNumber }) => String(documentNumber)),
      ),
    )
  })
  router.post('/wallet', async (request, response) => {
    const { person, key } = readJson(request)
    const subject = Number(person)
    if (!Number.isInteger(subject) || subject < 0 || subject >= SHOWN_PEOPLE) {
      throw new CtidError('ERR_HTTP_BAD_REQUEST')
    }
    const state = await ready()
    const box = await state.openWallet(subject, group.parsePoint(fromBase64url(String(key))))
    response.json({ box: toBase64url(box) })
  })
  router.use(recordRouter({ source: { entries: async (handles) => (await ready()).log.entries(handles) } }))
  return router

  function budgetView() {
    return { limitMilli: BUDGET_MILLI, remainingMilli: budget.remaining(ACCOUNT) }
  }
}

/** A table as it lies on the disk. */
function tableOf(state: DepartmentState, id: DepartmentId) {
  return [...departmentOf(state, id).table.rows()].map(({ index, sealed, row }) => ({
    index,
    sealed: toBase64url(sealed),
    ...row,
  }))
}

function policyOf({ origin, logKey, witnesses, threshold }: LogPolicy): JsonObject {
  return { origin, threshold, logKey: formatNoteKey(logKey), witnesses: witnesses.map(formatNoteKey) }
}
