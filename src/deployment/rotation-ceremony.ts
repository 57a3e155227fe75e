// Rotation of the evaluators' key between organisations, by files: each multiplies its share with its share of ρ and deals the
// product anew; all confirm the same next key; what was is destroyed when the registrar has moved every entry.
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { equalBytes, type JsonObject } from '../base/index.ts'
import type { Group, Share } from '../crypto/index.ts'
import {
  checkConfirmation,
  dealProduct,
  type EvaluatorKeySet,
  evaluateAt,
  formatConfirmation,
  formatKeySet,
  formatProduct,
  keySetHash,
  type ProductDeal,
  parseKeySet,
  parsePart,
  parseProduct,
  participantFault,
  type RotationKeys,
  rotatedKeySet,
  rotatedShare,
} from '../token/index.ts'
import { readShareFile, writeShareFile } from '../token/node.ts'
import {
  type Carried,
  type CeremonyTools,
  cannot,
  confirmationFile,
  readCarried,
  readPublic,
  writeCarried,
  writeDeal,
} from './carried.ts'
import type { Finished } from './ceremony.ts'
import { shareFile } from './keyring.ts'

/** An evaluator's two folders: that of its share in use, and that of its share of ρ, from a ceremony of its own. */
export type RotationFolders = { readonly folder: string; readonly by: string; readonly id: number }

const NEXT = 'next'
const DONE = 'rotated.json'
const DONE_FORMAT = 'ctid/rotated/v1'
const productFile = (id: number) => `product-${id}.json`
const partFile = (from: number, to: number) => `product-${from}-to-${to}.json`

/**
 * First step, by 2t − 1 evaluators: deals the product of its two shares.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` when it has dealt already or ρ is of another ceremony, `ERR_TOKEN_SHARE_FILE`
 */
export async function dealProductIn(folders: RotationFolders, tools: CeremonyTools): Promise<Carried> {
  const { folder, id } = folders
  const { keys, current, rotation } = await readOwn(folders, tools)
  if (existsSync(join(folder, productFile(id)))) throw cannot(`there is ${productFile(id)} already`)
  const deal = dealProduct(keys, { current: current.share, rotation }, tools)
  const names = { deal: productFile, part: partFile }
  return writeDeal(folder, id, { deal: formatProduct(deal, keys), parts: deal.parts, names })
}

/**
 * Second step, by all, with the same 2t − 1 products and the parts for this evaluator in the folder: says that they fit.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the participant
 */
export async function confirmRotationIn(
  folders: RotationFolders,
  tools: CeremonyTools,
): Promise<Carried & { readonly hash: string }> {
  const { folder, id } = folders
  const { next } = await readNext(folders, tools)
  await writeCarried(folder, confirmationFile(id), formatConfirmation(id, next))
  return { toAll: [confirmationFile(id)], confidential: [], hash: keySetHash(next) }
}

/**
 * Third step, when everybody has confirmed: the share of K′ is made, beside the one in use. The parts are removed. From now on
 * the registrar can move its entries, with the evaluators serving their shares of ρ.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the participant
 */
export async function finishRotationIn(folders: RotationFolders, tools: CeremonyTools): Promise<Finished> {
  const { folder, id } = folders
  const directory = join(folder, NEXT)
  // Written last: a process that ended right after it has left the parts.
  if (!existsSync(join(directory, 'evaluators.json'))) {
    const { next, share } = await readNext(folders, tools)
    for (const other of next.shares) {
      checkConfirmation(await readCarried(folder, confirmationFile(other.id), other.id), other.id, next)
    }
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeShareFile(shareFile(directory, id), { share, keySet: next, callers: [] })
    await writeCarried(directory, 'evaluators.json', formatKeySet(next))
  }
  const { keySet } = await readShareFile(shareFile(directory, id), tools.group)
  const { keys } = await readOwn(folders, tools)
  // What an abandoned rotation left behind is not this one's.
  if (keySetHash(keySet) !== keySetHash(await nextOf(folder, keys, tools.group))) {
    throw cannot('next is of another rotation; delete it if that was given up')
  }
  for (const { id: other } of keySet.shares) {
    for (const name of [partFile(other, id), partFile(id, other), confirmationFile(other)]) {
      await rm(join(folder, name), { force: true })
    }
  }
  return { id, keySet, hash: keySetHash(keySet) }
}

/**
 * Last step, with the registrar's `rotated.json` in the folder: the share of K′ takes the place of that of K, which is
 * destroyed, and so is that of ρ: it links former tokens to present ones.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` when the registrar has not finished, or finished with another key
 */
export async function adoptRotationIn(folders: RotationFolders, { group }: CeremonyTools): Promise<Finished> {
  const { folder, by, id } = folders
  const { keySet: held, callers } = await readShareFile(shareFile(folder, id), group)
  const done = await readPublic(folder, DONE)
  const isHeld = isDone(done, held)
  if (!isHeld) {
    const next = shareFile(join(folder, NEXT), id)
    if (!existsSync(next)) throw cannot('rotate comes first')
    const { share, keySet } = await readShareFile(next, group)
    if (!isDone(done, keySet)) throw cannot(`${DONE} is of another rotation`)
    await writeShareFile(shareFile(folder, id), { share, keySet, callers })
  }
  const { keySet } = await readShareFile(shareFile(folder, id), group)
  await writeCarried(folder, 'evaluators.json', formatKeySet(keySet))
  await rm(shareFile(by, id), { force: true })
  await rm(join(folder, NEXT), { recursive: true, force: true })
  for (const other of keySet.shares) await rm(join(folder, productFile(other.id)), { force: true })
  await rm(join(folder, DONE))
  return { id, keySet, hash: keySetHash(keySet) }
}

/**
 * Registrar, whose folder has ρ's evaluators.json and the 2t − 1 products: the key set of K′, computed and not believed.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the participant
 */
export async function readRotatedKeySet(
  by: string,
  current: EvaluatorKeySet,
  group: Group,
): Promise<RotationKeys & { readonly next: EvaluatorKeySet }> {
  const keys = { current, rotation: parseKeySet(await readPublic(by, 'evaluators.json'), group) }
  requireFits(keys)
  return { ...keys, next: await nextOf(by, keys, group) }
}

// From public products alone.
async function nextOf(folder: string, keys: RotationKeys, group: Group): Promise<EvaluatorKeySet> {
  const products = await readProducts(folder, keys, group)
  return rotatedKeySet(
    keys,
    products.map(({ deal }) => ({ ...deal, parts: new Map() })),
    group,
  )
}

/** Registrar: says to the evaluators that no entry needs the former key. Returns the file to carry. */
export async function writeRotated(by: string, next: EvaluatorKeySet): Promise<string> {
  await writeCarried(by, DONE, { format: DONE_FORMAT, next: keySetHash(next) })
  return DONE
}

/** Whether the registrar said so of this key set before. */
export async function wasRotated(by: string, keySet: EvaluatorKeySet): Promise<boolean> {
  return existsSync(join(by, DONE)) && isDone(await readPublic(by, DONE), keySet)
}

const isDone = (document: JsonObject, keySet: EvaluatorKeySet): boolean =>
  document['format'] === DONE_FORMAT && document['next'] === keySetHash(keySet)

async function readOwn({ folder, by, id }: RotationFolders, { group }: CeremonyTools) {
  const current = await readShareFile(shareFile(folder, id), group)
  const { share: rotation, keySet } = await readShareFile(shareFile(by, id), group)
  const keys = { current: current.keySet, rotation: keySet }
  requireFits(keys)
  return { keys, current, rotation }
}

function requireFits({ current, rotation }: RotationKeys): void {
  const idsOf = ({ shares }: EvaluatorKeySet) => shares.map(({ id }) => id).join()
  if (current.shares.length < dealersOf(current)) throw cannot('a rotation needs 2t − 1 evaluators')
  const { version, threshold } = rotation
  const fits = version === current.version + 1 && threshold === current.threshold
  if (!fits || idsOf(current) !== idsOf(rotation)) {
    throw cannot('the ceremony of ρ must be for the next version, with the same threshold and evaluators')
  }
}

const dealersOf = ({ threshold }: EvaluatorKeySet): number => 2 * threshold - 1

async function readProducts(folder: string, keys: RotationKeys, group: Group) {
  const found: { readonly document: JsonObject; readonly deal: Omit<ProductDeal, 'parts'> }[] = []
  for (const { id } of keys.current.shares) {
    if (!existsSync(join(folder, productFile(id)))) continue
    const document = await readCarried(folder, productFile(id), id)
    found.push({ document, deal: parseProduct(document, id, keys, group) })
  }
  const needed = dealersOf(keys.current)
  if (found.length !== needed) {
    throw cannot(`${found.length} products are here: everybody needs the same ${needed}`)
  }
  return found
}

async function readNext(
  folders: RotationFolders,
  tools: CeremonyTools,
): Promise<{ readonly next: EvaluatorKeySet; readonly share: Share }> {
  const { folder, id } = folders
  const { group } = tools
  const { keys } = await readOwn(folders, tools)
  const deals: ProductDeal[] = []
  for (const { document, deal } of await readProducts(folder, keys, group)) {
    const from = deal.dealer
    const carried = await readCarried(folder, partFile(from, id), from, { secret: true })
    const part = parsePart(carried, { from, to: id, deal: document, group })
    if (!equalBytes(group.multiplyBase(part), evaluateAt(group, deal.commitments, id)))
      throw participantFault(from, 'its part does not fit its product')
    deals.push({ ...deal, parts: new Map([[id, part]]) })
  }
  const next = rotatedKeySet(keys, deals, group)
  return { next, share: rotatedShare(id, keys, next, deals, group) }
}
