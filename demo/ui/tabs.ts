// Tabs by the WAI-ARIA pattern: arrow keys move, one tab is in the tab order, each controls its panel.

/** Wires a tab list that is already in the page; `onChange` hears the id of the chosen tab. */
export function wireTabs(list: HTMLElement, onChange: (id: string) => void = () => {}): (id: string) => void {
  const tabs = [...list.querySelectorAll<HTMLButtonElement>('[role="tab"]')]
  const choose = (id: string) => {
    for (const tab of tabs) {
      const isChosen = tab.id === id
      tab.setAttribute('aria-selected', String(isChosen))
      tab.tabIndex = isChosen ? 0 : -1
      const panel = document.getElementById(tab.getAttribute('aria-controls') ?? '')
      if (panel) panel.hidden = !isChosen
    }
    onChange(id)
  }
  for (const tab of tabs) tab.addEventListener('click', () => choose(tab.id))
  list.addEventListener('keydown', (event) => {
    const at = tabs.indexOf(document.activeElement as HTMLButtonElement)
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const next = step === undefined ? undefined : tabs[(at + step + tabs.length) % tabs.length]
    if (at < 0 || !next) return
    event.preventDefault()
    next.focus()
    choose(next.id)
  })
  return choose
}
