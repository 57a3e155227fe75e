// One join on the page: the signed grants, the trustees' cards, what happened and who saw what, and the aggregate.
import { EPSILONS_MILLI, type Side } from '../../parties/department-fields.ts'
import { call } from '../../ui/api.ts'
import { byId, type Child, fill, h, icon } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'
import { type Answer, type Cell, crossTable, epsilon } from './aggregate.ts'
import { type Grant, grantsOf } from './grants.ts'
import { codeWords } from './names.ts'
import type { Attempt } from './tables.ts'

type Trustee = {
  readonly id: number
  readonly decision: 'approve' | 'refuse' | 'lie' | null
  readonly code: string | null
  readonly faults: readonly { readonly half: string; readonly code: string }[]
}
type Join = {
  readonly id: string
  readonly status: 'waiting' | 'done' | 'refused' | 'discarded'
  readonly refusal: string | null
  readonly threshold: number
  readonly sides: readonly [Side, Side]
  readonly minimumCell: number
  readonly grants: readonly [Grant, Grant]
  readonly trustees: readonly Trustee[]
  readonly trace: readonly {
    readonly step: string
    readonly department: string
    readonly trustee?: number
    readonly rows: number
    readonly milliseconds: number
  }[]
  readonly seen: readonly { readonly party: string; readonly what: string; readonly bytes: string }[]
}
export type Budget = { readonly limitMilli: number; readonly remainingMilli: number }

const LOOK_OF_CONVERSION: Readonly<Record<Join['status'], readonly [symbol: string, tone: string]>> = {
  waiting: ['clock', 'info'],
  done: ['receipt', 'info'],
  discarded: ['receipt', 'info'],
  refused: ['cross', 'bad'],
}

/** Keeps the join that the page shows. */
export function joinPanel(shell: Shell, attempt: Attempt) {
  const { t } = shell
  let join: Join | undefined
  let budget: Budget = { limitMilli: 0, remainingMilli: 0 }
  let answer: Answer | undefined
  let busy = 0
  // Which parts are unfolded: kept, since every step draws the panel anew.
  const unfolded = new Set(matchMedia('(min-width: 48rem)').matches ? ['seen'] : [])

  async function post(
    path: string,
    body: Readonly<Record<string, string | number>>,
    trustee = 0,
  ): Promise<void> {
    const { id } = join ?? { id: '' }
    busy = trustee
    render()
    await attempt(async () => {
      join = await call<Join>(`/departments-console/${path}`, { join: id, ...body })
    })
    busy = 0
    render()
    // The button that was pressed is gone: on to the next thing that can be done.
    if (document.activeElement === document.body)
      byId('join').querySelector('button')?.focus({ preventScroll: true })
  }

  async function aggregate(epsilonMilli: number | null): Promise<void> {
    const { id } = join ?? { id: '' }
    await attempt(async () => {
      const body = { join: id, ...(epsilonMilli !== null && { epsilonMilli }) }
      const told = await call<{ cells: readonly Cell[]; budget: Budget }>(
        '/departments-console/aggregate',
        body,
      )
      budget = told.budget
      answer = { cells: told.cells, epsilonMilli }
    })
    render()
  }

  function render(): void {
    const focused = document.activeElement?.id ?? ''
    if (!join) {
      fill(byId('join'), step(1, 'now', t('step.grants'), h('p', { class: 'quiet' }, t('step.none'))))
      return
    }
    const { status } = join
    const isOver = status === 'done' || status === 'discarded'
    const converted = isOver ? 'done' : status === 'refused' ? 'failed' : 'waiting'
    fill(
      byId('join'),
      step(1, 'done', t('step.grants'), ...grantsOf(shell, join.grants, join.id)),
      step(2, status === 'waiting' ? 'now' : converted, t('step.trustees'), ...trustees(join)),
      step(3, converted, t('step.conversion'), ...conversion(join)),
      step(4, isOver ? 'now' : '', t('step.aggregate'), ...aggregateOf(join)),
    )
    byId('join').dataset['status'] = status
    const said = spoken(join)
    if (byId('join-said').textContent !== said) byId('join-said').textContent = said
    if (focused !== '') document.getElementById(focused)?.focus()
  }

  function trustees(shown: Join): Child[] {
    return [
      h('p', { class: 'small quiet' }, t('step.trustees.text')),
      h('div', { class: 'trustees' }, ...shown.trustees.map((trustee) => trusteeCard(shown, trustee))),
    ]
  }

  function trusteeCard({ status }: Join, { id, decision, code, faults }: Trustee): HTMLElement {
    const [symbol, tone, word] = lookOf(decision, faults.length > 0)
    const open = decision === null && status === 'waiting'
    const button = (action: 'approve' | 'refuse' | 'lie', look: string) =>
      h(
        'button',
        {
          type: 'button',
          id: `trustee-${id}-${action}`,
          class: `button slim wide ${look}`,
          disabled: busy !== 0,
          'aria-label': t('trustee.label', { action: t(`trustee.${action}`), n: id }),
          onclick: () => void post('decision', { trustee: id, decision: action }, id),
        },
        t(`trustee.${action}`),
      )
    return h(
      'section',
      {
        class: 'trustee',
        'data-trustee': id,
        'data-decision': decision ?? 'none',
        'aria-label': t('trustee.name', { n: id }),
      },
      h('h4', {}, icon('key'), t('trustee.name', { n: id })),
      h('span', { class: `badge ${tone}`, 'data-named': faults.length > 0 }, icon(symbol), t(word)),
      code === null ? null : h('p', { class: 'small', 'data-code': code }, codeWords(shell, code)),
      ...faults.map(({ half }) => h('p', { class: 'small' }, t(`trustee.fault.${half}`))),
      open
        ? h(
            'div',
            { class: 'stack-small' },
            button('approve', 'primary'),
            button('refuse', ''),
            button('lie', 'danger'),
          )
        : null,
    )
  }

  function conversionWords({ status, refusal, trustees: all, threshold, grants: two }: Join): string {
    if (status === 'refused') return t('step.conversion.refused', { reason: codeWords(shell, refusal ?? '') })
    if (status !== 'waiting') return t('step.conversion.done', { rows: two[0].rows + two[1].rows })
    const right = all.filter(
      ({ decision, faults }) => decision !== null && decision !== 'refuse' && faults.length === 0,
    )
    return t('step.conversion.waiting', { n: Math.max(1, threshold - right.length) })
  }

  /** The state in one breath, for those who cannot see the panel. */
  function spoken(shown: Join): string {
    const trustees = shown.trustees.map(({ id, decision, faults }) => {
      const [, , word] = lookOf(decision, faults.length > 0)
      return `${t('trustee.name', { n: id })}: ${t(word)}.`
    })
    return [...trustees, conversionWords(shown)].join(' ')
  }

  function conversion(shown: Join): Child[] {
    const { refusal, trace, seen } = shown
    const [symbol, tone] = LOOK_OF_CONVERSION[shown.status]
    const said = h(
      'p',
      { class: `note ${tone}`, ...(refusal !== null && { 'data-refusal': refusal }) },
      icon(symbol),
      h('span', {}, conversionWords(shown)),
    )
    return [said, trace.length === 0 ? null : traceOf(trace), seen.length === 0 ? null : seenOf(seen)]
  }

  function traceOf(trace: Join['trace']): HTMLElement {
    return h(
      'details',
      foldable('trace'),
      h('summary', {}, t('trace.title')),
      h(
        'ol',
        { class: 'trace' },
        ...trace.map(({ step: name, department, trustee = 0, rows, milliseconds }) =>
          h(
            'li',
            {},
            t(`trace.${name}`, { trustee, rows, department: t(`department.${department}`) }),
            ' ',
            h('span', { class: 'quiet' }, `${milliseconds} ms`),
          ),
        ),
      ),
    )
  }

  const foldable = (name: string) => ({
    class: 'detail',
    open: unfolded.has(name),
    ontoggle: (event: Event) => {
      if ((event.currentTarget as HTMLDetailsElement).open) unfolded.add(name)
      else unfolded.delete(name)
    },
  })

  function seenOf(seen: Join['seen']): HTMLElement {
    return h(
      'details',
      foldable('seen'),
      h('summary', {}, t('seen.title')),
      h(
        'dl',
        { class: 'seen' },
        ...seen.map(({ party, what, bytes }) =>
          h(
            'div',
            {},
            h('dt', {}, h('strong', {}, t(`seen.${party}`)), ` ${t(`seen.${what}`)}`),
            h('dd', {}, h('code', { class: 'bytes' }, bytes.length > 100 ? `${bytes.slice(0, 96)}…` : bytes)),
          ),
        ),
      ),
    )
  }

  function aggregateOf({ status, minimumCell, sides }: Join): Child[] {
    if (status !== 'done' && status !== 'discarded') {
      return [h('p', { class: 'quiet' }, t('step.aggregate.waiting'))]
    }
    const left = { left: epsilon(budget.remainingMilli), limit: epsilon(budget.limitMilli) }
    const isOpen = status === 'done'
    return [
      h('p', { class: 'small quiet' }, t('step.aggregate.text', { n: minimumCell })),
      isOpen
        ? h(
            'div',
            { class: 'row' },
            askButton('exact', t('aggregate.exact'), null),
            ...EPSILONS_MILLI.map((milli) =>
              askButton(`noise-${milli}`, t('aggregate.noise', { epsilon: epsilon(milli) }), milli),
            ),
          )
        : h('p', { class: 'note' }, icon('ban'), h('span', {}, t('aggregate.discarded'))),
      h(
        'div',
        { class: 'budget' },
        h('label', { for: 'budget', class: 'small' }, t('aggregate.budget', left)),
        h('meter', { id: 'budget', min: 0, max: budget.limitMilli, value: budget.remainingMilli }),
      ),
      answer ? crossTable(shell, answer, sides) : null,
      isOpen
        ? h(
            'button',
            {
              type: 'button',
              class: 'button slim danger',
              id: 'discard',
              onclick: () => void post('discard', {}),
            },
            icon('ban'),
            t('aggregate.discard'),
          )
        : null,
    ]
  }

  const askButton = (id: string, text: string, milli: number | null) =>
    h(
      'button',
      {
        type: 'button',
        id,
        class: `button slim ${milli === null ? 'primary' : ''}`,
        onclick: () => void aggregate(milli),
      },
      text,
    )

  return {
    render,
    /** A new request takes the place of the one shown. */
    begin: (body: Parameters<typeof call>[1]) =>
      attempt(async () => {
        join = await call<Join>('/departments-console/join', body)
        answer = undefined
        render()
        byId('join').scrollIntoView({ block: 'nearest' })
      }),
    setBudget: (next: Budget) => {
      budget = next
    },
  }

  function step(number: number, state: string, title: string, ...content: readonly Child[]): HTMLElement {
    const mark = state === 'done' ? icon('check') : state === 'failed' ? icon('cross') : String(number)
    return h(
      'li',
      { 'data-state': state },
      h('span', { class: 'step-mark' }, mark),
      h('h3', {}, title),
      ...content,
    )
  }
}

function lookOf(
  decision: Trustee['decision'],
  isNamed: boolean,
): readonly [symbol: string, tone: string, word: string] {
  if (isNamed) return ['alert', 'bad', 'trustee.lied']
  if (decision === 'approve') return ['check', 'ok', 'trustee.approved']
  if (decision === 'lie') return ['clock', 'warn', 'trustee.lieHidden']
  if (decision === 'refuse') return ['ban', 'bad', 'trustee.refused']
  return ['dash', '', 'trustee.waiting']
}
