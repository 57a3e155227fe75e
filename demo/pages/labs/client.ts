// The labs page: a list, and one view per lab, chosen by the address (#01). A run shows its progress as it happens.
import type { LabResult, Text } from '../../labs/lab.ts'
import type { LabSheet, RunLine } from '../../labs/router.ts'
import { ApiError, call } from '../../ui/api.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { isNoAnswer, reasonOf } from '../../ui/refusal.ts'
import { startShell } from '../../ui/shell.ts'
import { figureView } from './figure.ts'
import { labsWords } from './words.ts'

const { t, language, onLanguage } = startShell(labsWords)
const IN_BROWSER = new Set(['01', '03', '06', '08', '10'])
const list = byId('list')
const view = byId('lab')

type Run = {
  readonly lines: Text[]
  state: 'running' | 'done' | 'failed'
  result?: LabResult
  pictures?: readonly Text[]
}

let labs: readonly LabSheet[] = []
/** Runs by lab, kept while the page is open so that a change of language or a look elsewhere loses nothing. */
const runs = new Map<string, Run>()
const say = (text: Text): string => text[language()]

function render(focus = false): void {
  const lab = labs.find(({ id }) => `#${id}` === location.hash)
  list.hidden = lab !== undefined
  view.hidden = lab === undefined
  if (lab) showLab(lab)
  else fill(byId('labs'), ...labs.map(listItem))
  if (focus) byId('content').focus()
}

function listItem(lab: LabSheet): HTMLElement {
  return h(
    'li',
    {},
    h(
      'a',
      { class: 'card', href: `#${lab.id}` },
      h('span', { class: 'number', 'aria-hidden': 'true' }, lab.id),
      h('strong', {}, say(lab.title)),
      h('span', { class: 'quiet small' }, say(lab.question)),
      IN_BROWSER.has(lab.id) && h('span', { class: 'badge info' }, t('lab.inBrowser')),
    ),
  )
}

function showLab(lab: LabSheet): void {
  view.className = 'lab'
  fill(
    view,
    h('p', {}, h('a', { href: '#' }, t('lab.back'))),
    h('h1', {}, h('span', { class: 'lab-number' }, `${lab.id} `), say(lab.title)),
    h('p', { class: 'question' }, say(lab.question)),
    h('p', { class: 'quiet' }, h('strong', {}, `${t('lab.happened')}: `), say(lab.incident)),
    mechanism(lab),
    runner(lab),
    h('div', { id: 'results' }),
    section(
      'lab.lesson',
      h('p', {}, say(lab.lesson)),
      h('h3', {}, t('lab.limits')),
      h('p', {}, say(lab.limits)),
    ),
    section('lab.exercises', ...lab.exercises.map((_, at) => exercise(lab, at))),
    section(
      'lab.references',
      h('ul', { class: 'references' }, ...lab.references.map((one) => h('li', {}, one))),
    ),
  )
  showRun(lab)
}

function section(title: string, ...children: readonly HTMLElement[]): HTMLElement {
  return h('section', {}, h('h2', {}, t(title)), ...children)
}

function mechanism({ mechanism: picture }: LabSheet): HTMLElement {
  const chain = (side: 'naive' | 'ours') =>
    h(
      'div',
      {},
      h('p', { class: 'chain-name', id: `chain-${side}` }, t(`lab.${side}`)),
      h(
        'ol',
        { class: `chain ${side}`, 'aria-labelledby': `chain-${side}` },
        ...picture[side].map((station) => h('li', {}, h('span', { class: 'station' }, say(station)))),
      ),
    )
  return section(
    'lab.mechanism',
    h(
      'div',
      { class: 'card chains' },
      chain('naive'),
      chain('ours'),
      h(
        'p',
        { class: 'note warn' },
        icon('thief'),
        h('span', {}, h('strong', {}, `${t('lab.attack')}: `), say(picture.attack)),
      ),
    ),
  )
}

function runner(lab: LabSheet): HTMLElement {
  const seed = h('input', {
    class: 'input',
    id: 'seed',
    value: 'course',
    maxlength: 64,
    autocomplete: 'off',
    spellcheck: 'false',
  })
  const start = (where: 'here' | 'server') => () => void run(lab, seed.value, where)
  return section(
    'lab.run',
    h('div', { class: 'field' }, h('label', { for: 'seed' }, t('lab.seed')), seed),
    h(
      'div',
      { class: 'row' },
      IN_BROWSER.has(lab.id) &&
        h(
          'button',
          { class: 'button primary', type: 'button', id: 'run-here', onClick: start('here') },
          t('lab.runHere'),
        ),
      h(
        'button',
        {
          class: IN_BROWSER.has(lab.id) ? 'button' : 'button primary',
          type: 'button',
          id: 'run-server',
          onClick: start('server'),
        },
        t('lab.runServer'),
      ),
    ),
    h('p', { id: 'run-state', role: 'status' }),
    h('ol', { id: 'progress', class: 'progress', 'aria-label': t('lab.progress'), hidden: true }),
  )
}

async function run(lab: LabSheet, seed: string, where: 'here' | 'server'): Promise<void> {
  if ([...runs.values()].some(({ state }) => state === 'running')) return
  const current: Run = { lines: [], state: 'running' }
  runs.set(lab.id, current)
  showRun(lab)
  try {
    const log = (line: Text) => {
      current.lines.push(line)
      showRun(lab)
    }
    if (where === 'here') {
      const here = await import('./here.ts')
      current.result = await here.runHere(lab.id, seed, log)
      current.pictures = here.draw(current.result)
    } else {
      Object.assign(current, await runOnServer(lab.id, seed, log))
    }
    current.state = 'done'
  } catch (error) {
    current.state = 'failed'
    if (error instanceof ApiError) current.lines.push({ en: error.message, zh: reasonOf(error, 'zh') })
  }
  showRun(lab)
}

async function runOnServer(
  id: string,
  seed: string,
  log: (line: Text) => void,
): Promise<Pick<Run, 'result' | 'pictures'>> {
  const response = await fetch(`/labs/api/${id}/run`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ seed }),
  })
  if (!response.ok || !response.body) {
    const problem = (await response.json().catch(() => ({}))) as { title?: string }
    throw new ApiError(`HTTP_${response.status}`, problem.title ?? response.statusText)
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { value, done } = await reader.read()
    rest += value ?? ''
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const said = JSON.parse(line) as RunLine
      if ('log' in said) log(said.log)
      else if ('result' in said) return { result: said.result, pictures: said.pictures }
      else throw new ApiError('ERR_LAB', t('lab.failed'))
    }
    if (done) throw new ApiError('ERR_NETWORK', t('lab.failed'))
  }
}

function showRun(lab: LabSheet): void {
  if (location.hash !== `#${lab.id}`) return
  const current = runs.get(lab.id)
  const isRunning = current?.state === 'running'
  for (const button of view.querySelectorAll<HTMLButtonElement>('#run-here, #run-server')) {
    button.setAttribute('aria-disabled', String(isRunning))
  }
  if (!current) return
  const words = { running: 'lab.running', done: 'lab.done', failed: 'lab.failed' } as const
  byId('run-state').textContent = t(words[current.state])
  const progress = byId('progress')
  progress.hidden = current.lines.length === 0
  fill(progress, ...current.lines.map((line) => h('li', {}, say(line))))
  progress.scrollTop = progress.scrollHeight
  const { result, pictures = [] } = current
  if (!result) return
  fill(
    byId('results'),
    section(
      'lab.results',
      h('div', { class: 'outcomes' }, outcome('naive', result), outcome('ours', result)),
      ...result.figures.map((figure, at) => figureView(figure, pictures[at], language(), t('lab.table'))),
      ...(result.stillWorks.length === 0
        ? []
        : [
            h('h3', {}, t('lab.still')),
            h('ul', {}, ...result.stillWorks.map((line) => h('li', {}, say(line)))),
          ]),
    ),
  )
}

function outcome(side: 'naive' | 'ours', result: LabResult): HTMLElement {
  const { successes, trials, seconds, note } = result[side]
  return h(
    'div',
    { class: 'card outcome', 'data-side': side, 'data-successes': successes, 'data-trials': trials },
    h('h3', {}, t(`lab.${side}`)),
    h('span', { class: 'score' }, t('lab.score', { successes, trials })),
    h('meter', { min: 0, max: trials, value: successes, 'aria-label': t('lab.succeeded') }),
    h('p', { class: 'quiet small' }, `${t('lab.succeeded')}: ${say(note)} (${seconds.toFixed(2)} s)`),
  )
}

const reasonFor = (error: unknown): string => (isNoAnswer(error) ? t('network') : reasonOf(error, language()))

function exercise(lab: LabSheet, at: number): HTMLElement {
  const asked = lab.exercises[at]
  const id = `answer-${at}`
  const verdict = h('p', { role: 'status', class: 'small', id: `${id}-verdict` })
  const input = h('input', { class: 'input', id, autocomplete: 'off', 'aria-describedby': `${id}-verdict` })
  const submit = async (event: Event) => {
    event.preventDefault()
    try {
      const { right } = await call<{ right: boolean }>(`/labs/api/${lab.id}/answer`, {
        exercise: at,
        answer: input.value,
      })
      verdict.textContent = right ? t('lab.right') : t('lab.wrong', { hint: asked ? say(asked.hint) : '' })
      verdict.dataset['right'] = String(right)
    } catch (error) {
      verdict.textContent = reasonFor(error)
    }
  }
  return h(
    'form',
    { class: 'card exercise', onSubmit: (event) => void submit(event) },
    h('label', { for: id }, asked ? say(asked.question) : ''),
    h('div', { class: 'row' }, input, h('button', { class: 'button', type: 'submit' }, t('lab.check'))),
    verdict,
  )
}

onLanguage(render)
addEventListener('hashchange', () => {
  render(true)
  scrollTo(0, 0)
})
try {
  labs = await call<readonly LabSheet[]>('/labs/api/')
} catch (error) {
  fill(byId('labs'), h('li', { class: 'note bad' }, reasonFor(error)))
}
if (labs.length > 0) render()
document.documentElement.dataset['ready'] = 'true'
