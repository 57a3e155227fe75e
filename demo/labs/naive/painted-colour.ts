// Wrong on purpose: colours in a table with a button that sets them, as the systems of Henan 2022 had it.
import type { Colour } from '#ctid/health'

export type ColourTable = {
  /** Anybody with a login. No reason is asked for, nothing is written down. */
  setColour(person: string, colour: Colour): void
  colourOf(person: string): Colour
  /** What an auditor can read: there is nothing. */
  readonly trail: readonly string[]
}

export function colourTable(): ColourTable {
  const colours = new Map<string, Colour>()
  return {
    setColour: (person, colour) => void colours.set(person, colour),
    colourOf: (person) => colours.get(person) ?? 'green',
    trail: [],
  }
}
