// One join of two departments: grants, requests, the trustees' decisions one by one, the conversion, the aggregate. Every
// step is the room's own; what is kept here is who decided what, and a trace of what each party was given.
import {
  CtidError,
  DAY,
  type ErrorCode,
  isCtidError,
  isJsonObject,
  type JsonObject,
  toBase64url,
  toHex,
  utf8,
} from '#ctid/base'
import type { Point } from '#ctid/crypto'
import {
  type Cell,
  type ConversionBatch,
  type ConversionPart,
  convertBatch,
  type Fault,
  type Fusion,
  type OpenedGrant,
  openFusion,
  openGrant,
  openPseudonym,
  type PrivacyBudget,
  receive,
  type Trustee,
} from '#ctid/pseudonym'
import type { DepartmentId, Side } from './department-fields.ts'
import type { DepartmentState } from './department-state.ts'
import { type JoinOrder, queryOf } from './join-order.ts'

export type Decision = 'approve' | 'refuse' | 'lie'

/** What one party got to see in a conversion: a sample of the bytes that really reached it. */
export type Seen = { readonly party: string; readonly what: string; readonly bytes: string }

export type TraceStep = {
  readonly step: 'audit' | 'admitted' | 'released' | 'delivered'
  readonly department: string
  readonly trustee?: number
  readonly rows: number
  readonly milliseconds: number
}

type Half = {
  readonly side: Side
  readonly grant: OpenedGrant
  readonly jws: string
  readonly batch: ConversionBatch
}

export type Join = {
  readonly id: string
  view(): JsonObject
  decide(trustee: number, decision: Decision): Promise<void>
  aggregate(epsilonMilli: number | undefined): readonly Cell[]
  discard(): void
}

/** Makes the grants and both departments' requests; the trustees have not been asked yet. */
export async function openJoin(
  state: DepartmentState,
  order: JoinOrder,
  { budget, account }: { readonly budget: PrivacyBudget; readonly account: string },
): Promise<Join> {
  const { group, directory, clock, random } = state
  const { id, secretKey } = await state.openPurpose(order.sides.map(({ department }) => department))
  const halves: Half[] = []
  try {
    for (const side of order.sides) halves.push(await halfOf(state, order, side, id))
  } catch (error) {
    state.closePurpose(id)
    throw error
  }
  const purposeKey = secretKey.slice() as typeof secretKey
  const fusion: Fusion = openFusion(group, {
    sector: id,
    secretKey,
    grants: halves.map(({ grant }) => grant),
    minimumCell: order.minimumCell,
    budget: { ledger: budget, account },
    clock,
    random,
  })
  const decisions = new Map<number, { readonly decision: Decision; readonly code?: ErrorCode }>()
  const parts = new Map<string, ConversionPart>()
  const trace: TraceStep[] = []
  const seen: Seen[] = []
  const receipts: string[] = []
  let faults: readonly Fault[] = []
  let status: 'waiting' | 'done' | 'refused' | 'discarded' = 'waiting'
  let refusal: ErrorCode | undefined
  let busy = false

  /** A trustee that has approved, as the gateway reaches it: the part it made when it approved, then the release. */
  const approved = (trustee: Trustee, { side }: Half): Trustee => ({
    id: trustee.id,
    audit: async () => {
      const part = parts.get(`${trustee.id}/${side.department}`)
      if (!part) throw new CtidError('ERR_PSEUDONYM_TRUSTEES')
      return part
    },
    convert: async (request, receipt) => {
      const started = performance.now()
      const part = await trustee.convert(request, receipt)
      note('released', side, started, part.outputs.length, trustee.id)
      return decisions.get(trustee.id)?.decision === 'lie' ? bent(state, part) : part
    },
  })

  const note = (
    step: TraceStep['step'],
    side: Side,
    started: number,
    rows: number,
    trustee?: number,
  ): void => {
    const milliseconds = Math.round(performance.now() - started)
    trace.push({
      step,
      department: side.department,
      rows,
      milliseconds,
      ...(trustee !== undefined && { trustee }),
    })
  }

  async function judge(trustee: Trustee, decision: Decision): Promise<void> {
    try {
      for (const { side, batch } of halves) {
        const started = performance.now()
        const part = await trustee.audit(batch.request)
        note('audit', side, started, part.outputs.length, trustee.id)
        parts.set(`${trustee.id}/${side.department}`, decision === 'lie' ? bent(state, part) : part)
      }
      decisions.set(trustee.id, { decision })
    } catch (error) {
      // The trustee's own refusal, whatever the person at its desk wanted.
      if (!isCtidError(error)) throw error
      decisions.set(trustee.id, { decision: 'refuse', code: error.code })
    }
  }

  async function convertAll(): Promise<void> {
    const willing = state.trustees.filter(({ id: one }) => {
      const decision = decisions.get(one)?.decision
      return decision === 'approve' || decision === 'lie'
    })
    if (willing.length < directory.threshold) {
      if (state.trustees.length - decisions.size + willing.length < directory.threshold)
        fail('ERR_PSEUDONYM_TRUSTEES')
      return
    }
    try {
      for (const half of halves.slice(receipts.length)) await convertOne(half, willing)
      status = 'done'
    } catch (error) {
      if (!isCtidError(error)) throw error
      if (error.code === 'ERR_PSEUDONYM_TRUSTEES' && Array.isArray(error.cause)) {
        faults = error.cause as readonly Fault[]
        // Another trustee may still step in for the one that was wrong.
        if (decisions.size < state.trustees.length) return
      }
      fail(error.code)
    }
  }

  async function convertOne(half: Half, willing: readonly Trustee[]): Promise<void> {
    const { side, batch } = half
    const started = performance.now()
    const options = state.gateway(willing.map((trustee) => approved(trustee, half)))
    const log = {
      ...state.log,
      admit: async (...asked: Parameters<typeof state.log.admit>) => {
        const answer = await state.log.admit(...asked)
        if (answer.admitted) note('admitted', side, started, batch.payloads.length)
        return answer
      },
    }
    const converted = await convertBatch(group, batch, { ...options, log })
    receipts.push(converted.receipt)
    faults = [
      ...faults.filter((old) => !converted.faults.some((one) => isSameFault(old, one))),
      ...converted.faults,
    ]
    note('delivered', side, started, converted.deliveries.length)
    if (receipts.length === 1) await look(half, converted.deliveries)
    await fusion.add(side.department, converted.deliveries)
  }

  // A sample of the first row on its way through the parties.
  async function look(
    { side, batch }: Half,
    deliveries: Awaited<ReturnType<typeof convertBatch>>['deliveries'],
  ): Promise<void> {
    const { rows } = batch.request
    const { table } = departmentOf(state, side.department)
    const [stored] = table.rows()
    const [delivery] = deliveries
    const [received] = delivery ? await receive(group, purposeKey, [delivery], { to: id }) : []
    const entry = state.logJournal.records.at(-1)?.['entries']
    const [logged] = Array.isArray(entry) ? entry : []
    const show = (party: string, what: string, bytes: string): void => {
      seen.push({ party, what, bytes })
    }
    show('department', 'index', stored?.index ?? '')
    show('trustee', 'row', toHex(rows.subarray(0, 96)))
    const part = [...parts.values()].find(({ outputs }) => outputs.length === batch.payloads.length)
    const [output] = part?.outputs ?? []
    show('trustee', 'answer', output ? toHex(output.c1) + toHex(output.c2) : '')
    show('log', 'entry', isJsonObject(logged) ? `${logged['handle']} ${logged['sealed']}` : '')
    show('gateway', 'payload', toHex(batch.payloads[0] ?? new Uint8Array()))
    show('receiver', 'point', received ? toHex(received.point) : '')
    show('receiver', 'fields', received ? new TextDecoder().decode(received.payload) : '')
  }

  function fail(code: ErrorCode): void {
    status = 'refused'
    refusal = code
    close()
  }

  const close = (): void => {
    fusion.discard()
    purposeKey.fill(0)
    parts.clear()
    state.closePurpose(id)
  }

  return {
    id,
    view: () => ({
      id,
      status,
      refusal: refusal ?? null,
      threshold: directory.threshold,
      sides: order.sides.map((side) => ({ ...side })),
      minimumCell: order.minimumCell,
      grants: halves.map(({ grant, jws, batch }) => ({
        jws,
        id: toBase64url(grant.id),
        requester: grant.requester,
        text: { ...grant.purpose.text },
        from: grant.from,
        to: grant.to,
        fields: [...grant.fields],
        count: grant.count,
        notAfter: grant.notAfter,
        rows: batch.payloads.length,
      })),
      trustees: state.trustees.map(({ id: trustee }) => {
        const made = decisions.get(trustee)
        return {
          id: trustee,
          decision: made?.decision ?? null,
          code: made?.code ?? null,
          faults: faults
            .filter((fault) => fault.trustee === trustee)
            .map(({ half, code }) => ({ half, code })),
        }
      }),
      trace: trace.map((step) => ({ ...step })),
      seen: seen.map((one) => ({ ...one })),
      receipts: [...receipts],
    }),
    decide: async (number, decision) => {
      const trustee = state.trustees.find((one) => one.id === number)
      if (!trustee || busy || status !== 'waiting' || decisions.has(number)) {
        throw new CtidError('ERR_HTTP_BAD_REQUEST')
      }
      busy = true
      try {
        if (decision === 'refuse') decisions.set(number, { decision })
        else await judge(trustee, decision)
        await convertAll()
      } finally {
        busy = false
      }
    },
    aggregate: (epsilonMilli) => {
      if (status !== 'done')
        throw new CtidError(status === 'discarded' ? 'ERR_PSEUDONYM_DISCARDED' : 'ERR_PSEUDONYM_QUERY')
      return fusion.aggregate(queryOf(order, epsilonMilli))
    },
    discard: () => {
      if (status === 'discarded') return
      close()
      status = 'discarded'
    },
  }

  function isSameFault(one: Fault, other: Fault): boolean {
    return one.trustee === other.trustee && one.half === other.half
  }

  async function halfOf(from: DepartmentState, wanted: JoinOrder, side: Side, to: string): Promise<Half> {
    const { keys, table } = departmentOf(from, side.department)
    const points: Point[] = []
    const payloads: Uint8Array[] = []
    for (const stored of table.rows()) {
      const value = stored.row[side.field]
      if (value === undefined) continue
      points.push(await openPseudonym(group, stored, keys))
      payloads.push(utf8(JSON.stringify({ [side.field]: value })))
    }
    const jws = await from.grant({
      requester: wanted.requester,
      purpose: { code: 'study', text: wanted.text },
      from: side.department,
      to,
      fields: [side.field],
      count: wanted.count,
      notBefore: clock() - 60,
      notAfter: clock() + wanted.days * DAY,
    })
    const batch = await from.request({
      grant: jws,
      from: side.department,
      points,
      payloads,
      fields: [side.field],
    })
    return { side, jws, grant: await openGrant(jws, directory.authorities), batch }
  }
}

export function departmentOf(state: DepartmentState, id: DepartmentId) {
  const department = state.departments.get(id)
  if (!department) throw new CtidError('ERR_HTTP_NOT_FOUND')
  return department
}

// What a lying trustee does: another value in one row, under the same proof.
function bent({ group }: DepartmentState, part: ConversionPart): ConversionPart {
  const [first, ...rest] = part.outputs
  if (!first) return part
  return { ...part, outputs: [{ ...first, c2: group.add(first.c2, first.c1) }, ...rest] }
}
