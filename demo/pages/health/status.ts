// What the page says of the status: colour with word and shape, reasons, the way back, appeals. Only draws.
import { byId, fill, h, icon } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'
import type { Answer } from './authority.ts'
import { date } from './page.ts'

/** `differences`: where the browser's own derivation from its evidence says something else. */
export function renderStatus(
  { t }: Shell,
  { status }: Answer,
  { differences, subject }: { readonly differences: readonly string[]; readonly subject: string | undefined },
): void {
  const agrees = differences.length === 0
  fill(
    byId('status'),
    h(
      'div',
      { class: 'sign', 'data-colour': status.colour },
      icon(`sign-${status.colour}`),
      h('strong', {}, t(`colour.${status.colour}`)),
      h('span', {}, t('status.until', { date: date(status.until) })),
    ),
    h(
      'p',
      {},
      h(
        'span',
        { class: `badge ${agrees ? 'ok' : 'bad'}`, 'data-agrees': String(agrees), id: 'agrees' },
        icon(agrees ? 'check' : 'cross'),
        agrees ? t('status.agrees') : t('status.differs', { what: differences.join(', ') }),
      ),
    ),
    subject === undefined
      ? null
      : h('p', { class: 'small quiet detail' }, t('status.subject', { subject: `${subject.slice(0, 12)}…` })),
    h(
      'p',
      { class: 'small quiet detail' },
      t('status.region', { region: status.region, hash: `${status.ruleSetHash.slice(0, 12)}…` }),
    ),
  )
}

/** `contest` is called with the commitment of the evidence. */
export function renderWhy(
  { t, language }: Shell,
  { status }: Answer,
  contest: (commitment: string) => void,
): void {
  const reasons = status.reasons.map(({ rule, text, basis, evidence, from, until, colour }) =>
    h(
      'div',
      { class: 'reason', 'data-rule': rule },
      h(
        'h3',
        {},
        h('span', { class: `badge ${TONE[colour]}` }, icon(`sign-${colour}`), rule),
        text[language()],
      ),
      h('p', { class: 'small quiet' }, t('why.times', { from: date(from), until: date(until) })),
      ...evidence.map(({ class: name, source, commitment }) =>
        h(
          'p',
          { class: 'row' },
          h('span', { class: 'small' }, t('why.from', { what: t(`class.${name}`), source })),
          colour === 'green'
            ? null
            : h(
                'button',
                {
                  type: 'button',
                  class: 'button slim',
                  'data-contest': commitment,
                  onclick: () => contest(commitment),
                },
                icon('scales'),
                t('why.contest'),
              ),
        ),
      ),
      h('p', { class: 'small quiet detail' }, basis),
    ),
  )
  const gaps = status.gaps.map(({ rule, text }) =>
    h(
      'div',
      { class: 'reason' },
      h('h3', {}, h('span', { class: 'badge' }, icon('dash'), t('why.missing')), rule),
      h('p', {}, text[language()]),
    ),
  )
  fill(
    byId('why'),
    ...(reasons.length + gaps.length === 0 ? [h('p', {}, t('why.none'))] : [...reasons, ...gaps]),
  )
}

const TONE = { green: 'ok', yellow: 'warn', red: 'bad' } as const

export function renderBack({ t }: Shell, { status: { colour, wayBack } }: Answer): void {
  if (colour === 'green') {
    fill(byId('back'), h('p', {}, t('back.green')))
    return
  }
  const { greenAt, needs } = wayBack
  const steps = needs.map((need) => h('li', {}, t(`need.${need}`)))
  fill(
    byId('back'),
    h('p', {}, greenAt === null ? t('back.open') : t('back.when', { date: date(greenAt) })),
    steps.length > 0 ? h('ul', {}, ...steps) : h('p', {}, t('back.nothing')),
  )
}

export function renderAppeals({ t }: Shell, { appeals }: Answer): void {
  fill(
    byId('appeals'),
    ...(appeals.length === 0 ? [h('p', { class: 'quiet' }, t('appeals.none'))] : []),
    ...appeals.map(({ state, statement, decideBy }) =>
      h(
        'div',
        { class: 'reason', 'data-appeal': state },
        h(
          'p',
          {},
          h(
            'span',
            { class: `badge ${state === 'open' ? 'info' : state === 'dismissed' ? 'bad' : 'ok'}` },
            icon('scales'),
            t(`appeal.${state}`),
          ),
        ),
        h('p', {}, statement),
        state === 'open'
          ? h('p', { class: 'small quiet' }, t('appeals.due', { date: date(decideBy) }))
          : null,
      ),
    ),
  )
}
