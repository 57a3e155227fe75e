// Front page: choosing a party in the picture shows what it learns and what it cannot.
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { startShell } from '../../ui/shell.ts'
import { frontWords } from './words.ts'

const { t, onLanguage } = startShell(frontWords)
const panel = byId('seen')
const parties = [...document.querySelectorAll<HTMLButtonElement>('[data-party]')]
let chosen = 'evaluators'

const narrow = matchMedia('(max-width: 51.99rem)')
const home = panel.parentElement

// On a narrow screen the answer stands right under the party that was tapped.
function place(): void {
  const station = parties.find((button) => button.dataset['party'] === chosen)?.parentElement
  if (narrow.matches && station) station.append(panel)
  else home?.append(panel)
}

function render(): void {
  place()
  for (const button of parties)
    button.setAttribute('aria-pressed', String(button.dataset['party'] === chosen))
  fill(
    panel,
    h('h3', {}, t(`${chosen}.name`)),
    h(
      'div',
      { class: 'seen-pair' },
      seen('eye', 'picture.sees', `${chosen}.sees`),
      seen('eye-off', 'picture.not', `${chosen}.not`),
    ),
  )
}

function seen(symbol: string, title: string, text: string): HTMLElement {
  return h('p', {}, icon(symbol), h('span', {}, h('strong', {}, t(title)), h('br'), t(text)))
}

for (const button of parties) {
  const choose = () => {
    const party = button.dataset['party']
    if (party === undefined || party === chosen) return
    chosen = party
    render()
  }
  button.addEventListener('click', choose)
  button.addEventListener('focus', choose)
  button.addEventListener('mouseenter', choose)
}
onLanguage(render)
narrow.addEventListener('change', place)
render()
document.documentElement.dataset['ready'] = 'true'
