// Files that the participants of a ceremony carry to each other: read strictly, written for their owner only.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CtidError, type JsonObject, parseJsonObject, type RandomBytes } from '../base/index.ts'
import type { Group, Scalar } from '../crypto/index.ts'
import { formatPart, participantFault } from '../token/index.ts'
import { readPrivateJson, writePrivateFile } from '../token/node.ts'

export type CeremonyTools = { readonly group: Group; readonly random: RandomBytes }

/** Files to carry: to everybody, and each to one participant over a confidential channel. */
export type Carried = { readonly toAll: readonly string[]; readonly confidential: readonly string[] }

export const confirmationFile = (id: number) => `confirmation-${id}.json`

/** How the files of a deal are called. */
export type DealNames = {
  readonly deal: (id: number) => string
  readonly part: (from: number, to: number) => string
}

/** Writes a participant's deal and its part for everybody. The deal last: one whose parts are lost could not be taken back. */
export async function writeDeal(
  folder: string,
  id: number,
  { deal, parts, names }: { deal: JsonObject; parts: ReadonlyMap<number, Scalar>; names: DealNames },
): Promise<Carried> {
  const confidential: string[] = []
  for (const [to, part] of parts) {
    await writeCarried(folder, names.part(id, to), formatPart(id, to, part, deal))
    if (to !== id) confidential.push(names.part(id, to))
  }
  await writeCarried(folder, names.deal(id), deal)
  return { toAll: [names.deal(id)], confidential }
}

/** Reads what a participant brought. @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the participant */
export async function readCarried(
  folder: string,
  name: string,
  participant: number,
  options: { readonly secret?: boolean } = {},
): Promise<JsonObject> {
  if (!existsSync(join(folder, name))) throw participantFault(participant, `${name} is missing`)
  try {
    return options.secret ? await readPrivateJson(join(folder, name)) : await readPublic(folder, name)
  } catch (cause) {
    const reason = cause instanceof CtidError && cause.detail !== undefined ? cause.detail : 'is malformed'
    throw participantFault(participant, `${name}: ${reason}`, cause)
  }
}

/** @throws {CtidError} `ERR_TOKEN_CEREMONY` */
export async function readPublic(folder: string, name: string): Promise<JsonObject> {
  try {
    return parseJsonObject(await readFile(join(folder, name), 'utf8'), { maxLength: 65_536 })
  } catch (cause) {
    throw new CtidError('ERR_TOKEN_CEREMONY', { detail: `${name} cannot be read`, cause })
  }
}

export function writeCarried(folder: string, name: string, document: JsonObject): Promise<void> {
  return writePrivateFile(join(folder, name), `${JSON.stringify(document, null, 2)}\n`)
}

export function cannot(detail: string): CtidError {
  return new CtidError('ERR_TOKEN_CEREMONY', { detail })
}
