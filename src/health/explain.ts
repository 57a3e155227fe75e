// A status in plain words, in English and Chinese: why, until when, the way back, what is missing, what it means.
import { isoTime } from '../base/index.ts'
import type { Status } from './derive.ts'
import type { Colour } from './program.ts'
import type { Remedy } from './rule-set.ts'

export type Language = 'en' | 'zh'

/** Word and shape of a colour: never the colour alone (WCAG 1.4.1). */
export const COLOUR_SIGN: Readonly<
  Record<Colour, { readonly en: string; readonly zh: string; readonly shape: string }>
> = {
  green: { en: 'green: no restriction', zh: '绿码：无限制', shape: '●' },
  yellow: { en: 'yellow: restricted', zh: '黄码：部分限制', shape: '▲' },
  red: { en: 'red: stay at your place', zh: '红码：请勿流动', shape: '■' },
  undetermined: {
    en: 'undetermined: neither restricted nor cleared',
    zh: '未判定：既不限制，也不放行',
    shape: '?',
  },
}

const REMEDY: Readonly<Record<Remedy, { readonly en: string; readonly zh: string }>> = {
  'negative-test': { en: 'a negative test', zh: '一次阴性检测' },
  'two-negative-tests': {
    en: 'two negative tests at least 24 hours apart',
    zh: '间隔至少24小时的两次阴性检测',
  },
  'review-test': { en: 'a negative review by nucleic acid test', zh: '核酸复核阴性' },
  'clinical-exclusion': { en: 'exclusion by a clinic', zh: '医疗机构排除' },
  discharge: { en: 'discharge', zh: '出院' },
  declaration: { en: 'a health declaration', zh: '健康申报' },
  'revocation-by-source': { en: 'withdrawal by the region that raised it', zh: '推送地区撤销' },
  time: { en: 'the end of the period', zh: '期满' },
}

/** Lines for the citizen. Deterministic; times in UTC. */
export function explain(status: Status, language: Language): readonly string[] {
  const say = (en: string, zh: string): string => (language === 'en' ? en : zh)
  const sign = COLOUR_SIGN[status.colour]
  const lines = [
    `${sign.shape} ${sign[language]}`,
    say(`Holds until ${isoTime(status.until)} at most.`, `最迟至${isoTime(status.until)}。`),
  ]
  for (const reason of status.reasons) {
    const from = reason.evidence.map((one) => `${one.class} (${one.source})`).join(', ')
    lines.push(`${reason.rule}: ${reason.text[language]}`)
    lines.push(
      say(
        `  Rests on ${from}, since ${isoTime(reason.from)}, until ${isoTime(reason.until)} at most.`,
        `  依据：${from}；自${isoTime(reason.from)}，最迟至${isoTime(reason.until)}。`,
      ),
    )
    lines.push(say(`  Legal basis: ${reason.basis}`, `  规则来源：${reason.basis}`))
    if (reason.release)
      lines.push(
        `  ${reason.release.text[language]} ${say(`Earliest ${isoTime(reason.release.at)}.`, `最早${isoTime(reason.release.at)}。`)}`,
      )
  }
  for (const gap of status.gaps) lines.push(`${gap.rule}: ${gap.text[language]}`)
  lines.push(...explainWayBack(status, language))
  if (status.colour === 'red' || status.colour === 'yellow')
    lines.push(
      say(
        'You can contest each piece of evidence; without an answer in time it stops counting.',
        '您可以对每一项依据提出申诉；逾期未答复的，该依据停止适用。',
      ),
    )
  return lines
}

function explainWayBack({ colour, wayBack }: Status, language: Language): readonly string[] {
  if (colour === 'green') return []
  const needs = wayBack.needs.map((need) => REMEDY[need][language]).join(language === 'en' ? ', ' : '、')
  if (wayBack.greenAt === null)
    return [
      language === 'en'
        ? `Way back to green: ${needs}; the day depends on others.`
        : `转绿条件：${needs}；日期取决于他方。`,
    ]
  const at = isoTime(wayBack.greenAt)
  return [
    language === 'en'
      ? `Way back to green: ${needs}; then green from ${at}.`
      : `转绿条件：${needs}；最早${at}转绿。`,
  ]
}
