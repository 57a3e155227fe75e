// The one-to-one directory: a label is bound once, or not at all, proved against roots that the log itself published.
import { fromBase64url, systemRandom, toHex } from '#ctid/base'
import {
  decodePrefixProof,
  directoryLeaf,
  leafHash,
  parseEntry,
  proveInclusion,
  readEntries,
  verifyAbsent,
  verifyInclusion,
  verifyPresent,
} from '#ctid/transparency'
import { call } from '../../ui/api.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'
import { entryAt, readHead, source } from './state.ts'

type Answer = { readonly present: boolean; readonly proof: string }
type Side = 'record' | 'token'

/** Registrations that can be looked up: the newest, and a label that nobody has. */
export async function fillLabels({ t }: Shell): Promise<void> {
  const { checkpoint, console } = await readHead()
  const upTo = console.epoch?.index ?? 0
  const found: number[] = []
  for await (const { index, entry } of readEntries(source, { start: 0, end: upTo }, checkpoint.size)) {
    if (parseEntry(entry).form === 'binding') found.push(index)
  }
  fill(
    byId('directory-label'),
    ...found.slice(-12).map((index) => h('option', { value: index }, t('directory.ofEntry', { index }))),
    h('option', { value: 'random' }, t('directory.random')),
  )
}

export function wireDirectory({ t }: Shell): void {
  byId('directory-form').addEventListener('submit', async (event) => {
    event.preventDefault()
    const side = byId<HTMLSelectElement>('directory-side').value as Side
    const chosen = byId<HTMLSelectElement>('directory-label').value
    const { holds, present, epoch, bytes } = await lookUp(side, chosen)
    const key = holds ? (present ? 'directory.present' : 'directory.absent') : 'directory.fails'
    fill(
      byId('directory-result'),
      h(
        'p',
        { class: `note ${holds ? '' : 'bad'}`, 'data-holds': String(holds), 'data-present': String(present) },
        icon(holds ? 'check' : 'alert'),
        h('span', {}, t(key, { side: t(`directory.${side}`), epoch, bytes })),
      ),
    )
  })
}

async function lookUp(side: Side, chosen: string) {
  const { checkpoint, console } = await readHead()
  const { size, root } = checkpoint
  const at = console.epoch?.index ?? 0
  // First that the epoch's roots are in the log; then that the label is, or is not, below them.
  const published = await entryAt(source, at, size)
  const isLogged = verifyInclusion(await proveInclusion(source, at, size), {
    index: at,
    size,
    leaf: leafHash(published),
    root,
  })
  const epoch = parseEntry(published)
  if (epoch.form !== 'epoch') throw new Error('the log has no epoch yet')
  const epochRoot = side === 'record' ? epoch.recordRoot : epoch.tokenRoot

  const index = Number(chosen)
  const entry = chosen === 'random' ? undefined : parseEntry(await entryAt(source, index, size))
  const leaf = entry?.form === 'binding' ? directoryLeaf(side, { index, entry }) : undefined
  const label = leaf?.label ?? systemRandom(32)
  const answer = await call<Answer>(`/log/api/directory/${side}/${toHex(label)}`)
  const proof = decodePrefixProof(fromBase64url(answer.proof))
  const proved = leaf ? verifyPresent(proof, leaf, epochRoot) : verifyAbsent(proof, label, epochRoot)
  return {
    holds: isLogged && proved,
    present: leaf !== undefined,
    epoch: epoch.epoch,
    bytes: fromBase64url(answer.proof).length,
  }
}
