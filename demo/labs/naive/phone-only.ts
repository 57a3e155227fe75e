// Wrong on purpose: registration and gates for the people the designers had in mind, made of things found in deployed systems.
import type { TypedDocument } from '#ctid/identity'

/** The key of a person: the number as it was typed. `undefined`: "please check your input". */
export function rawKey(document: TypedDocument): string | undefined {
  if (document.documentType !== 'resident-id') return undefined
  // Two to four characters of the common block, or a Latin name; no dots, no rare characters.
  if (!/^([\u4e00-\u9fff]{2,4}|[A-Za-z ]+)$/.test(document.name)) return undefined
  if (!/^\d{17}[\dX]$/.test(document.documentNumber)) return undefined
  return document.documentNumber
}

/** A gate that knows one kind of proof. */
export function phoneOnlyGate(channel: 'phone' | 'paper'): boolean {
  return channel === 'phone'
}
