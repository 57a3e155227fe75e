// The lists that this device keeps: what they are and how old, fetched anew by clock or by hand, with or without network.
import type { Clock } from '#ctid/base'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'
import { forgetLists, type Lists, openLists, refreshLists } from './lists.ts'
import { countReplays } from './replay.ts'

export type KeptLists = {
  /** Absent until this device has fetched them once. */
  readonly current: () => Lists | undefined
  readonly render: () => Promise<void>
  /** Opens what is kept, asks for fresh lists, and goes on asking every minute. */
  readonly open: () => Promise<void>
}

export function wireLists({ t }: Shell, clock: Clock): KeptLists {
  let lists: Lists | undefined
  let online = navigator.onLine
  let message = ''
  /** What was fetched is signed by somebody else than the publisher this device has known so far. */
  let isRefused = false

  function age(since: number): string {
    const seconds = Math.max(0, clock() - since)
    if (seconds < 60) return t('age.seconds', { n: seconds })
    if (seconds < 3600) return t('age.minutes', { n: Math.floor(seconds / 60) })
    if (seconds < 172_800) return t('age.hours', { n: Math.floor(seconds / 3600) })
    return t('age.days', { n: Math.floor(seconds / 86_400) })
  }

  async function render(): Promise<void> {
    renderNetwork()
    const used = await countReplays(clock())
    const fact = (key: string, ...value: (string | Node)[]) =>
      h('div', {}, h('dt', {}, t(key)), h('dd', {}, ...value))
    const trust = lists
      ? `${t('lists.trustText', { issuers: lists.trustList.issuers.length })}, ${t('lists.age', { age: age(lists.trustList.issuedAt) })}`
      : t('lists.none')
    const statuses = lists?.statusLists ?? []
    fill(
      byId('lists'),
      fact('lists.trust', trust),
      ...(statuses.length === 0 ? [fact('lists.status', t('lists.none'))] : []),
      ...statuses.map((list) =>
        fact(
          'lists.status',
          `${t('lists.statusText', { size: list.size.toLocaleString(document.documentElement.lang) })}, ${t('lists.age', { age: age(list.issuedAt) })}`,
        ),
      ),
      fact('lists.used', String(used)),
      ...(message === '' ? [] : [fact('lists.refresh', h('span', { role: 'status' }, message))]),
    )
    fill(
      byId('lists-anew'),
      isRefused
        ? h(
            'button',
            { type: 'button', class: 'button slim', id: 'lists-forget', onclick: () => void beginAnew() },
            icon('alert'),
            t('lists.anew'),
          )
        : null,
    )
  }

  function renderNetwork(): void {
    fill(
      byId('network'),
      h(
        'span',
        { class: `badge ${online ? 'info' : 'warn'}`, 'data-online': String(online) },
        icon(online ? 'globe' : 'offline'),
        t(online ? 'net.online' : 'net.offline'),
      ),
    )
  }

  async function update(): Promise<void> {
    const fresh = await refreshLists(clock, lists?.trustList.version)
    if ('refusal' in fresh) {
      online = fresh.refusal !== 'ERR_NETWORK'
      isRefused = ['ERR_TRUST_UNKNOWN_KEY', 'ERR_TRUST_SIGNATURE'].includes(fresh.refusal)
      message = online ? t('lists.refused', { code: fresh.refusal }) : t('lists.failed')
    } else {
      online = true
      isRefused = false
      lists = fresh
      message = t('lists.updated')
    }
    await render()
  }

  // The publisher is known by the key it had when this device first met it. Another key is another publisher, and only a
  // person can say that it is meant to be trusted.
  async function beginAnew(): Promise<void> {
    if (!confirm(t('lists.anewSure'))) return
    await forgetLists()
    lists = undefined
    await update()
  }

  byId('lists-refresh').addEventListener('click', () => void update())
  for (const name of ['online', 'offline']) {
    addEventListener(name, () => {
      online = navigator.onLine
      renderNetwork()
      if (online) void update()
    })
  }

  return {
    current: () => lists,
    render,
    open: async () => {
      lists = await openLists(clock())
      await update()
      // Other tabs freeze and revoke: a gate that stands open all day asks for new lists every minute.
      setInterval(() => void update(), 60_000)
    },
  }
}
