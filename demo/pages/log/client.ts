// Log explorer: fetches checkpoint, tiles and entries, and believes none of them before they verify in this browser.
import { equalBytes, isCtidError, toHex } from '#ctid/base'
import {
  appendLeaf,
  describeTree,
  emptyFrontier,
  frontierRoot,
  httpSource,
  leafHash,
  openCheckpoint,
  parseNoteKey,
  proveConsistency,
  proveInclusion,
  readEntries,
  type TileSource,
  verifyConsistency,
  verifyInclusion,
} from '#ctid/transparency'
import { call } from '../../ui/api.ts'
import { get, put } from '../../ui/database.ts'
import { byId, fill, h, icon, svg } from '../../ui/dom.ts'
import { startShell } from '../../ui/shell.ts'
import { logWords } from './words.ts'

type Summary = {
  readonly origin: string
  readonly note: string
  readonly key: string
  readonly witnesses: readonly string[]
}
type Listed = {
  readonly index: number
  readonly bytes: string
  readonly type?: string
  readonly time?: number
  readonly commitment?: string
  readonly recordLabel?: string
  readonly tokenLabel?: string
}
type Seen = { readonly size: number; readonly root: Uint8Array }
type Cheat = 'none' | 'entry' | 'rollback'

const NEWEST = 24
const { t, onLanguage } = startShell(logWords)
const honest = httpSource('/log')

let cheat: Cheat = 'none'
let head: Awaited<ReturnType<typeof openCheckpoint>> | undefined
let before: Seen | undefined
let entries: readonly Listed[] = []
let chosen = -1
let rootHolds = false
let growthHolds: boolean | undefined
let proof: { readonly length: number; readonly holds: boolean } | undefined

// An entry changed in the files: the last byte of the first entry is another.
const altered: TileSource = {
  read: async (path) => {
    const bytes = await honest.read(path)
    if (!bytes || !path.startsWith('tile/entries/')) return bytes
    const copy = bytes.slice()
    const last = copy.length - 1
    copy[last] = (copy[last] ?? 0) ^ 1
    return copy
  },
}
const source = () => (cheat === 'entry' ? altered : honest)

async function load(): Promise<void> {
  const summary = await call<Summary>('/log/api/summary')
  const witnesses = summary.witnesses.map(parseNoteKey)
  // Both witnesses must have cosigned: an operator who shows two histories needs both of them to lie.
  head = await openCheckpoint(summary.note, {
    origin: summary.origin,
    logKey: parseNoteKey(summary.key),
    witnesses,
    threshold: witnesses.length,
  })
  before ??= await get<Seen>('lists', 'log')
  const start = Math.max(0, head.size - NEWEST)
  const listed = await call<{ entries: readonly Listed[] }>(`/log/api/entries?start=${start}&count=${NEWEST}`)
  entries = [...listed.entries].reverse()
  if (chosen < 0) chosen = head.size - 1
  await verify()
}

/** What is claimed now: with the log rolled back, a tree that ends earlier. */
const claimed = () => {
  const size = head?.size ?? 0
  return cheat === 'rollback' ? Math.max(1, size - 5) : size
}

async function verify(): Promise<void> {
  if (!head) return
  const { size, root } = head
  const at = Math.min(chosen, size - 1)
  rootHolds = await entriesGive(root, size)
  growthHolds = await growsFromBefore(size, root)
  const bytes = await entryAt(at, size)
  const path = await proveInclusion(honest, at, size)
  proof = {
    length: path.length,
    holds: verifyInclusion(path, { index: at, size, leaf: leafHash(bytes), root }),
  }
  if (cheat === 'none' && rootHolds && growthHolds !== false)
    await put('lists', 'log', { size, root } satisfies Seen)
  render()
}

// Every entry hashed again, and the tree above them: nothing of the server's own arithmetic is used.
async function entriesGive(root: Uint8Array, size: number): Promise<boolean> {
  const frontier = emptyFrontier()
  for await (const { entry } of readEntries(source(), { start: 0, end: size }, size)) {
    appendLeaf(frontier, leafHash(entry))
  }
  return frontier.size === size && equalBytes(frontierRoot(frontier), root)
}

async function growsFromBefore(size: number, root: Uint8Array): Promise<boolean | undefined> {
  const seen = cheat === 'rollback' ? { size, root } : before
  if (!seen || seen.size === 0) return undefined
  const now = claimed()
  if (now < seen.size) return false
  try {
    const path = await proveConsistency(honest, seen.size, now)
    return verifyConsistency(path, { oldSize: seen.size, oldRoot: seen.root, size: now, root })
  } catch (error) {
    if (isCtidError(error)) return false
    throw error
  }
}

async function entryAt(index: number, size: number): Promise<Uint8Array> {
  for await (const { entry } of readEntries(source(), { start: index, end: index + 1 }, size)) return entry
  return new Uint8Array()
}

// ---- rendering

const mark = (holds: boolean) =>
  h(
    'span',
    { class: `badge ${holds ? 'ok' : 'bad'}`, 'data-holds': String(holds) },
    icon(holds ? 'check' : 'cross'),
    t(holds ? 'ok' : 'bad'),
  )

function renderHead(): void {
  if (!head) return
  const fact = (key: string, ...value: (Node | string | null)[]) =>
    h('div', {}, h('dt', {}, t(key)), h('dd', {}, ...value))
  const seen = cheat === 'rollback' ? head : before
  fill(
    byId('head'),
    h(
      'dl',
      { class: 'facts' },
      fact('head.size', String(claimed())),
      fact('head.root', h('code', {}, toHex(head.root))),
      fact('head.signed', mark(true)),
      ...head.cosigners.map(({ name }) => fact('head.witnesses', `${name} `, mark(true))),
      fact('head.tiles', mark(rootHolds)),
      fact(
        'head.growth',
        ...(growthHolds === undefined || !seen
          ? [t('head.first')]
          : [`${t('head.growthText', { from: seen.size, to: claimed() })} `, mark(growthHolds)]),
      ),
    ),
  )
  const alarm =
    cheat === 'entry' && !rootHolds
      ? t('alarm.entry')
      : cheat === 'rollback' && growthHolds === false
        ? t('alarm.rollback', { seen: head.size, now: claimed() })
        : ''
  fill(
    byId('notice'),
    alarm === '' ? null : h('p', { class: 'note bad', id: 'alarm' }, icon('alert'), h('span', {}, alarm)),
  )
  for (const kind of ['entry', 'rollback'] as const) {
    byId(`tamper-${kind}`).setAttribute('aria-pressed', String(cheat === kind))
  }
}

function renderTree(): void {
  if (!head || !proof) return
  const { size } = head
  const index = Math.min(chosen, size - 1)
  const { nodes, height } = describeTree(size, { index })
  const [width, step, radius] = [960, 46, 6]
  const x = ({ start, end }: { start: number; end: number }) => 16 + ((start + end) / 2 / size) * (width - 32)
  const y = (level: number) => 16 + (height - level) * step
  fill(
    byId('tree'),
    svg(
      'svg',
      {
        viewBox: `0 0 ${width} ${y(0) + 16}`,
        role: 'img',
        'aria-label': t('tree.label', { size, index, proof: proof.length }),
      },
      ...nodes.flatMap((node) => {
        const parent = node.parent === undefined ? undefined : nodes[node.parent]
        if (!parent) return []
        return [
          svg('line', {
            x1: x(node),
            y1: y(node.height),
            x2: x(parent),
            y2: y(parent.height),
            class: node.role === 'path' ? 'path' : '',
          }),
        ]
      }),
      ...nodes.map((node) =>
        node.role === 'proof'
          ? svg('rect', {
              x: x(node) - radius,
              y: y(node.height) - radius,
              width: 2 * radius,
              height: 2 * radius,
              class: 'proof',
            })
          : svg('circle', { cx: x(node), cy: y(node.height), r: radius, class: node.role }),
      ),
    ),
  )
  byId('tree').classList.toggle('broken', !proof.holds)
  const shape = (role: string) =>
    svg(
      'svg',
      { viewBox: '0 0 16 16', 'aria-hidden': 'true' },
      role === 'proof'
        ? svg('rect', { x: 2, y: 2, width: 12, height: 12, class: role })
        : svg('circle', { cx: 8, cy: 8, r: 6, class: role }),
    )
  fill(
    byId('legend'),
    ...['path', 'proof', 'other'].map((role) => h('span', {}, shape(role), t(`legend.${role}`))),
  )
  fill(
    byId('verdict'),
    h(
      'p',
      { class: `note ${proof.holds ? '' : 'bad'}`, 'data-holds': String(proof.holds) },
      icon(proof.holds ? 'check' : 'cross'),
      h('span', {}, t(proof.holds ? 'tree.in' : 'tree.notIn', { index, proof: proof.length })),
    ),
  )
}

function renderEntries(): void {
  fill(
    byId('entries'),
    ...entries.map(({ index, type = '', time, commitment, recordLabel, tokenLabel, bytes }) => {
      const content =
        commitment ??
        (recordLabel ? `${recordLabel.slice(0, 24)}… ${(tokenLabel ?? '').slice(0, 24)}…` : bytes)
      const when =
        time === undefined ? '' : new Date(time * 1000).toLocaleString(document.documentElement.lang)
      return h(
        'tr',
        { 'data-chosen': String(index === chosen) },
        h('th', { scope: 'row' }, String(index)),
        h(
          'td',
          { 'data-label': t('entries.kind') },
          t(Object.hasOwn(logWords, `kind.${type}`) ? `kind.${type}` : 'kind.other'),
        ),
        h('td', { 'data-label': t('entries.when') }, when),
        h('td', { 'data-label': t('entries.content') }, h('code', {}, content.slice(0, 64))),
        h(
          'td',
          { 'data-label': t('entries.check') },
          h(
            'button',
            {
              type: 'button',
              class: 'button slim',
              'data-verify': index,
              'aria-label': t('entries.choose', { index }),
              onclick: () => choose(index),
            },
            t('entries.button'),
          ),
        ),
      )
    }),
  )
}

function choose(index: number): void {
  chosen = index
  void verify()
}

function render(): void {
  renderHead()
  renderTree()
  renderEntries()
}

for (const kind of ['entry', 'rollback', 'none'] as const) {
  byId(`tamper-${kind}`).addEventListener('click', () => {
    cheat = kind
    if (kind === 'entry') chosen = (head?.size ?? 1) - 1
    void verify()
  })
}
onLanguage(render)
await load()
document.documentElement.dataset['ready'] = 'true'
// Growth is what a log does: look again from time to time, against what was verified before.
setInterval(() => void load(), 30_000)
