// Log explorer: fetches checkpoint, tiles and entries, and believes none of them before they verify in this browser.
import { equalBytes, toHex } from '#ctid/base'
import {
  leafHash,
  proveConsistency,
  proveInclusion,
  verifyConsistency,
  verifyInclusion,
} from '#ctid/transparency'
import { call } from '../../ui/api.ts'
import { get, put } from '../../ui/database.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { isNoAnswer, reasonOf } from '../../ui/refusal.ts'
import { startShell } from '../../ui/shell.ts'
import { wireTabs } from '../../ui/tabs.ts'
import { reasonNames } from '../../ui/words.ts'
import { renderAttacks, wireAttacks } from './attack.ts'
import { fillLabels, wireDirectory } from './directory.ts'
import { renderMine } from './mine.ts'
import { entriesGive, entryAt, type Head, readHead, rootOfEntries, source } from './state.ts'
import { type Drawing, drawLegend, drawTree } from './tree.ts'
import { logWords } from './words.ts'

type Listed = {
  readonly index: number
  readonly bytes: string
  readonly type?: string
  readonly time?: number
  readonly body?: Readonly<Record<string, unknown>>
  readonly commitment?: string
  readonly recordLabel?: string
  readonly tokenLabel?: string
  readonly recordRoot?: string
}
type Seen = { readonly size: number; readonly root: Uint8Array; readonly origin: string }
/** Of what this browser saw before: it grew, it is the first visit, or another log answers at this address. */
type Growth = { readonly from: number; readonly holds: boolean } | undefined

const PAGE = 16
const shell = startShell({ ...reasonNames, ...logWords })
const { t, onLanguage } = shell

let head: Head | undefined
let growth: Growth
let rootHolds = false
let entries: readonly Listed[] = []
let shownEntries = PAGE
let chosen = -1
let drawing: Drawing | undefined
let chosenTab = 'tab-entries'

async function load(): Promise<void> {
  head = await readHead()
  const { checkpoint } = head
  rootHolds = await entriesGive(source, checkpoint)
  growth = await growsFromBefore(head)
  if (rootHolds && growth?.holds !== false) {
    const { size, root, origin } = checkpoint
    await put('lists', 'log', { size, root, origin } satisfies Seen)
  }
  await loadEntries()
  await verifyChosen()
  byId<HTMLInputElement>('growth-to').max = String(checkpoint.size)
  renderHead()
}

async function loadEntries(): Promise<void> {
  const size = head?.checkpoint.size ?? 0
  const start = Math.max(0, size - shownEntries)
  const { entries: listed } = await call<{ entries: readonly Listed[] }>(
    `/log/api/entries?start=${start}&count=${shownEntries}`,
  )
  entries = [...listed].reverse()
  byId('older').hidden = start === 0 || shownEntries >= 256
}

async function growsFromBefore({ checkpoint }: Head): Promise<Growth> {
  const seen = await get<Seen>('lists', 'log')
  if (!seen || seen.origin !== checkpoint.origin || seen.size === 0) return undefined
  return { from: seen.size, holds: await grows(seen, checkpoint) }
}

async function grows(old: Pick<Seen, 'size' | 'root'>, now: Pick<Seen, 'size' | 'root'>): Promise<boolean> {
  if (now.size < old.size) return false
  if (now.size === old.size) return equalBytes(old.root, now.root)
  const proof = await proveConsistency(source, old.size, now.size)
  return verifyConsistency(proof, { oldSize: old.size, oldRoot: old.root, size: now.size, root: now.root })
}

async function verifyChosen(): Promise<void> {
  if (!head) return
  const { size, root } = head.checkpoint
  if (chosen < 0 || chosen >= size) chosen = size - 1
  const proof = await proveInclusion(source, chosen, size)
  const leaf = leafHash(await entryAt(source, chosen, size))
  const holds = verifyInclusion(proof, { index: chosen, size, leaf, root })
  drawing = { size, index: chosen, proofLength: proof.length, holds }
  renderEntries()
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
  const { checkpoint, console } = head
  const fact = (key: string, ...value: (Node | string | null)[]) =>
    h('div', {}, h('dt', {}, t(key)), h('dd', {}, ...value))
  fill(
    byId('head'),
    h(
      'dl',
      { class: 'facts' },
      fact('head.size', String(checkpoint.size)),
      fact('head.root', h('code', {}, toHex(checkpoint.root))),
      fact('head.signed', h('span', { translate: 'no' }, `${checkpoint.origin} `), mark(true)),
      ...checkpoint.cosigners.map(({ name }) =>
        fact('head.witnesses', h('span', { translate: 'no' }, `${name} `), mark(true)),
      ),
      fact('head.tiles', mark(rootHolds)),
      growth === undefined
        ? fact('head.growth', t('head.first'))
        : fact(
            'head.growth',
            `${t('head.growthText', { from: growth.from, to: checkpoint.size })} `,
            mark(growth.holds),
          ),
      fact(
        'head.monitor',
        t(console.monitor.ok ? 'head.monitorOk' : 'head.monitorBad', { size: console.monitor.size }),
      ),
      fact('head.epoch', console.epoch ? t('head.epochText', { ...console.epoch }) : '–'),
    ),
  )
  byId('note').textContent = checkpoint.note
}

function renderEntries(): void {
  if (!drawing) return
  drawTree(byId('tree'), shell, drawing)
  drawLegend(byId('legend'), shell)
  const { holds, index, proofLength } = drawing
  fill(
    byId('verdict'),
    h(
      'p',
      { class: `note ${holds ? '' : 'bad'}`, 'data-holds': String(holds) },
      icon(holds ? 'check' : 'cross'),
      h('span', {}, t(holds ? 'tree.in' : 'tree.notIn', { index, proof: proofLength })),
    ),
  )
  fill(byId('entries'), ...entries.map(entryRow))
}

function entryRow(entry: Listed): HTMLElement {
  const { index, type = 'other', time } = entry
  const when = time === undefined ? '' : new Date(time * 1000).toLocaleString(document.documentElement.lang)
  return h(
    'tr',
    { 'data-chosen': String(index === chosen), 'data-type': type },
    h('th', { scope: 'row' }, String(index)),
    h('td', { 'data-label': t('entries.kind') }, t(`kind.${type}`)),
    h('td', { 'data-label': t('entries.when') }, when),
    h('td', { 'data-label': t('entries.content') }, h('code', {}, contentOf(entry))),
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
          onclick: () => {
            chosen = index
            void guarded(verifyChosen)
          },
        },
        t('entries.button'),
      ),
    ),
  )
}

function contentOf({ commitment, recordLabel, tokenLabel = '', recordRoot, body, bytes }: Listed): string {
  if (commitment) return `${commitment.slice(0, 40)}…`
  if (recordLabel) return `${recordLabel.slice(0, 18)}… ↔ ${tokenLabel.slice(0, 18)}…`
  if (recordRoot) return `${recordRoot.slice(0, 40)}…`
  const text = body ? JSON.stringify(body) : bytes
  return text.length > 60 ? `${text.slice(0, 58)}…` : text
}

// ---- growth between two sizes

byId('growth-form').addEventListener('submit', (event) => {
  event.preventDefault()
  void guarded(async () => {
    const newest = head?.checkpoint.size ?? 0
    const value = (id: string) => Math.min(newest, Math.max(1, Number(byId<HTMLInputElement>(id).value) || 1))
    const [from, to] = [value('growth-from'), value('growth-to')].sort((a, b) => a - b) as [number, number]
    // Both roots from the entries themselves; then the proof must lead from one to the other.
    const [oldRoot, root] = [
      await rootOfEntries(source, from, newest),
      await rootOfEntries(source, to, newest),
    ]
    const proof = from < to ? await proveConsistency(source, from, to) : []
    const holds = verifyConsistency(proof, { oldSize: from, size: to, oldRoot, root })
    fill(
      byId('growth-result'),
      h(
        'p',
        { class: `note ${holds ? '' : 'bad'}`, 'data-holds': String(holds) },
        icon(holds ? 'check' : 'cross'),
        h('span', {}, t(holds ? 'growth.ok' : 'growth.bad', { from, to, proof: proof.length })),
      ),
    )
  })
})

// ---- the page

async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    await work()
    fill(byId('notice'))
  } catch (error) {
    const reason = reasonOf(error, shell.language())
    const text = isNoAnswer(error) ? t('network') : t('refused', { reason })
    fill(byId('notice'), h('p', { class: 'note bad', id: 'alarm' }, icon('alert'), h('span', {}, text)))
  }
}

const LOADERS: Readonly<Record<string, () => Promise<void>>> = {
  'tab-directory': () => fillLabels(shell),
  'tab-mine': () => renderMine(shell),
}
const loadTab = () => guarded(async () => LOADERS[chosenTab]?.())

wireTabs(document.querySelector<HTMLElement>('.tabs') ?? document.body, (id) => {
  chosenTab = id
  void loadTab()
})
wireDirectory(shell)
wireAttacks(shell)
byId('refresh').addEventListener('click', () => void guarded(load))
byId('older').addEventListener('click', () => {
  shownEntries = Math.min(256, shownEntries * 2)
  void guarded(async () => {
    await loadEntries()
    renderEntries()
  })
})
onLanguage(() => {
  renderHead()
  renderEntries()
  renderAttacks(shell)
  void loadTab()
})
await guarded(load)
byId<HTMLInputElement>('growth-from').value = String(
  Math.max(1, Math.floor((head?.checkpoint.size ?? 2) / 2)),
)
byId<HTMLInputElement>('growth-to').value = String(head?.checkpoint.size ?? 1)
document.documentElement.dataset['ready'] = 'true'
// Growth is what a log does: look again from time to time, against what was verified before.
setInterval(() => void guarded(load), 30_000)
