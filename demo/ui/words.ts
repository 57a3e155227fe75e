// Words of the interface: each key has its English and its Chinese side by side, so that neither can be forgotten.

export type Language = 'en' | 'zh'
export type Words = { readonly [key: string]: readonly [english: string, chinese: string] }

/** The text for a key, with `{name}` replaced by `values.name`. An unknown key is a programming error. */
export function say(
  words: Words,
  language: Language,
  key: string,
  values: Readonly<Record<string, string | number>> = {},
): string {
  const pair = words[key]
  if (!pair) throw new Error(`no words for ${key}`)
  return pair[language === 'zh' ? 1 : 0].replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  )
}

/** Words of the frame around every page. */
export const shellWords: Words = {
  'shell.skip': ['Skip to the content', '跳到正文'],
  'shell.brand': ['CTID open reference, front page', 'CTID 开放参考实现，首页'],
  'shell.menu': ['Menu', '菜单'],
  'shell.nav': ['Pages', '页面'],
  'shell.tools': ['Display', '显示设置'],
  'shell.language': ['中文', 'English'],
  'shell.languageLabel': ['切换到中文', 'Switch to English'],
  'shell.caring': ['Large', '关怀'],
  'shell.caringLabel': ['Caring mode: large type and fewer details', '关怀模式：大字体，更简单'],
  'shell.theme': ['Light or dark', '浅色或深色'],
  'shell.footSynthetic': [
    'Every person here is synthetic: the numbers have valid check digits and belong to nobody.',
    '这里的每个人都是合成的：号码校验位正确，但不属于任何人。',
  ],
  'shell.footNature': [
    'An open reference implementation of the CTID pattern for study and reuse. It is not the national system and has no connection with it.',
    'CTID 模式的开放参考实现，供学习与复用。它不是国家系统，与国家系统没有关联。',
  ],
  'nav.front': ['Overview', '概览'],
  'nav.citizen': ['Citizen', '居民'],
  'nav.verifier': ['Verifier', '核验'],
  'nav.authority': ['Authority', '管理机关'],
}
