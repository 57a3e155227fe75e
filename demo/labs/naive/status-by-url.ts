// Wrong on purpose: a status address for each credential, and the colour in a public list under a lasting index.
import { createStatusList, getStatus, type StatusList, setStatus } from '#ctid/status'

export type LookUp = { readonly at: number; readonly gate: string; readonly path: string }

/** An issuer that answers "is credential 17 valid?" and, as servers do, writes a line for each question. */
export function statusService(): {
  ask(credential: number, gate: string, at: number): 'valid'
  readonly log: LookUp[]
} {
  const log: LookUp[] = []
  return {
    log,
    ask: (credential, gate, at) => {
      log.push({ at, gate, path: `/status/${credential}` })
      return 'valid'
    },
  }
}

const COLOURS = ['green', 'yellow', 'red', 'undetermined'] as const
export type ListedColour = (typeof COLOURS)[number]

/** A list of colours, two bits each: whoever knows an index reads along. */
export function colourList(colours: readonly ListedColour[]): StatusList {
  const list = createStatusList(colours.length, 2)
  for (const [index, colour] of colours.entries()) setStatus(list, index, COLOURS.indexOf(colour))
  return list
}

export function listedColour(list: StatusList, index: number): ListedColour {
  return COLOURS[getStatus(list, index)] ?? 'undetermined'
}

/** Hands out places in turn, so that an index is a serial number. */
export function placesInTurn(): {
  allocate(count: number): { readonly list: number; readonly index: number }[]
} {
  let next = 0
  return { allocate: (count) => Array.from({ length: count }, () => ({ list: 0, index: next++ })) }
}
