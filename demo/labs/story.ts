// A lab's run as a short story for the terminal: question, what happened, numbers, chart, why, limits, exercise, sources.
import { type Figure, type Lab, type LabResult, type Language, type Mechanism, percent } from './lab.ts'
import { toTerminal } from './plot.ts'

const WORDS = {
  naive: { en: 'naive', zh: '朴素设计' },
  ours: { en: 'ours', zh: '本设计' },
  attack: { en: 'attack', zh: '攻击' },
  of: { en: 'attack succeeded', zh: '攻击成功' },
  why: { en: 'Why', zh: '为什么' },
  still: { en: 'Still works', zh: '仍然有效' },
  limits: { en: 'Limits', zh: '局限' },
  exercise: { en: 'Try it', zh: '动手' },
  answer: { en: 'answer with', zh: '作答' },
  sources: { en: 'Sources', zh: '出处' },
} as const

/** The lines of a run. */
export function tellStory(lab: Lab, result: LabResult, language: Language): string[] {
  const say = (word: keyof typeof WORDS): string => WORDS[word][language]
  const outcome = (side: 'naive' | 'ours'): string => {
    const { successes, trials, seconds, note } = result[side]
    const share = `${successes}/${trials} (${percent(successes, trials)} %)`
    return `  ${say(side)}: ${say('of')} ${share}, ${seconds.toFixed(2)} s. ${note[language]}`
  }
  const [first] = result.figures
  return [
    `${lab.id} ${lab.title[language]}`,
    lab.question[language],
    lab.incident[language],
    '',
    ...drawMechanism(lab.mechanism, language),
    '',
    outcome('naive'),
    outcome('ours'),
    '',
    ...(first ? toTerminal(first, language) : []),
    '',
    `${say('why')}: ${lab.lesson[language]}`,
    ...result.stillWorks.map((line) => `${say('still')}: ${line[language]}`),
    `${say('limits')}: ${lab.limits[language]}`,
    ...lab.exercises.map(
      ({ question }, at) =>
        `${say('exercise')} ${at + 1}: ${question[language]}  [${say('answer')}: ctid lab ${lab.id} --answer ${at + 1} …]`,
    ),
    `${say('sources')}: ${lab.references.join('; ')}`,
  ]
}

/** Further figures than the first, for those who want all. */
export function tellFigures(figures: readonly Figure[], language: Language): string[] {
  return figures.flatMap((figure) => ['', ...toTerminal(figure, language)])
}

function drawMechanism(mechanism: Mechanism, language: Language): string[] {
  const chain = (side: 'naive' | 'ours') =>
    `  ${WORDS[side][language]}: ${mechanism[side].map((station) => `[${station[language]}]`).join(' → ')}`
  return [chain('naive'), chain('ours'), `  ⚡ ${WORDS.attack[language]}: ${mechanism.attack[language]}`]
}
