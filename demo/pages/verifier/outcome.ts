// A verdict on the page: its words and checks, how long it took, and what is known of the holder now.
import type { Verdict } from '#ctid/verifier'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { wordsOfCode } from '../../ui/refusal.ts'
import type { Shell } from '../../ui/shell.ts'
import { checkList, verdictBox } from '../../ui/verdict.ts'

export type Outcome = {
  readonly verdict: Verdict
  readonly milliseconds: number
  readonly network: boolean
  /** A reason outside the verdict: no lists, no network. */
  readonly reason?: string
}

/** `after` stands between the verdict and its reasons. */
export function renderOutcome(shell: Shell, outcome: Outcome | undefined, after: () => HTMLElement): void {
  const { t, language } = shell
  const detail = byId('result-detail')
  if (!outcome) {
    fill(byId('result'), h('div', { class: 'waiting' }, icon('scan'), h('p', {}, t('result.none'))))
    fill(detail)
    return
  }
  const { verdict, reason } = outcome
  const why = verdict.ok
    ? t(verdict.form === 'paper' ? 'result.acceptedPaper' : 'result.acceptedWhy')
    : reason !== undefined
      ? t(reason)
      : wordsOfCode(verdict.code ?? 'ERR_VERIFIER_INCOMPLETE', language())
  fill(byId('result'), verdictBox(verdict.ok, t(verdict.ok ? 'result.accepted' : 'result.refused'), why))
  fill(
    detail,
    h('p', { class: 'after-verdict' }, after()),
    ...(verdict.attested ? knownFacts(shell, verdict.attested) : []),
    ...(verdict.checks.length > 0
      ? [
          h('h3', { class: 'detail' }, t('result.checks')),
          h('p', { class: 'small quiet detail' }, counts(shell, outcome)),
          checkList(verdict.checks, language()),
        ]
      : []),
  )
}

function counts({ t }: Shell, { verdict, milliseconds, network }: Outcome): string {
  const count = (result: string) => verdict.checks.filter((one) => one.result === result).length
  return t('result.counts', {
    passed: count('passed'),
    failed: count('failed'),
    none: count('not-executed'),
    ms: milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds),
    network: t(network ? 'result.relayUsed' : 'result.noNetwork'),
  })
}

function knownFacts({ t, language }: Shell, attested: NonNullable<Verdict['attested']>): HTMLElement[] {
  const fact = (key: string, value: string | Node) => h('div', {}, h('dt', {}, t(key)), h('dd', {}, value))
  const { issuer, kind, assurance, expiresAt, handle, health } = attested
  return [
    h('h3', {}, t('result.known')),
    h(
      'dl',
      { class: 'facts' },
      fact('known.kind', t(`kind.${kind}`)),
      ...(health ? [fact('known.health', t(`outcome.${health.outcome}`))] : []),
      fact('known.assurance', t(`assurance.${assurance}`)),
      fact('known.issuer', issuer.name?.[language()] ?? issuer.id),
      fact('known.until', new Date(expiresAt * 1000).toLocaleDateString(document.documentElement.lang)),
      fact('known.handle', h('code', {}, handle)),
    ),
    h(
      'div',
      { class: 'detail' },
      h('h3', {}, t('result.unknown')),
      h('p', { class: 'quiet' }, t('result.unknownText')),
    ),
  ]
}
