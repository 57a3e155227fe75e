// Attacks on a copy of the log, and who noticed: witnesses and monitor on their side, and this browser by itself.
import { equalBytes, isCtidError } from '#ctid/base'
import {
  createAuditor,
  leafHash,
  openCheckpoint,
  proveConsistency,
  proveInclusion,
  readEntries,
  type TileSource,
  verifyConsistency,
  verifyInclusion,
} from '#ctid/transparency'
import type { Attack, AttackReport, Notice } from '../../parties/log-attacks.ts'
import { call, fetchText } from '../../ui/api.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'
import { entriesGive, entryAt, type Head, readHead } from './state.ts'
import { drawTree } from './tree.ts'

const ATTACKS: readonly Attack[] = [
  'delete',
  'reorder',
  'tile',
  'fork',
  'rollback',
  'second-token',
  'database',
]
// The tiles of one attack are not those of the next, whatever they say about being immutable: no cache.
const attacked: TileSource = {
  async read(path) {
    const response = await fetch(`/log-attacked/${path}`, { cache: 'no-store' })
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined
  },
}

type Seen = {
  readonly report: AttackReport
  readonly own: readonly Notice[]
  readonly size: number
  readonly proofLength: number
  readonly included: boolean
}
let shown: Seen | undefined
let busy = false

export function wireAttacks(shell: Shell): void {
  byId('attack-reset').addEventListener('click', async () => {
    await call('/log-console/reset', {})
    shown = undefined
    renderAttacks(shell)
  })
  renderAttacks(shell)
}

export function renderAttacks(shell: Shell): void {
  const { t } = shell
  fill(
    byId('attacks'),
    ...ATTACKS.map((attack) =>
      h(
        'button',
        {
          type: 'button',
          class: 'button',
          id: `attack-${attack}`,
          'aria-pressed': String(shown?.report.attack === attack),
          disabled: busy,
          onclick: () => void run(shell, attack),
        },
        t(`attack.${attack}`),
        h('span', { class: 'detail' }, t(`attack.${attack}.text`)),
      ),
    ),
  )
  byId('attack-reset').hidden = shown === undefined
  byId('attack-report').hidden = shown === undefined
  if (!shown) return
  const { report, own, size, proofLength, included } = shown
  const notices = [...report.notices, ...own]
  const caught = notices.filter(({ noticed }) => noticed)
  byId('report-title').textContent = t('report.title', { attack: t(`attack.${report.attack}`) })
  fill(
    byId('report'),
    h(
      'p',
      { class: `note ${caught.length > 0 ? 'bad' : 'warn'}`, 'data-caught': caught.length },
      icon('alert'),
      h(
        'span',
        {},
        t(caught.length > 0 ? 'report.caught' : 'report.missed', { n: caught.length, of: notices.length }),
      ),
    ),
    h('ul', { class: 'checks' }, ...notices.map((notice) => noticeItem(shell, notice))),
  )
  const hasTree = report.attack !== 'database' && size > 0
  byId('attack-tree').hidden = !hasTree
  if (hasTree) {
    const index = Math.min(report.index, size - 1)
    drawTree(byId('attack-tree'), shell, { size, index, proofLength, holds: included })
  }
}

function noticeItem({ t }: Shell, { who, noticed, asked, step, detail }: Notice): HTMLElement {
  const [symbol, tone] = noticed ? ['alert', 'bad'] : asked ? ['check', 'ok'] : ['dash', 'none']
  return h(
    'li',
    { 'data-who': who, 'data-noticed': String(noticed), 'data-step': step },
    icon(symbol, tone),
    h('strong', {}, t(`who.${who}`)),
    h(
      'span',
      { class: `badge ${noticed ? 'bad' : ''}` },
      t(noticed ? 'report.alarm' : asked ? 'report.quiet' : 'report.idle'),
    ),
    h('span', { class: 'why' }, t(`step.${step}`), detail === '' ? '' : ' ', h('code', {}, detail)),
  )
}

async function run(shell: Shell, attack: Attack): Promise<void> {
  if (busy) return
  busy = true
  renderAttacks(shell)
  try {
    // What this browser has verified of the honest log is what it compares with.
    const before = await readHead()
    const report = await call<AttackReport>('/log-console/attack', { attack })
    const found =
      attack === 'database'
        ? { own: [], size: 0, proofLength: 0, included: true }
        : await look(before, report)
    shown = { report, ...found }
  } finally {
    busy = false
    renderAttacks(shell)
  }
  byId('report-title').focus()
}

// This browser as the victim: it is shown the log that was tampered with, and checks it as it checks any log.
async function look({ policy, checkpoint: seen }: Head, report: AttackReport) {
  const own: Notice[] = []
  const alarm = (step: string, detail = '') =>
    own.push({ who: 'browser', asked: true, noticed: true, step: `browser.${step}`, detail })
  const note = await fetchText('/log-attacked/checkpoint')
  await openCheckpoint(note, policy).catch((error: unknown) =>
    alarm('witnesses', isCtidError(error) ? error.code : ''),
  )
  // What could be seen even if all witnesses were in the plot.
  const now = await openCheckpoint(note, { ...policy, witnesses: [], threshold: 0 })
  if (now.size < seen.size) alarm('size', `${now.size} < ${seen.size}`)
  else if (now.size === seen.size && !equalBytes(now.root, seen.root)) alarm('fork')
  else if (now.size > seen.size) {
    const proof = await proveConsistency(attacked, seen.size, now.size)
    const claim = { oldSize: seen.size, size: now.size, oldRoot: seen.root, root: now.root }
    if (!verifyConsistency(proof, claim)) alarm('history')
  }
  if (!(await entriesGive(attacked, now))) alarm('entries')
  const broken = await firstBrokenRule(now.size)
  if (broken) alarm('rules', broken)
  const index = Math.min(report.index, now.size - 1)
  const proof = await proveInclusion(attacked, index, now.size)
  const leaf = leafHash(await entryAt(attacked, index, now.size))
  const included = verifyInclusion(proof, { index, size: now.size, leaf, root: now.root })
  if (!included) alarm('inclusion', String(index))
  if (own.length === 0)
    own.push({ who: 'browser', asked: true, noticed: false, step: 'browser.none', detail: '' })
  return { own, size: now.size, proofLength: proof.length, included }
}

async function firstBrokenRule(size: number): Promise<string | undefined> {
  const auditor = createAuditor()
  for await (const { index, entry } of readEntries(attacked, { start: 0, end: size }, size)) {
    const [first] = auditor.see(index, entry).findings
    if (first) return `${first.rule}: ${index}`
  }
  return undefined
}
