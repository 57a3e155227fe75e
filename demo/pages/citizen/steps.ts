// The steps of an enrolment with their real data, and the check of the evaluators' proofs in this browser.
import { fromHex } from '#ctid/base'
import { nobleGroup, verifyDleq } from '#ctid/crypto'
import type { EnrolAnswer } from '../../parties/registrar.ts'
import { h, icon } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'

/** How far an enrolment has come: asked, answered by the registrar, copies fetched. */
export type Enrolment = {
  readonly answer?: EnrolAnswer
  /** Whether each evaluator's proof verifies under its published key, found out here. */
  readonly proved?: readonly boolean[]
  readonly fetched?: { readonly keys: number; readonly copies: number; readonly until: number }
}
/** Steps of the registrar; the rest are of this device and the issuer. */
const AT_THE_REGISTRAR = 4

/** Checks every proof again, with the public keys that came along and this browser's own arithmetic. */
export function checkProofs({ transcript }: EnrolAnswer): boolean[] {
  return transcript.answers.map(({ publicKey, evaluated, proof }) => {
    try {
      return verifyDleq(nobleGroup, fromHex(proof), {
        publicKey: nobleGroup.parsePoint(fromHex(publicKey)),
        inputs: [nobleGroup.parsePoint(fromHex(transcript.blinded))],
        outputs: [nobleGroup.parsePoint(fromHex(evaluated))],
      })
    } catch {
      return false
    }
  })
}

/** The list of steps; before the enrolment they stand there waiting, then the one at work is marked. */
export function stepItems(
  t: Shell['t'],
  enrolment: Enrolment | undefined,
  date: (at: number) => string,
): HTMLElement[] {
  const { answer, proved, fetched } = enrolment ?? {}
  const transcript = answer?.transcript
  const stateOf = (number: number): 'next' | 'now' | 'done' => {
    const isRegistrars = number <= AT_THE_REGISTRAR
    if (isRegistrars ? answer : fetched) return 'done'
    return enrolment && (isRegistrars || answer) ? 'now' : 'next'
  }
  const item = (number: number, title: string, ...content: (Node | null)[]) => {
    const state = stateOf(number)
    return h(
      'li',
      { 'data-state': state },
      h('span', { class: 'step-mark', 'aria-hidden': 'true' }, state === 'done' ? icon('check') : number),
      h('h3', {}, title),
      state === 'now' ? h('p', { class: 'small' }, t('steps.now')) : null,
      ...content,
    )
  }
  const text = (key: string, values?: Record<string, string | number>) =>
    h('p', { class: 'small quiet' }, t(key, values))
  const bytes = (rows: readonly (readonly [string, string])[]) =>
    h(
      'div',
      { class: 'bytes detail' },
      ...rows.map(([name, value]) =>
        h('div', { class: 'bytes-row' }, h('span', {}, name), h('span', {}, value)),
      ),
    )
  const kept = transcript
    ? bytes([[t('steps.canonical'), t('steps.canonicalText', { n: transcript.canonicalBytes })]])
    : null
  const sent = transcript ? bytes([[t('steps.leaves'), transcript.blinded]]) : null
  const answers = (transcript?.answers ?? []).map(({ evaluator, evaluated, proof }, at) => {
    const isProved = proved?.[at] === true
    return h(
      'div',
      { class: 'answer' },
      h(
        'div',
        { class: 'row spread' },
        h('strong', { class: 'small' }, t('steps.evaluator', { n: evaluator })),
        h(
          'span',
          { class: `badge ${isProved ? 'ok' : 'bad'}`, 'data-proved': String(isProved) },
          icon(isProved ? 'check' : 'cross'),
          t(isProved ? 'steps.proved' : 'steps.notProved'),
        ),
      ),
      bytes([
        [t('steps.answer'), evaluated],
        [t('steps.proof'), proof],
      ]),
    )
  })
  return [
    item(1, t('steps.document'), text('steps.document.text'), kept),
    item(2, t('steps.blind'), text('steps.blind.text'), sent),
    item(3, t('steps.evaluate'), text('steps.evaluate.text'), ...answers),
    item(4, t('steps.register'), text(answer?.status === 'existing' ? 'steps.existing' : 'steps.created')),
    item(5, t('steps.keys'), fetched ? text('steps.keysText', { n: fetched.keys }) : null),
    item(
      6,
      t('steps.copies', { n: fetched?.copies ?? '…' }),
      fetched ? text('steps.copiesText', { date: date(fetched.until) }) : null,
    ),
  ]
}
