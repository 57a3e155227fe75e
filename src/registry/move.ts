// How a rotation moves entries: page by page, one transaction each, rows found by their version, so that a killed
// rotation is simply run again.
import { CtidError, equalBytes, framed } from '../base/index.ts'
import { type Point, sha256 } from '../crypto/index.ts'
import type { Session, SqlValue } from '../store/index.ts'
import { type Evaluator, type EvaluatorKeySet, type Fault, rotatePoints } from '../token/index.ts'
import { type Binding, rekeyPoint, sealBinding } from './binding.ts'
import { type Desk, type Label, labelOf, type RollKind, requireSameRing, writingVersion } from './desk.ts'
import { bindingOf, REC_COLUMNS, TOKEN_COLUMNS, type TokenRow } from './entry.ts'
import { type KeyKind, ofVersion } from './keys.ts'
import { handIn, publicLabels, type RegistryLogEntry } from './log.ts'

/** The multiplier ρ of a rotation of the evaluators' key, K′ = ρ·K, as `runKeyRotation` of the token room gives it. */
export type AnchorRotation = {
  /** Key set of ρ; its version is that of K′, one more than the present one. */
  readonly keySet: EvaluatorKeySet
  /** Evaluators that answer with their shares of ρ. They see blinded points only. */
  readonly evaluators: readonly Evaluator[]
}

/** A row and what it becomes. */
type Move = { readonly from: TokenRow; readonly to: TokenRow }

/** Computes what the rows of a page become. */
export type Mover = (page: readonly TokenRow[]) => Promise<Move[]>

/** The column that holds a row's version of each key. */
export const VERSION_COLUMNS = {
  token: 'token_version',
  record: 'rec_version',
  binding: 'binding_version',
  anchor: 'anchor_version',
} as const satisfies Record<RollKind, string>

export type Pass = {
  readonly kind: RollKind
  readonly version: number
  readonly move: Mover
  readonly pageSize: number
}

/** One pass over the entries that are not on `version` yet; returns how many were moved. */
export async function pass(desk: Desk, roll: Pass, onPage: (count: number) => void): Promise<number> {
  const { kind, version, move, pageSize } = roll
  const sql = `select ${TOKEN_COLUMNS.join(', ')} from registry_by_token
    where token > $1 and ${VERSION_COLUMNS[kind]} < $2 and next is null order by token limit $3`
  let after: Uint8Array = new Uint8Array(0)
  let moved = 0
  for (;;) {
    const page = await desk.store.rows<TokenRow>(sql, [after, version, pageSize])
    const last = page.at(-1)
    if (!last) return moved
    const moves = await move(page)
    await handIn(desk, kind === 'binding' ? [] : moves.map((one) => rekeyed(desk, one)))
    const count = await desk.store.transaction((tx) => write(desk, tx, kind, moves))
    moved += count
    onPage(count)
    after = last.token
  }
}

/** Moves rows to the newest version of one of the registry's own keys. */
export function moveByKeys(desk: Desk, kind: KeyKind): Mover {
  const { group, keys } = desk
  const version = writingVersion(desk, kind)
  const moveRow = async (from: TokenRow): Promise<Move> => {
    const binding = await genuineBinding(desk, from)
    if (kind === 'token') {
      const [before, after] = [ofVersion(keys.token, from.token_version), ofVersion(keys.token, version)]
      return relabelled(desk, { ...from, token_version: version }, from, {
        ...binding,
        ...mapTokenPoints(binding, (point) => rekeyPoint(group, point, before, after)),
      })
    }
    if (kind === 'record') {
      const [before, after] = [ofVersion(keys.record, from.rec_version), ofVersion(keys.record, version)]
      const recordPoint = rekeyPoint(group, binding.recordPoint, before, after)
      return relabelled(desk, { ...from, rec_version: version }, from, { ...binding, recordPoint })
    }
    return relabelled(desk, from, from, binding)
  }
  return (page) => Promise.all(page.map(moveRow))
}

/** Moves rows to the evaluators' next key: all points of a page times ρ in one blind request to each evaluator. */
export function moveByEvaluators(
  desk: Desk,
  rotation: AnchorRotation,
  onFault: (fault: Fault) => void,
): Mover {
  const { group, random } = desk
  const { version } = rotation.keySet
  return async (page) => {
    const bindings = await Promise.all(page.map((row) => genuineBinding(desk, row)))
    const points = bindings.flatMap(({ tokenPoint, recordPoint, successorPoint }) =>
      successorPoint ? [tokenPoint, recordPoint, successorPoint] : [tokenPoint, recordPoint],
    )
    const { anchors, faults } = await rotatePoints(points, { ...rotation, group, random })
    faults.forEach(onFault)
    const rotated = anchors.values()
    const next = () => rotated.next().value as Point
    return Promise.all(
      bindings.map((binding, i) => {
        const from = page[i] as TokenRow
        const { tokenPoint: _t, recordPoint: _r, successorPoint, ...rest } = binding
        const points = {
          tokenPoint: next(),
          recordPoint: next(),
          ...(successorPoint ? { successorPoint: next() } : {}),
        }
        const to = { ...from, anchor_version: version }
        return relabelled(desk, to, from, { ...rest, ...points, anchorVersion: version })
      }),
    )
  }
}

function mapTokenPoints({ tokenPoint, successorPoint }: Binding, map: (point: Point) => Point) {
  return {
    tokenPoint: map(tokenPoint),
    ...(successorPoint ? { successorPoint: map(successorPoint) } : {}),
  }
}

// The labels that the binding's points have under the versions of `to`, and the binding sealed for them.
async function relabelled(desk: Desk, to: TokenRow, from: TokenRow, binding: Binding): Promise<Move> {
  const { keys, random } = desk
  const token = labelOf(ofVersion(keys.token, to.token_version), binding.tokenPoint)
  const rec = labelOf(ofVersion(keys.record, to.rec_version), binding.recordPoint)
  const key = ofVersion(keys.binding, writingVersion(desk, 'binding'))
  const sealed = await sealBinding(binding, key, { token, random })
  return { from, to: { ...to, token, rec, binding: sealed.binding, binding_version: sealed.version } }
}

// A row whose labels are not those of its own sealed points was tampered with: stop rather than carry it over.
async function genuineBinding(desk: Desk, row: TokenRow): Promise<Binding> {
  const binding = await bindingOf(desk, row)
  const token = labelOf(ofVersion(desk.keys.token, row.token_version), binding.tokenPoint)
  const rec = labelOf(ofVersion(desk.keys.record, row.rec_version), binding.recordPoint)
  const genuine =
    equalBytes(token, row.token) && equalBytes(rec, row.rec) && binding.anchorVersion === row.anchor_version
  if (!genuine) throw new CtidError('ERR_REGISTRY_SEAL')
  return binding
}

function rekeyed(desk: Desk, { to }: Move): RegistryLogEntry {
  const labels = publicLabels(to.rec, to.token, {
    anchor: to.anchor_version,
    token: to.token_version,
    record: to.rec_version,
  })
  const commitment = sha256(framed('ctid/registry/rekey/v1', labels.epoch, labels.record, labels.token))
  return { kind: 'rekeyed', at: desk.clock(), commitment, labels }
}

// Rows that changed since they were read (`binding` differs or `seq` moved on) are left for the next pass. New labels of
// the record side go first, as in an enrolment, so that the two wait for each other in one direction only.
async function write(desk: Desk, tx: Session, kind: RollKind, moves: readonly Move[]): Promise<number> {
  await requireSameRing(desk, tx)
  const newToken = kind === 'token' || kind === 'anchor'
  const newRecord = kind === 'record' || kind === 'anchor'
  const claimed = newToken ? await leavePointers(tx, moves) : await rewrite(tx, moves)
  if (newRecord) await bindRecords(tx, claimed)
  if (newToken) {
    const rows = claimed.map(({ to }) => TOKEN_COLUMNS.map((column) => to[column] as SqlValue))
    if ((await tx.insert('registry_by_token', TOKEN_COLUMNS, rows)) !== rows.length) throw conflict()
    const sql = 'update registry_by_rec set token = $2 where rec = $1 and token = $3'
    const counts = await Promise.all(
      claimed.map(({ from, to }) => tx.run(sql, [from.rec, to.token, from.token])),
    )
    if (counts.some((count) => count !== 1)) throw conflict()
  }
  return claimed.length
}

// The former row becomes a pointer to the new one.
async function leavePointers(tx: Session, moves: readonly Move[]): Promise<Move[]> {
  const sql = `update registry_by_token set next = $4, binding = $5
    where token = $1 and seq = $2 and binding = $3 and next is null`
  const counts = await Promise.all(
    moves.map(({ from, to }) =>
      tx.run(sql, [from.token, from.seq, from.binding, to.token, new Uint8Array(0)]),
    ),
  )
  return moves.filter((_, i) => counts[i] === 1)
}

// The row keeps its token.
async function rewrite(tx: Session, moves: readonly Move[]): Promise<Move[]> {
  const sql = `update registry_by_token set rec = $4, rec_version = $5, binding = $6, binding_version = $7
    where token = $1 and seq = $2 and binding = $3 and next is null`
  const counts = await Promise.all(
    moves.map(({ from, to }) => {
      const becomes = [to.rec, to.rec_version, to.binding, to.binding_version]
      return tx.run(sql, [from.token, from.seq, from.binding, ...becomes])
    }),
  )
  return moves.filter((_, i) => counts[i] === 1)
}

// A second row beside the former one. Present already when a process that wrote both labels enrolled this person.
async function bindRecords(tx: Session, moves: readonly Move[]): Promise<void> {
  const rows = moves.map(({ to }) => [to.rec, to.token, to.rec_version, to.anchor_version])
  if ((await tx.insert('registry_by_rec', REC_COLUMNS, rows)) === rows.length) return
  const recs = moves.map(({ to }) => to.rec)
  const bound = await tx.find<{ rec: Label; token: Label }>('registry_by_rec', ['rec', 'token'], recs)
  const tokens = new Map(bound.map(({ rec, token }) => [Buffer.from(rec).toString('hex'), token]))
  for (const { to } of moves) {
    const token = tokens.get(Buffer.from(to.rec).toString('hex'))
    if (!token || !equalBytes(token, to.token)) throw conflict()
  }
}

function conflict(): CtidError {
  return new CtidError('ERR_REGISTRY_CONFLICT', { detail: 'a rotated label is bound to another entry' })
}
