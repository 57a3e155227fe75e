// The "what if" cards: each tries in earnest what must not work, and shows how every party answered.
import { DEPARTMENTS } from '../../parties/department-fields.ts'
import { call } from '../../ui/api.ts'
import { byId, type Child, fill, h, icon } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'
import { codeWords } from './names.ts'
import type { Attempt } from './tables.ts'

type Verdict = {
  readonly party: 'trustee' | 'log'
  readonly trustee?: number
  readonly asked: string
  readonly code: string
}
type Leak = Readonly<Record<'rows' | 'opened' | 'others' | 'inCommon' | 'tried' | 'found', number>>

const CASES = ['no-receipt', 'expired', 'overused', 'scope', 'no-ceremony', 'stranger'] as const

/** Renders the cards; results stay when the language changes. `goToJoin` opens the panel where trustees are played. */
export function wireAttempts(shell: Shell, attempt: Attempt, goToJoin: () => void): () => void {
  const { t } = shell
  const verdicts = new Map<string, readonly Verdict[]>()
  let leak: Leak | undefined
  let department: string = DEPARTMENTS[0]

  const render = () => {
    fill(byId('attempts'), trusteeCard(), leakCard(), ...CASES.map((name) => attemptCard(name)))
  }

  function card(name: string, symbol: string, ...content: readonly Child[]): HTMLElement {
    return h(
      'section',
      { class: 'card', 'data-case': name, 'aria-label': t(`attempt.${name}`) },
      h('div', { class: 'card-head' }, icon(symbol), h('h2', {}, t(`attempt.${name}`))),
      h('p', { class: 'small' }, t(`attempt.${name}.text`)),
      ...content,
    )
  }

  const goButton = (name: string, work: () => void, text = t('attempts.go')) =>
    h(
      'button',
      {
        type: 'button',
        id: `try-${name}`,
        class: 'button slim',
        'aria-label': text === t('attempts.go') ? t('attempts.label', { name: t(`attempt.${name}`) }) : text,
        onclick: work,
      },
      text,
    )

  const trusteeCard = () => card('trustee', 'key', goButton('trustee', goToJoin, t('attempts.join')))

  function leakCard(): HTMLElement {
    const select = h(
      'select',
      {
        id: 'leak-department',
        onchange: () => {
          department = select.value
        },
      },
      ...DEPARTMENTS.map((id) =>
        h('option', { value: id, selected: id === department }, t(`department.${id}`)),
      ),
    )
    const run = async () => {
      leak = await call<Leak>('/departments-console/leak', { department })
      render()
      byId('try-leak').focus()
    }
    const isClean = leak?.inCommon === 0 && leak.found === 0
    return card(
      'leak',
      'thief',
      h('div', { class: 'field' }, h('label', { for: 'leak-department' }, t('leak.department')), select),
      goButton('leak', () => void attempt(run)),
      h(
        'div',
        { role: 'status' },
        leak
          ? h(
              'p',
              { class: `note ${isClean ? '' : 'bad'}`, 'data-clean': String(isClean) },
              icon(isClean ? 'eye-off' : 'alert'),
              h('span', {}, t('leak.result', leak)),
            )
          : null,
      ),
    )
  }

  function attemptCard(name: (typeof CASES)[number]): HTMLElement {
    const run = async () => {
      const answer = await call<{ verdicts: readonly Verdict[] }>('/departments-console/attempt', {
        case: name,
      })
      verdicts.set(name, answer.verdicts)
      render()
      byId(`try-${name}`).focus()
    }
    return card(
      name,
      'alert',
      goButton(name, () => void attempt(run)),
      resultOf(verdicts.get(name)),
    )
  }

  function resultOf(list: readonly Verdict[] | undefined): HTMLElement {
    const answered = list?.filter(({ code }) => code === 'accepted') ?? []
    const refused = (list?.length ?? 0) - answered.length
    // Two that answer would be enough for a conversion.
    const isStopped = answered.length < 2 && refused > 0
    const said = isStopped ? t('attempts.stopped', { n: refused }) : t('attempts.passed')
    return h(
      'div',
      { role: 'status' },
      ...(list
        ? [
            h('ul', { class: 'checks' }, ...grouped(list)),
            h(
              'p',
              { class: `note ${isStopped ? '' : 'bad'}`, 'data-stopped': String(isStopped) },
              icon(isStopped ? 'lock' : 'alert'),
              h('span', {}, said, answered.length === 1 ? ` ${t('attempts.alone')}` : null),
            ),
          ]
        : []),
    )
  }

  // Parties that answered the same question alike share a line.
  function grouped(list: readonly Verdict[]): HTMLElement[] {
    const lines = new Map<string, Verdict[]>()
    for (const verdict of list) {
      const key = `${verdict.asked} ${verdict.code}`
      lines.set(key, [...(lines.get(key) ?? []), verdict])
    }
    return [...lines.values()].map(verdictLine)
  }

  function verdictLine(alike: readonly Verdict[]): HTMLElement {
    const { asked = '', code = '' } = alike[0] ?? {}
    const isRefused = code !== 'accepted'
    const trustees = alike.flatMap(({ trustee }) => trustee ?? [])
    const parties = [
      ...(trustees.length > 0
        ? [t(trustees.length > 1 ? 'party.trustees' : 'party.trustee', { n: trustees.join(t('party.and')) })]
        : []),
      ...(alike.some(({ party }) => party === 'log') ? [t('party.log')] : []),
    ]
    return h(
      'li',
      { 'data-code': code, 'data-parties': alike.length },
      icon(isRefused ? 'ban' : 'dash', isRefused ? 'ok' : 'none'),
      h('strong', {}, parties.join(t('party.and'))),
      h('span', { class: 'why' }, `${t(`asked.${asked}`)} · ${codeWords(shell, code)}`),
    )
  }

  return render
}
