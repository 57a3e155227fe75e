// The authority's console: entries without plaintext, steps with a reason, keys and their rotation, and what a thief gets.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import express, { type Router } from 'express'
import { CtidError, fromHex, type RandomBytes, toHex } from '#ctid/base'
import type { Group } from '#ctid/crypto'
import type { Keyring } from '#ctid/deployment'
import { readJson } from '#ctid/http'
import {
  addKeyVersion,
  dropOldVersions,
  type KeyKind,
  type Registry,
  STEPS,
  type State,
} from '#ctid/registry'
import type { Row, Store } from '#ctid/store'
import type { Evaluators } from './evaluators.ts'

export type AuthorityDeps = {
  readonly store: Store
  readonly registry: Registry
  readonly keyring: Keyring
  readonly evaluators: Evaluators
  readonly group: Group
  readonly random: RandomBytes
  /** Folder of the database files, for the thief. */
  readonly databaseFolder: string
  /** Follows a change of state into the status lists. */
  readonly onState: (entry: Uint8Array, state: State) => Promise<void>
}

const OFFICER = 'officer-7'
const KINDS: readonly KeyKind[] = ['token', 'record', 'binding']
const STEP_OF = { freeze: 'frozen', unfreeze: 'unfrozen', revoke: 'revoked', open: 'opened' } as const
type Action = keyof typeof STEP_OF

type TokenRow = Row & {
  readonly token: Uint8Array
  readonly entry: Uint8Array
  readonly token_version: number
}

export function authorityRouter(deps: AuthorityDeps): Router {
  const router = express.Router()
  router.get('/rows', async (_request, response) => {
    response.json({ rows: await listRows(deps), reasons: reasonsByAction() })
  })
  router.post('/step', async (request, response) => {
    const { entry, action, reason } = readJson(request)
    const row = await rowOf(deps, entry)
    response.json(await act(deps, row, String(action), String(reason)))
  })
  router.get('/log', async (_request, response) => {
    const events = await deps.store.rows<Row & { entry: Uint8Array }>(
      "select entry, seq, kind, reason, officer, at from registry_event where kind <> 'enrolled' order by at desc, seq desc limit 50",
    )
    response.json({ events: events.map((event) => ({ ...event, entry: toHex(event.entry).slice(0, 8) })) })
  })
  router.get('/keys', async (_request, response) => {
    const keySet = deps.evaluators.keySet()
    const ring = await deps.store.rows(
      'select kind, version, state, since from registry_key order by kind, version',
    )
    response.json({
      threshold: keySet.threshold,
      version: keySet.version,
      epoch: keySet.epoch,
      groupKey: toHex(keySet.groupKey),
      shares: keySet.shares.map(({ id, publicKey }) => ({
        id,
        publicKey: toHex(publicKey),
        requests: deps.evaluators.counts().get(id) ?? 0,
      })),
      ring,
    })
  })
  router.post('/refresh', async (_request, response) => {
    await deps.evaluators.refresh()
    response.json({ epoch: deps.evaluators.keySet().epoch })
  })
  const rotation = rotationOf(deps)
  router.post('/rotate', async (request, response) => {
    const kind = KINDS.find((one) => one === readJson(request)['kind'])
    if (!kind) throw new CtidError('ERR_HTTP_BAD_REQUEST')
    response.json(await rotation.run(kind))
  })
  router.get('/rotate', (_request, response) => {
    response.json(rotation.progress())
  })
  router.get('/tables', async (_request, response) => {
    const tables = await deps.store.rows<Row & { name: string }>(
      "select name from sqlite_master where type = 'table' order by name like 'registry%' desc, name",
    )
    response.json({ tables: await Promise.all(tables.map(({ name }) => dump(deps, name))) })
  })
  router.post('/search', async (request, response) => {
    response.json(searchBytes(deps.databaseFolder, String(readJson(request)['text'] ?? '')))
  })
  return router
}

function reasonsByAction(): Record<Action, readonly string[]> {
  const { frozen, unfrozen, revoked, opened } = STEPS
  return { freeze: frozen.reasons, unfreeze: unfrozen.reasons, revoke: revoked.reasons, open: opened.reasons }
}

async function listRows({ store, registry }: AuthorityDeps) {
  const rows = await store.rows<TokenRow>(
    'select token, entry, token_version from registry_by_token where next is null order by since desc, token limit 100',
  )
  return Promise.all(
    rows.map(async ({ token, entry, token_version }) => {
      const found = await registry.lookup(token)
      return {
        entry: toHex(entry),
        // The whole token is nobody's business: its beginning is enough to tell rows apart.
        token: toHex(token).slice(0, 16),
        tokenVersion: token_version,
        state: found?.state,
        since: found?.since,
        events: found?.events,
      }
    }),
  )
}

async function rowOf({ store }: AuthorityDeps, entry: unknown): Promise<TokenRow> {
  if (typeof entry !== 'string' || !/^[0-9a-f]{32}$/.test(entry)) throw new CtidError('ERR_HTTP_BAD_REQUEST')
  const [row] = await store.rows<TokenRow>(
    'select token, entry, token_version from registry_by_token where entry = $1 and next is null',
    [fromHex(entry)],
  )
  if (!row) throw new CtidError('ERR_REGISTRY_TOKEN')
  return row
}

async function act(
  { registry, onState }: AuthorityDeps,
  { token, entry }: TokenRow,
  action: string,
  reason: string,
) {
  if (!Object.hasOwn(STEP_OF, action)) throw new CtidError('ERR_HTTP_BAD_REQUEST')
  // The registry refuses reasons that are not in its list; the type is narrowed by that check.
  const because = { reason: reason as never, officer: OFFICER }
  if (action === 'open') return { record: await registry.openRecord(token, because) }
  const changed = await registry[action as Exclude<Action, 'open'>](token, because)
  await onState(entry, changed.state)
  return { state: changed.state }
}

// One rotation at a time; its progress is read while it runs. Pages of four rows, so that there is something to see.
function rotationOf(deps: AuthorityDeps) {
  let state = { kind: '', done: 0, all: 0, running: false }
  return {
    progress: () => state,
    run: async (kind: KeyKind) => {
      if (state.running) throw new CtidError('ERR_REGISTRY_ROTATION', { detail: 'one is running' })
      const [count] = await deps.store.rows<Row & { n: number }>(
        'select count(*) as n from registry_by_token where next is null',
      )
      state = { kind, done: 0, all: Number(count?.n ?? 0), running: true }
      try {
        const keys = addKeyVersion(deps.keyring.registry(), kind, deps)
        // On disk before first use: a crash in between must not lose the only copy of a key.
        await deps.keyring.saveRegistry(keys)
        await deps.registry.useKeys(keys)
        await deps.registry.rotate(kind, {
          pageSize: 4,
          onProgress: ({ done }) => (state = { ...state, done }),
        })
        await deps.registry.retire(kind)
        const kept = dropOldVersions(keys, kind)
        await deps.registry.useKeys(kept)
        await deps.keyring.saveRegistry(kept)
        return { ...state, version: kept[kind].at(-1)?.version }
      } finally {
        state = { ...state, running: false }
      }
    },
  }
}

async function dump({ store }: AuthorityDeps, table: string) {
  const [count] = await store.rows<Row & { n: number }>(`select count(*) as n from ${table}`)
  const rows = await store.rows(`select * from ${table} limit 4`)
  const shown = rows.map((row) =>
    Object.values(row).map((value) => (value instanceof Uint8Array ? toHex(value) : String(value ?? ''))),
  )
  return { table, count: Number(count?.n ?? 0), columns: Object.keys(rows[0] ?? {}), rows: shown }
}

/** Searches every byte of the database files for a text, its other encodings and its plain digests. */
export function searchBytes(folder: string, text: string) {
  const forms = new Map<string, Buffer>([
    ['UTF-8', Buffer.from(text, 'utf8')],
    ['UTF-16', Buffer.from(text, 'utf16le')],
    ['base64', Buffer.from(Buffer.from(text, 'utf8').toString('base64').replace(/=+$/, ''))],
  ])
  for (const name of ['sha256', 'sha1', 'sm3', 'md5']) {
    const digest = createHash(name).update(text, 'utf8').digest()
    forms.set(name, digest)
    forms.set(`${name} hex`, Buffer.from(digest.toString('hex')))
  }
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)))
  const found =
    text.length < 2 ? [] : [...forms].filter(([, bytes]) => files.some((file) => file.includes(bytes)))
  return {
    bytes: files.reduce((sum, file) => sum + file.length, 0),
    files: files.length,
    found: found.map(([name]) => name),
  }
}
