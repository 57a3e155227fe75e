// Builds DOM nodes: the only way the pages put values on screen, so that no text is ever parsed as markup.

const SVG = 'http://www.w3.org/2000/svg'

export type Child = Node | string | number | null | undefined | false
type Value = string | number | boolean | null | undefined | ((event: Event) => void)

/**
 * Creates an element. `onX` adds a listener, `true` sets an empty attribute, `false`, `null` and `undefined` set none.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, Value>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  set(element, attributes)
  append(element, children)
  return element
}

/** Creates an SVG element. */
export function svg(
  tag: string,
  attributes: Readonly<Record<string, Value>> = {},
  ...children: readonly Child[]
): SVGElement {
  const element = document.createElementNS(SVG, tag)
  set(element, attributes)
  append(element, children)
  return element
}

/** One icon of the set; decorative unless a label is given. */
export function icon(name: string, className = '', label?: string): SVGElement {
  return svg(
    'svg',
    {
      class: `icon ${className}`.trim(),
      ...(label === undefined ? { 'aria-hidden': 'true' } : { role: 'img', 'aria-label': label }),
    },
    svg('use', { href: `/public/icons.svg#${name}` }),
  )
}

/** Replaces everything inside an element. A list keeps what was chosen in it, as long as that is still there. */
export function fill(element: Element, ...children: readonly Child[]): void {
  const list = element instanceof HTMLSelectElement ? element : undefined
  const chosen = list?.value ?? ''
  element.replaceChildren()
  append(element, children)
  if (list && chosen !== '' && [...list.options].some(({ value }) => value === chosen)) list.value = chosen
}

/** The element with this id; a missing one is a programming error. */
export function byId<T extends Element = HTMLElement>(id: string): T {
  const element = document.getElementById(id)
  if (!element) throw new Error(`no element #${id}`)
  return element as unknown as T
}

function set(element: Element, attributes: Readonly<Record<string, Value>>): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2).toLowerCase(), value)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, String(value))
  }
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue
    element.append(typeof child === 'number' ? String(child) : child)
  }
}
