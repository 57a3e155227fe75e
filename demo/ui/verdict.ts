// Shows a verdict: the word and the shape first, then every check. Used wherever a code is verified.
import { CHECK_WORDS, type CodeCheck, RESULT_WORDS, reasonWords, type Verdict } from '#ctid/verifier'
import { h, icon } from './dom.ts'
import type { Language } from './words.ts'

export const RESULT_ICON = {
  passed: ['check', 'ok'],
  failed: ['cross', 'bad'],
  'not-executed': ['dash', 'none'],
} as const

/** The big word with its shape: a circle with a tick, or an octagon with a cross. */
export function verdictBox(ok: boolean, word: string, why: string): HTMLElement {
  return h(
    'div',
    { class: `verdict ${ok ? 'ok' : 'bad'}`, 'data-ok': String(ok) },
    icon(ok ? 'check' : 'cross'),
    h('p', {}, h('strong', { class: 'word' }, word), h('span', { class: 'why' }, why)),
  )
}

/** Every check with its result in words; failed ones say why. */
export function checkList(checks: Verdict['checks'], language: Language): HTMLElement {
  return h(
    'ul',
    { class: 'checks' },
    ...checks.map(({ name, result, code }) => {
      const [symbol, tone] = RESULT_ICON[result]
      return h(
        'li',
        // In caring mode only what failed is listed.
        { 'data-check': name, 'data-result': result, class: result === 'failed' ? '' : 'detail' },
        icon(symbol, tone),
        h('span', {}, CHECK_WORDS[name as CodeCheck][language]),
        h('span', { class: 'small' }, RESULT_WORDS[result][language]),
        code === undefined ? null : h('span', { class: 'why' }, reasonWords(code, language)),
      )
    }),
  )
}
