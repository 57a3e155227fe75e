// The keys: the evaluators' shared key with its refresh, and the registry's keys with their rotation.
import { call } from '../../ui/api.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { once } from '../../ui/once.ts'
import type { Shell } from '../../ui/shell.ts'

type Keys = {
  readonly threshold: number
  readonly version: number
  readonly epoch: number
  readonly groupKey: string
  readonly shares: readonly { readonly id: number; readonly publicKey: string; readonly requests: number }[]
  readonly ring: readonly { readonly kind: string; readonly version: number; readonly state: string }[]
}
type Progress = { readonly done: number; readonly all: number; readonly version?: number }

export type Attempt = (work: () => Promise<void>) => Promise<void>

let message = ''
// One change of keys at a time, whichever button began it.
const change = once((attempt: Attempt, work: () => Promise<void>) => attempt(work))

/** Fetches and shows both halves of the tab. */
export async function renderKeys(shell: Shell, attempt: Attempt): Promise<void> {
  const { t } = shell
  const keys = await call<Keys>('/console/keys')
  fill(
    byId('evaluators'),
    h(
      'dl',
      { class: 'facts' },
      h('div', {}, h('dt', {}, t('keys.group')), h('dd', {}, h('code', {}, keys.groupKey))),
      h(
        'div',
        {},
        h('dt', {}, t('keys.versionLabel')),
        h('dd', {}, t('keys.version', { version: keys.version, epoch: keys.epoch })),
      ),
    ),
    h(
      'p',
      { class: 'small quiet' },
      t('keys.threshold', { threshold: keys.threshold, all: keys.shares.length }),
    ),
    ...keys.shares.map(({ id, publicKey, requests }) =>
      h(
        'div',
        { class: 'share' },
        icon('key'),
        h(
          'div',
          {},
          h('strong', {}, t('keys.share', { n: id })),
          h('br'),
          h('code', { class: 'quiet' }, publicKey),
        ),
        h('span', { class: 'badge info' }, t('keys.requests', { n: requests })),
      ),
    ),
    h('p', { class: 'small quiet' }, t('keys.refreshText')),
    h(
      'button',
      {
        type: 'button',
        class: 'button',
        id: 'refresh-shares',
        onclick: () => void change(attempt, () => refresh(shell, attempt)),
      },
      icon('refresh'),
      t('keys.refresh'),
    ),
    message === '' ? null : h('p', { class: 'note', role: 'status' }, icon('check'), h('span', {}, message)),
  )
  message = ''
  fill(
    byId('ring'),
    ...['token', 'record', 'binding'].map((kind) => {
      const version =
        keys.ring.filter((key) => key.kind === kind && key.state === 'current').at(-1)?.version ?? 1
      return h(
        'div',
        { class: 'share' },
        icon('key'),
        h(
          'div',
          {},
          h('strong', {}, t(`keys.kind.${kind}`)),
          h('br'),
          h(
            'span',
            { class: 'small quiet', 'data-version': `${kind}-${version}` },
            t('keys.current', { n: version }),
          ),
        ),
        h(
          'button',
          {
            type: 'button',
            class: 'button slim',
            id: `rotate-${kind}`,
            onclick: () => void change(attempt, () => rotate(shell, kind, attempt)),
          },
          icon('refresh'),
          t('keys.rotate', { kind: t(`keys.kind.${kind}`) }),
        ),
      )
    }),
  )
}

async function refresh(shell: Shell, attempt: Attempt): Promise<void> {
  await call('/console/refresh', {})
  message = shell.t('keys.refreshed')
  await renderKeys(shell, attempt)
}

async function rotate(shell: Shell, kind: string, attempt: Attempt): Promise<void> {
  const { t } = shell
  const show = ({ done, all }: Progress) =>
    fill(
      byId('rotation'),
      h('progress', {
        max: all,
        value: done,
        'aria-label': t('keys.rotate', { kind: t(`keys.kind.${kind}`) }),
      }),
      h('p', { class: 'small quiet' }, t('keys.progress', { done, all })),
    )
  const watching = setInterval(() => void call<Progress>('/console/rotate').then(show, () => {}), 150)
  let result: Progress
  try {
    result = await call<Progress>('/console/rotate', { kind })
  } catch (error) {
    fill(byId('rotation'))
    throw error
  } finally {
    clearInterval(watching)
  }
  await renderKeys(shell, attempt)
  fill(
    byId('rotation'),
    h('progress', { max: 1, value: 1, 'aria-label': t('keys.rotate', { kind: t(`keys.kind.${kind}`) }) }),
    h(
      'p',
      { class: 'note' },
      icon('check'),
      h('span', {}, t('keys.rotated', { all: result.all, n: result.version ?? 0 })),
    ),
  )
}
