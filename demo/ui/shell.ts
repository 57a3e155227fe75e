// The frame of every page in the browser: language, theme, caring mode, menu, and the words on screen.
import { onWrongClock } from './clock.ts'
import { fill, h, icon } from './dom.ts'
import { type Language, say, shellWords, type Words } from './words.ts'

const root = document.documentElement
const YEAR = 31_536_000

/** What a page module works with: its words in the current language. */
export type Shell = {
  readonly language: () => Language
  /** The words for a key in the current language. */
  readonly t: (key: string, values?: Readonly<Record<string, string | number>>) => string
  /** Called after the language changed, once the static text has been replaced. */
  readonly onLanguage: (listener: () => void) => void
}

function cookie(name: string): string | undefined {
  return document.cookie
    .split('; ')
    .find((entry) => entry.startsWith(`${name}=`))
    ?.slice(name.length + 1)
}

function remember(name: string, value: string): void {
  // biome-ignore lint/suspicious/noDocumentCookie: the server reads it to render the right language at once
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=lax`
}

function currentLanguage(): Language {
  return root.lang.startsWith('zh') ? 'zh' : 'en'
}

/** Puts the words of the current language into every element marked with `data-t` or `data-t-<attribute>`. */
export function translate(words: Words, within: ParentNode = document): void {
  const language = currentLanguage()
  for (const element of within.querySelectorAll('[data-t]')) {
    element.textContent = say(words, language, element.getAttribute('data-t') ?? '')
  }
  for (const name of ['aria-label', 'placeholder', 'title', 'data-label']) {
    for (const element of within.querySelectorAll(`[data-t-${name}]`)) {
      element.setAttribute(name, say(words, language, element.getAttribute(`data-t-${name}`) ?? ''))
    }
  }
}

/** Starts the shell of a page; call once, first thing in its module. */
export function startShell(pageWords: Words): Shell {
  const words: Words = { ...shellWords, ...pageWords }
  const listeners: (() => void)[] = []

  const applyLanguage = (language: Language) => {
    root.lang = language === 'zh' ? 'zh-CN' : 'en'
    translate(words)
    document.title = say(words, language, 'title')
    for (const listener of listeners) listener()
  }

  // A page from the offline cache may have been stored in another language or theme.
  const wanted = cookie('ctid_lang')
  if ((wanted === 'zh' || wanted === 'en') && wanted !== currentLanguage()) applyLanguage(wanted)
  const theme = cookie('ctid_theme')
  if (theme === 'light' || theme === 'dark') root.dataset['theme'] = theme
  root.toggleAttribute('data-caring', cookie('ctid_caring') === '1')

  const caring = document.querySelector<HTMLButtonElement>('#tool-caring')
  const showCaring = () => caring?.setAttribute('aria-pressed', String(root.hasAttribute('data-caring')))
  showCaring()
  caring?.addEventListener('click', () => {
    const on = root.toggleAttribute('data-caring')
    remember('ctid_caring', on ? '1' : '0')
    showCaring()
  })

  document.querySelector('#tool-language')?.addEventListener('click', () => {
    const next = currentLanguage() === 'zh' ? 'en' : 'zh'
    remember('ctid_lang', next)
    applyLanguage(next)
  })

  document.querySelector('#tool-theme')?.addEventListener('click', () => {
    const dark =
      root.dataset['theme'] === 'dark' ||
      (root.dataset['theme'] === undefined && matchMedia('(prefers-color-scheme: dark)').matches)
    root.dataset['theme'] = dark ? 'light' : 'dark'
    remember('ctid_theme', root.dataset['theme'])
  })

  const menu = document.querySelector<HTMLButtonElement>('#tool-menu')
  const nav = document.querySelector<HTMLElement>('#nav')
  menu?.addEventListener('click', () => {
    const open = nav?.toggleAttribute('data-open') ?? false
    menu.setAttribute('aria-expanded', String(open))
  })

  listeners.push(showWrongClock((key, values) => say(words, currentLanguage(), key, values)))
  showFaults((key) => say(words, currentLanguage(), key))
  // Without a worker (private windows of some browsers) everything works but a reload without a network.
  if ('serviceWorker' in navigator) void navigator.serviceWorker.register('/sw.js').catch(() => undefined)

  return {
    language: currentLanguage,
    t: (key, values) => say(words, currentLanguage(), key, values),
    onLanguage: (listener) => {
      listeners.push(listener)
    },
  }
}

// Returns what says it again in another language.
function showWrongClock(t: Shell['t']): () => void {
  const box = h('div', { role: 'status', id: 'clock' })
  document.querySelector('main')?.prepend(box)
  let ahead = 0
  const show = () => {
    const by = Math.abs(ahead)
    const [value, unit] =
      by < 120
        ? [by, 'second']
        : by < 7200
          ? [by / 60, 'minute']
          : by < 172_800
            ? [by / 3600, 'hour']
            : [by / 86_400, 'day']
    const format = new Intl.NumberFormat(root.lang, {
      style: 'unit',
      unit,
      unitDisplay: 'long',
      maximumFractionDigits: 0,
    })
    const words = t(ahead > 0 ? 'shell.clockFast' : 'shell.clockSlow', { time: format.format(value) })
    fill(box, ahead === 0 ? null : h('p', { class: 'note warn' }, icon('clock'), h('span', {}, words)))
  }
  onWrongClock((seconds) => {
    ahead = seconds
    show()
  })
  return show
}

// What no part of a page caught is a defect of the page, or a browser that keeps nothing. It is said, once, and the page
// never just hangs.
function showFaults(t: (key: string) => string): void {
  const box = h('div', { role: 'alert', id: 'fault' })
  document.querySelector('main')?.prepend(box)
  const show = () => {
    const reload = h(
      'button',
      { type: 'button', class: 'button slim', onclick: () => location.reload() },
      t('shell.reload'),
    )
    fill(
      box,
      h('div', { class: 'note bad' }, icon('alert'), h('div', {}, h('p', {}, t('shell.fault')), reload)),
    )
    root.dataset['ready'] = 'fault'
  }
  addEventListener('error', show)
  addEventListener('unhandledrejection', show)
}
