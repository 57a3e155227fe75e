// The signed grants of a join: who asks for what, why, how many rows and until when; the signed text to look at.
import { fromBase64url, fromUtf8 } from '#ctid/base'
import { type Child, h, icon } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'
import { sectorName } from './names.ts'

export type Grant = {
  readonly jws: string
  readonly requester: string
  readonly text: Readonly<Record<string, string>>
  readonly from: string
  readonly to: string
  readonly fields: readonly string[]
  readonly count: number
  readonly notAfter: number
  readonly rows: number
}

/** `id` is the sector of the purpose. */
export function grantsOf(shell: Shell, [first, second]: readonly [Grant, Grant], id: string): Child[] {
  const { t } = shell
  const names = {
    a: t(`department.${first.from}`),
    b: t(`department.${second.from}`),
    purpose: sectorName(shell, id),
  }
  const said = first.text[shell.language()] ?? Object.values(first.text)[0] ?? ''
  return [
    h('p', { class: 'asked' }, h('strong', {}, first.requester), ' ', h('q', {}, said)),
    h('p', { class: 'small quiet detail' }, t('step.grants.text', names)),
    h(
      'ul',
      { class: 'plain' },
      ...[first, second].map((grant) =>
        h(
          'li',
          {},
          h('span', { class: 'badge info' }, icon('stamp'), t(`department.${grant.from}`)),
          ' ',
          `${grant.fields.map((field) => t(`field.${field}`)).join(', ')} · ${t('grant.rows', { rows: grant.rows, count: grant.count })} · ${t('grant.until', { date: day(grant.notAfter) })}`,
          h(
            'details',
            { class: 'detail' },
            h('summary', { class: 'small' }, t('grant.signed')),
            h('code', { class: 'bytes' }, readable(grant.jws)),
            h('code', { class: 'bytes' }, grant.jws),
          ),
        ),
      ),
    ),
  ]
}

const day = (seconds: number) =>
  new Date(seconds * 1000).toLocaleDateString(document.documentElement.lang, { dateStyle: 'medium' })

/** The payload of a compact JWS, as it was signed. */
const readable = (jws: string) => fromUtf8(fromBase64url(jws.split('.')[1] ?? ''))
