// The wallet's details: the CTID file with its claims, what a verifier sees, and both histories.
import { isCtidError } from '#ctid/base'
import { readCredential } from '#ctid/credential'
import type { Kind } from '#ctid/qr'
import { type Preview, previewAttestation, type Showing, type Wallet } from '#ctid/wallet'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'
import { type Profile, readEntries } from './desk.ts'
import { citizenWords } from './words.ts'

type Base = { readonly shell: Shell; readonly wallet: Wallet }

// ---- the file

export async function renderFile(
  deps: Base & { readonly profile: Profile; readonly kind: Kind; readonly date: (seconds: number) => string },
): Promise<void> {
  const { t } = deps.shell
  const { sample, document } = deps.profile
  if (sample === undefined) {
    fill(byId('panel-file'), h('p', { class: 'quiet' }, t('show.noCopies')))
    return
  }
  const { claims, disclosable } = readCredential(sample)
  const name = String(claims['name'] ?? claims['legal_name'] ?? '')
  const expires = typeof claims['exp'] === 'number' ? deps.date(claims['exp']) : ''
  fill(
    byId('panel-file'),
    h(
      'div',
      { class: 'id-card' },
      icon('seal'),
      h('strong', { class: 'name', lang: 'zh-CN' }, name),
      h('span', {}, t(`doc.${document['documentType']}`)),
      h('div', { class: 'line' }, h('span', {}, `${t('file.until')}: ${expires}`)),
    ),
    h('h2', {}, t('file.claims')),
    h('p', { class: 'quiet detail' }, t('file.claimsText')),
    h(
      'dl',
      { class: 'facts' },
      ...disclosable.map((path) => {
        const [label, value] = claimWords(t, path.map(String), claims)
        return h(
          'div',
          { class: path.length > 1 ? 'detail' : '' },
          h('dt', {}, label),
          h('dd', { class: 'sealed' }, h('span', {}, value), icon('lock', 'detail', t('claim.sealed'))),
        )
      }),
    ),
    h('details', { class: 'detail' }, h('summary', {}, t('file.raw')), h('code', { class: 'bytes' }, sample)),
  )
}

function claimWords(
  t: Shell['t'],
  path: readonly string[],
  claims: { readonly [name: string]: unknown },
): [string, string] {
  const [name = '', inner] = path
  const value = claims[name]
  if (name === 'age_equal_or_over' && inner !== undefined) {
    const ages = value as { readonly [age: string]: boolean }
    return [t('claim.age', { n: inner }), t(`claim.${ages[inner] === true}`)]
  }
  if (name === 'sex') return [t('claim.sex'), t(`claim.sex.${value}`)]
  if (name === 'document_type') return [t('claim.document_type'), t(`doc.${value}`)]
  if (name === 'log_receipt') return [t('claim.log_receipt'), t('claim.log_receipt.held')]
  // A claim that this page has no words for is shown by its own name, and never at full length.
  const label = Object.hasOwn(citizenWords, `claim.${name}`) ? t(`claim.${name}`) : name
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return [label, text.length > 60 ? `${text.slice(0, 57)}…` : text]
}

// ---- what they see

export async function renderSeen(
  deps: Base & { readonly kind: Kind; readonly showing: Showing | undefined },
): Promise<void> {
  const { t, language } = deps.shell
  const panel = byId('panel-seen')
  const preview = await previewOf(deps)
  if (!preview) {
    fill(panel, h('p', { class: 'quiet' }, t('show.noCopies')))
    return
  }
  fill(
    panel,
    h('h2', {}, t('seen.title')),
    h('p', { class: 'quiet' }, t('seen.text')),
    h(
      'table',
      { class: 'table' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...['seen.what', 'seen.value', 'seen.again'].map((key) => h('th', { scope: 'col' }, t(key))),
        ),
      ),
      h(
        'tbody',
        {},
        ...preview.lines.map(({ words, value, linkable }) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, words[language()]),
            h('td', { 'data-label': t('seen.value') }, h('code', {}, value)),
            h(
              'td',
              { 'data-label': t('seen.again') },
              h(
                'span',
                { class: `badge ${linkable === 'never' ? 'ok' : 'info'}` },
                icon(linkable === 'never' ? 'unlink' : 'people'),
                t(linkable === 'never' ? 'seen.never' : 'seen.shared'),
              ),
            ),
          ),
        ),
      ),
    ),
    h('p', { class: 'note' }, icon('eye-off'), h('span', {}, preview.notShown[language()])),
  )
}

async function previewOf({
  wallet,
  kind,
  showing,
}: {
  wallet: Wallet
  kind: Kind
  showing: Showing | undefined
}): Promise<Preview | undefined> {
  if (showing) return previewAttestation(showing.copy.attestation, { form: 'dynamic' })
  try {
    return await wallet.preview(kind)
  } catch (error) {
    if (isCtidError(error)) return undefined
    throw error
  }
}

// ---- history

const SYMBOL = { dynamic: 'qr', online: 'globe', paper: 'print', presentation: 'card' } as const

export async function renderHistory({ shell, wallet }: Base): Promise<void> {
  const { t } = shell
  // One showing of an online code leaves several at the relay, one each half minute: one line here.
  const all = [...(await wallet.history())].reverse()
  const shown = all.filter(({ form, copy }, at) => form !== all[at - 1]?.form || copy !== all[at - 1]?.copy)
  const about = await readEntries().catch(() => [])
  fill(
    byId('panel-history'),
    h('h2', {}, t('more.history')),
    h('p', { class: 'quiet' }, t('history.text')),
    shown.length === 0 ? h('p', {}, t('history.none')) : null,
    h(
      'ul',
      { class: 'entries', id: 'shown' },
      ...shown.map(({ at, form, verifier }) =>
        h(
          'li',
          {},
          icon(SYMBOL[form]),
          h('span', {}, t(`history.${form}`)),
          time(at),
          h(
            'span',
            { class: 'small quiet' },
            verifier === '' ? t('history.unknown') : t('history.to', { name: verifier }),
          ),
        ),
      ),
    ),
    h('h3', {}, t('history.registry')),
    h('p', { class: 'small quiet' }, t('history.registryText')),
    h(
      'ul',
      { class: 'entries', id: 'about' },
      ...[...about]
        .reverse()
        .map(({ kind, reason, officer, at }) =>
          h(
            'li',
            {},
            icon('registry'),
            h('span', {}, t(`event.${kind}`)),
            time(at),
            h('span', { class: 'small quiet' }, `${t(`reason.${reason}`)}, ${officer}`),
          ),
        ),
    ),
  )
}

function time(seconds: number): HTMLElement {
  const moment = new Date(seconds * 1000)
  const text = moment.toLocaleString(document.documentElement.lang, {
    dateStyle: 'short',
    timeStyle: 'short',
  })
  return h('time', { datetime: moment.toISOString() }, text)
}
