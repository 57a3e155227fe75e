// The citizen's own record. The wallet's key is made here; entries are found, opened and verified here.
import { fromBase64url, systemRandom, toBase64url } from '#ctid/base'
import { nobleGroup } from '#ctid/crypto'
import { openRecordSecret, type RecordEntry, type RecordSource, readOwnRecord } from '#ctid/pseudonym'
import { encodeEntry, type LogPolicy, parseNoteKey, verifyReceipt } from '#ctid/transparency'
import { call } from '../../ui/api.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'
import { sectorName } from './names.ts'
import type { Attempt } from './tables.ts'

export type LogFacts = {
  readonly log: {
    readonly origin: string
    readonly logKey: string
    readonly witnesses: readonly string[]
    readonly threshold: number
  }
  readonly epochSeconds: number
}
type Shown = RecordEntry & { readonly index: number | undefined }

const remote: RecordSource = {
  entries: async (handles) => {
    const { entries } = await call<{ entries: { sealed: string; receipt?: string }[][] }>(
      '/departments-console/record',
      { handles: handles.map((handle) => toBase64url(handle)) },
    )
    return entries.map((list) =>
      list.map(({ sealed, ...rest }) => ({ sealed: fromBase64url(sealed), ...rest })),
    )
  },
}

/** The form and the list; `facts` asks for what is known of the log. */
export function wireRecord(
  shell: Shell,
  people: () => readonly string[],
  facts: () => Promise<LogFacts>,
  attempt: Attempt,
): () => void {
  const select = byId<HTMLSelectElement>('person')
  // Record secrets by person. They live as long as this page.
  const secrets = new Map<number, Uint8Array>()
  let shown: readonly Shown[] | undefined

  async function secretOf(person: number): Promise<Uint8Array> {
    const known = secrets.get(person)
    if (known) return known
    const wallet = nobleGroup.randomScalar(systemRandom)
    const key = toBase64url(nobleGroup.multiplyBase(wallet))
    const { box } = await call<{ box: string }>('/departments-console/wallet', { person, key })
    const secret = await openRecordSecret(nobleGroup, wallet, fromBase64url(box))
    secrets.set(person, secret)
    return secret
  }

  async function read(person: number): Promise<readonly Shown[]> {
    const { log, epochSeconds } = await facts()
    const policy: LogPolicy = {
      ...log,
      logKey: parseNoteKey(log.logKey),
      witnesses: log.witnesses.map(parseNoteKey),
    }
    const epoch = Math.floor(Date.now() / 1000 / epochSeconds)
    const secret = await secretOf(person)
    const entries = await readOwnRecord(secret, remote, { fromEpoch: epoch - 1, toEpoch: epoch })
    const checked = await Promise.all(
      entries.map(async (entry) => ({ ...entry, index: await verifiedIndex(entry, policy) })),
    )
    return checked.reverse()
  }

  const render = () => {
    fill(select, ...people().map((name, at) => h('option', { value: at }, name)))
    if (shown) renderRecord(shell, shown)
  }
  select.addEventListener('change', () => {
    shown = undefined
    fill(byId('record'))
  })
  byId('record-form').addEventListener('submit', (event) => {
    event.preventDefault()
    void attempt(async () => {
      shown = await read(Number(select.value))
      renderRecord(shell, shown)
    })
  })
  return render
}

/** Where in the log the entry is proved to stand; `undefined` if the receipt does not prove it. */
async function verifiedIndex(
  { leaf, receipt, at }: RecordEntry,
  policy: LogPolicy,
): Promise<number | undefined> {
  if (receipt === undefined) return undefined
  try {
    const entry = encodeEntry({ form: 'personal', type: 'conversion', time: at, ...leaf })
    return (await verifyReceipt(entry, receipt, policy)).index
  } catch {
    return undefined
  }
}

function renderRecord(shell: Shell, entries: readonly Shown[]): void {
  const { t, language } = shell
  const locale = document.documentElement.lang
  const ok = entries.filter(({ index }) => index !== undefined).length
  const columns = ['record.when', 'record.who', 'record.why', 'record.what', 'record.proof']
  fill(
    byId('record'),
    h(
      'p',
      {
        class: `note ${ok === entries.length ? '' : 'bad'}`,
        'data-entries': entries.length,
        'data-verified': ok,
      },
      icon(ok === entries.length ? 'receipt' : 'alert'),
      h('span', {}, t('record.summary', { n: entries.length, ok })),
    ),
    h(
      'table',
      { class: 'table' },
      h('thead', {}, h('tr', {}, ...columns.map((key) => h('th', { scope: 'col' }, t(key))))),
      h(
        'tbody',
        {},
        ...entries.map(({ at, from, to, requester, text, fields, index }) => {
          const moment = new Date(at * 1000)
          const when = moment.toLocaleString(locale, { dateStyle: 'short', timeStyle: 'medium' })
          const names = fields.map((field) => t(`field.${field}`)).join(', ')
          return h(
            'tr',
            { 'data-from': from, 'data-to': to },
            h('td', { 'data-label': t('record.when') }, h('time', { datetime: moment.toISOString() }, when)),
            h('td', { 'data-label': t('record.who') }, from === 'anchor' ? t('record.registrar') : requester),
            h('td', { 'data-label': t('record.why') }, text[language()] ?? Object.values(text)[0] ?? ''),
            h(
              'td',
              { 'data-label': t('record.what') },
              `${sectorName(shell, from)} → ${sectorName(shell, to)}`,
              names === '' ? null : h('br'),
              names === ''
                ? null
                : h('span', { class: 'small quiet' }, t('record.fields', { fields: names })),
            ),
            h('td', { 'data-label': t('record.proof') }, proof(shell, index)),
          )
        }),
      ),
    ),
  )
}

function proof({ t }: Shell, index: number | undefined): HTMLElement {
  return index === undefined
    ? h('span', { class: 'badge bad' }, icon('cross'), t('record.failed'))
    : h('span', { class: 'badge ok' }, icon('check'), t('record.verified', { n: index + 1 }))
}
