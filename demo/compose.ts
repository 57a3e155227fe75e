// Puts a page together: the frame, the page's own markup, and every word in the reader's language.
import { type Page, pages } from './pages.ts'
import { type Language, say, shellWords, type Words } from './ui/words.ts'

export type Preferences = {
  readonly language: Language
  readonly theme?: 'light' | 'dark'
  readonly caring: boolean
}

/** Reads language, theme and caring mode from the cookie, and the language else from Accept-Language. */
export function readPreferences(cookie: string | undefined, acceptLanguage: string | undefined): Preferences {
  const jar = new Map((cookie ?? '').split('; ').map((entry) => entry.split('=', 2) as [string, string]))
  const chosen = jar.get('ctid_lang')
  const theme = jar.get('ctid_theme')
  const language =
    chosen === 'zh' || chosen === 'en' ? chosen : /^\s*zh/i.test(acceptLanguage ?? '') ? 'zh' : 'en'
  return {
    language,
    caring: jar.get('ctid_caring') === '1',
    ...(theme === 'light' || theme === 'dark' ? { theme } : {}),
  }
}

/** The whole document of a page. `markup` is its `page.html`: elements marked `data-t="key"` receive their words. */
export function composePage(page: Page, markup: string, preferences: Preferences): string {
  const words: Words = { ...shellWords, ...page.words }
  const { language } = preferences
  const theme = preferences.theme ? ` data-theme="${preferences.theme}"` : ''
  const document = `<!doctype html>
<html lang="${language === 'zh' ? 'zh-CN' : 'en'}"${theme}${preferences.caring ? ' data-caring' : ''}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#1f4799">
<title>${escapeHtml(say(words, language, 'title'))}</title>
<meta name="description" content="${escapeHtml(say(words, language, 'description'))}">
<link rel="icon" href="/public/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/${page.name}.css">
<script type="module" src="/assets/${page.name}.js"></script>
</head>
<body>
<a class="skip" href="#content" data-t="shell.skip"></a>
<header class="top"><div class="top-row">
<a class="brand" href="/" data-t-aria-label="shell.brand"><i data-icon="seal"></i><span translate="no">CTID</span></a>
<nav class="nav" id="nav" data-t-aria-label="shell.nav">${pages
    .filter(({ isAside }) => !isAside)
    .map(
      (other) =>
        `<a href="${other.path}"${other === page ? ' aria-current="page"' : ''}><i data-icon="${other.icon}"></i><span data-t="nav.${other.name}"></span></a>`,
    )
    .join('')}</nav>
<div class="tools" role="group" data-t-aria-label="shell.tools">
<button class="tool" id="tool-language" type="button" data-t-aria-label="shell.languageLabel" data-t-title="shell.languageLabel"><i data-icon="globe"></i><span class="word" data-t="shell.language"></span></button>
<button class="tool" id="tool-caring" type="button" aria-pressed="${preferences.caring}" data-t-aria-label="shell.caringLabel" data-t-title="shell.caringLabel"><i data-icon="type"></i><span class="word" data-t="shell.caring"></span></button>
<button class="tool" id="tool-theme" type="button" data-t-aria-label="shell.theme" data-t-title="shell.theme"><i data-icon="theme"></i></button>
<button class="tool menu-button" id="tool-menu" type="button" aria-expanded="false" aria-controls="nav" data-t-aria-label="shell.menu"><i data-icon="menu"></i></button>
</div>
</div></header>
<main id="content" tabindex="-1">
${markup}
</main>
<footer class="foot"><div class="foot-row"><p data-t="shell.footSynthetic"></p><p data-t="shell.footNature"></p></div></footer>
</body>
</html>
`
  return fillWords(fillIcons(document), words, language)
}

function fillIcons(html: string): string {
  return html.replace(
    /<i data-icon="([\w-]+)"><\/i>/g,
    '<svg class="icon" aria-hidden="true"><use href="/public/icons.svg#$1"></use></svg>',
  )
}

function fillWords(html: string, words: Words, language: Language): string {
  return html
    .replace(
      /data-t-(aria-label|placeholder|title|data-label)="([\w.-]+)"/g,
      (whole, attribute: string, key: string) =>
        `${whole} ${attribute}="${escapeHtml(say(words, language, key))}"`,
    )
    .replace(
      /(<[^<>]*\bdata-t="([\w.-]+)"[^<>]*>)(?=<\/)/g,
      (whole, _tag, key: string) => whole + escapeHtml(say(words, language, key)),
    )
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
