// What must not work, tried in earnest against the departments' own trustees and log; and what a stolen table is worth.
import { createHash } from 'node:crypto'
import { type ErrorCode, fromBase64url, isCtidError, toHex, utf8 } from '#ctid/base'
import type { Point } from '#ctid/crypto'
import {
  convertBatch,
  type Grant,
  openPseudonym,
  openRequest,
  signReceipt,
  type Trustee,
} from '#ctid/pseudonym'
import { DEPARTMENTS, type DepartmentId } from './department-fields.ts'
import { departmentOf } from './department-join.ts'
import type { DepartmentState } from './department-state.ts'

/** How one party answered one question. */
export type Verdict = {
  readonly party: 'trustee' | 'log'
  readonly trustee?: number
  readonly asked: string
  readonly code: ErrorCode | 'accepted'
}

const ROWS = 6

/** By name; each returns how every party that was asked answered. */
export const ATTEMPTS: Readonly<Record<string, (state: DepartmentState) => Promise<readonly Verdict[]>>> = {
  expired: (state) =>
    inPurpose(state, async (to) => {
      const now = state.clock()
      const { request } = await sample(state, to, { notBefore: now - 7200, notAfter: now - 3600 })
      return [
        ...(await askTrustees(state, 'first-half', (trustee) => trustee.audit(request))),
        await ask({ party: 'log', asked: 'admission' }, () => state.log.admit(request, [])),
      ]
    }),

  overused: (state) =>
    inPurpose(state, async (to) => {
      const first = await sample(state, to, { count: ROWS })
      await convertBatch(state.group, first, state.gateway())
      // New randomness, new signature, the same grant: its rows are used up.
      const second = await sample(state, to, {}, { grant: first.request.grant })
      return [
        ...(await askTrustees(state, 'second-request', (trustee) => trustee.audit(second.request))),
        await ask({ party: 'log', asked: 'second-request' }, () => state.log.admit(second.request, [])),
        await ask({ party: 'log', asked: 'same-request' }, () => state.log.admit(first.request, [])),
      ]
    }),

  scope: (state) =>
    inPurpose(state, async (to) => {
      const { request } = await sample(state, to, {}, { fields: ['lungs', 'certificate'] })
      return askTrustees(state, 'more-fields', (trustee) => trustee.audit(request))
    }),

  'no-receipt': (state) =>
    inPurpose(state, async (to) => {
      const { request } = await sample(state, to, {})
      const now = state.clock()
      const { id } = await openRequest(state.group, request, { directory: state.directory, nowSeconds: now })
      const content = { requestId: id, rows: ROWS, issuedAt: now }
      const forged = await signReceipt(content, state.signerOf('health'))
      return [
        ...(await askTrustees(state, 'without-receipt', (trustee) => trustee.convert(request, ''))),
        ...(await askTrustees(state, 'forged-receipt', (trustee) => trustee.convert(request, forged))),
      ]
    }),

  // No pair of departments has had a ceremony, so that no share for it exists anywhere.
  'no-ceremony': async (state) => {
    const { request } = await sample(state, 'transport', {})
    return askTrustees(state, 'first-half', (trustee) => trustee.audit(request))
  },

  stranger: (state) =>
    inPurpose(state, async (to) => {
      const { request } = await sample(state, to, {}, { isBent: true })
      const parts = await Promise.all(
        state.trustees.slice(0, state.directory.threshold).map((trustee) => trustee.audit(request)),
      )
      return [await ask({ party: 'log', asked: 'admission' }, () => state.log.admit(request, parts))]
    }),
}

async function inPurpose<T>(state: DepartmentState, work: (purpose: string) => Promise<T>): Promise<T> {
  const { id, secretKey } = await state.openPurpose(['health'])
  try {
    return await work(id)
  } finally {
    secretKey.fill(0)
    state.closePurpose(id)
  }
}

/** A request of the health department for its first rows, under a grant of its own unless one is given. */
async function sample(
  state: DepartmentState,
  to: string,
  grant: Partial<Grant>,
  more: { readonly grant?: string; readonly fields?: readonly string[]; readonly isBent?: boolean } = {},
) {
  const { group, clock, random } = state
  const { keys, table } = departmentOf(state, 'health')
  const points: Point[] = []
  for (const stored of [...table.rows()].slice(0, ROWS)) points.push(await openPseudonym(group, stored, keys))
  const [first] = points
  // u·P, which two departments could agree on to recognise a person without asking anybody.
  if (more.isBent && first) points[0] = group.multiply(group.randomScalar(random), first)
  const now = clock()
  const granted =
    more.grant ??
    (await state.grant({
      requester: 'What if',
      purpose: { code: 'attempt', text: { en: 'An attempt that must fail', zh: '一次必须失败的尝试' } },
      from: 'health',
      to,
      fields: ['lungs'],
      count: 1000,
      notBefore: now - 60,
      notAfter: now + 3600,
      ...grant,
    }))
  return state.request({
    grant: granted,
    from: 'health',
    points,
    payloads: points.map(() => utf8('{}')),
    fields: more.fields ?? ['lungs'],
  })
}

function askTrustees(
  { trustees }: DepartmentState,
  asked: string,
  question: (trustee: Trustee) => Promise<unknown>,
): Promise<Verdict[]> {
  return Promise.all(
    trustees.map((trustee) => ask({ party: 'trustee', trustee: trustee.id, asked }, () => question(trustee))),
  )
}

async function ask(who: Omit<Verdict, 'code'>, question: () => Promise<unknown>): Promise<Verdict> {
  try {
    await question()
    return { ...who, code: 'accepted' }
  } catch (error) {
    if (!isCtidError(error)) throw error
    return { ...who, code: error.code }
  }
}

const DIGESTS = ['sha256', 'sha1', 'sm3', 'md5'] as const

/**
 * What a thief makes of one department's whole table. Also of more than the table: with the storage keys of all four
 * departments, and with everybody's document number.
 */
export async function leak(state: DepartmentState, id: DepartmentId, numbers: readonly string[]) {
  const pointsOf = async (department: DepartmentId): Promise<Set<string>> => {
    const { keys, table } = departmentOf(state, department)
    const points = new Set<string>()
    for (const stored of table.rows()) points.add(toHex(await openPseudonym(state.group, stored, keys)))
    return points
  }
  const own = await pointsOf(id)
  let others = 0
  let inCommon = 0
  for (const other of DEPARTMENTS) {
    if (other === id) continue
    for (const point of await pointsOf(other)) {
      others += 1
      if (own.has(point)) inCommon += 1
    }
  }
  // Every form of every number, against every index of the stolen table.
  const indices = new Set(
    [...departmentOf(state, id).table.rows()].map(({ index }) => toHex(fromBase64url(index))),
  )
  let tried = 0
  let found = 0
  for (const number of numbers) {
    for (const name of DIGESTS) {
      tried += 1
      if (indices.has(createHash(name).update(number).digest('hex'))) found += 1
    }
  }
  return { rows: indices.size, opened: own.size, others, inCommon, tried, found }
}
