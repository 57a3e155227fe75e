// The key ceremony and the refresh between organisations: each step reads what the others' files say, and writes this
// participant's. A folder belongs to one participant; files are carried between folders by hand.
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { toBase64url } from '../base/index.ts'
import type { Point, Scalar } from '../crypto/index.ts'
import {
  answerBroadcasts,
  beginCeremony,
  type CeremonyBroadcast,
  type CeremonyTerms,
  ceremonySession,
  checkConfirmation,
  dealShareRefresh,
  type EvaluatorKeySet,
  finishCeremony,
  formatBroadcast,
  formatCeremonyState,
  formatConfirmation,
  formatDeal,
  formatKeySet,
  formatMessage,
  keySetHash,
  parseBroadcast,
  parseCeremonyState,
  parseDeal,
  parseKeySet,
  parseMessage,
  parsePart,
  participantFault,
  refreshKeySet,
  refreshShare,
} from '../token/index.ts'
import { newCaller, readPrivateJson, readShareFile, writeShareFile } from '../token/node.ts'
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
import { REGISTRAR, REGISTRAR_ALLOWANCE, shareFile } from './keyring.ts'

const STATE = 'ceremony-state.json'
const broadcastFile = (id: number) => `broadcast-${id}.json`
const messageFile = (from: number, to: number) => `message-${from}-to-${to}.json`
const dealFile = (id: number) => `deal-${id}.json`
const partFile = (from: number, to: number) => `deal-${from}-to-${to}.json`
const registrarFile = (id: number) => `registrar-${id}.json`

/**
 * First round: commits to a secret polynomial.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` when the folder has a ceremony under way or a share
 */
export async function beginCeremonyIn(
  folder: string,
  id: number,
  terms: CeremonyTerms,
  tools: CeremonyTools,
): Promise<Carried> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const begun = await begunIn(folder, id, terms, tools)
  for (const name of [...(begun ? [] : [STATE]), broadcastFile(id), `evaluator-${id}.json`]) {
    if (existsSync(join(folder, name))) throw cannot(`there is ${name} already`)
  }
  const { broadcast, state } = begun ?? beginCeremony(id, { ...terms, random: tools.random })
  if (!begun) await writeCarried(folder, STATE, formatCeremonyState(state, broadcast, terms))
  await writeCarried(folder, broadcastFile(id), formatBroadcast(broadcast, terms))
  return { toAll: [broadcastFile(id)], confidential: [] }
}

// A process that ended before it had written its broadcast, or found no room for it: the same one again.
async function begunIn(folder: string, id: number, terms: CeremonyTerms, { group }: CeremonyTools) {
  if (!existsSync(join(folder, STATE))) return undefined
  const kept = parseCeremonyState(await readPrivateJson(join(folder, STATE)), group)
  const { threshold, count, version } = kept.terms
  const isSame = threshold === terms.threshold && count === terms.count && version === terms.version
  return kept.state.id === id && isSame && kept.session === undefined ? kept : undefined
}

/**
 * Second round, when everybody's broadcast is in the folder: one confidential message to each other participant. May be
 * repeated, but not with other broadcasts.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the participant
 */
export async function exchangeSharesIn(folder: string, tools: CeremonyTools): Promise<Carried> {
  const { kept, broadcasts, session } = await readCeremony(folder, tools)
  const { state, broadcast, terms } = kept
  if (kept.session !== undefined && kept.session !== session) throw cannot('the broadcasts have changed')
  const messages = answerBroadcasts(kept, broadcasts, tools.random)
  // First: no message leaves under broadcasts that this participant could still forget.
  await writeCarried(folder, STATE, formatCeremonyState(state, broadcast, terms, session))
  const confidential: string[] = []
  for (const message of messages) {
    const name = messageFile(message.from, message.to)
    await writeCarried(folder, name, formatMessage(message, session))
    confidential.push(name)
  }
  return { toAll: [], confidential }
}

export type Finished = {
  readonly id: number
  readonly keySet: EvaluatorKeySet
  /** To be compared aloud with everybody's before the share is used. */
  readonly hash: string
}

/**
 * Third round, when everybody's message is in the folder: share file, key set, transcript, and the registrar's secret for this
 * evaluator. What was secret on the way is removed.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the participant
 */
export async function finishCeremonyIn(folder: string, tools: CeremonyTools): Promise<Finished> {
  const { kept, broadcasts, session } = await readCeremony(folder, tools)
  const { id } = kept.state
  if (kept.session === undefined) throw cannot('exchange comes first')
  if (kept.session !== session) throw cannot('the broadcasts have changed')
  const others = broadcasts.filter((broadcast) => broadcast.id !== id)
  // A process that ended while it removed what was secret on the way: all that is kept has been written.
  const keySet =
    (await finishedIn(folder, id, tools)) ??
    (await writeFinished(folder, { kept, broadcasts, session }, tools))
  for (const other of others) {
    await rm(join(folder, messageFile(id, other.id)), { force: true })
    await rm(join(folder, messageFile(other.id, id)), { force: true })
  }
  await rm(join(folder, STATE), { force: true })
  return { id, keySet, hash: keySetHash(keySet) }
}

// Where a ceremony is under way a share can only be its own, for none begins beside one.
async function finishedIn(
  folder: string,
  id: number,
  { group }: CeremonyTools,
): Promise<EvaluatorKeySet | undefined> {
  const written = [shareFile(folder, id), join(folder, 'evaluators.json')]
  if (!written.every(existsSync)) return undefined
  const { keySet } = await readShareFile(shareFile(folder, id), group)
  const published = parseKeySet(await readPublic(folder, 'evaluators.json'), group)
  return keySetHash(published) === keySetHash(keySet) ? keySet : undefined
}

async function writeFinished(
  folder: string,
  { kept, broadcasts, session }: Awaited<ReturnType<typeof readCeremony>>,
  tools: CeremonyTools,
): Promise<EvaluatorKeySet> {
  const { id } = kept.state
  const others = broadcasts.filter((broadcast) => broadcast.id !== id)
  const messages = []
  for (const sender of others) {
    const name = messageFile(sender.id, id)
    const document = await readCarried(folder, name, sender.id, { secret: true })
    messages.push(parseMessage(document, sender, { to: id, session, group: tools.group }))
  }
  // The library's own second round comes before its third.
  answerBroadcasts(kept, broadcasts, tools.random)
  const { share, keySet, transcript } = finishCeremony(kept.state, broadcasts, messages, tools.group)
  const caller = newCaller(REGISTRAR, REGISTRAR_ALLOWANCE, tools.random)
  const hash = keySetHash(keySet)
  await writeCarried(folder, registrarFile(id), {
    caller: REGISTRAR,
    evaluator: id,
    keySet: hash,
    secret: toBase64url(caller.secret),
  })
  await writeShareFile(shareFile(folder, id), { share, keySet, callers: [caller] })
  await writeCarried(folder, 'ceremony.json', transcript)
  await writeCarried(folder, 'evaluators.json', formatKeySet(keySet))
  return keySet
}

/**
 * Registrar, whose folder has evaluators.json, ceremony.json and each evaluator's registrar-N.json: makes registrar.json.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the evaluator whose file is missing or of another key
 */
export async function gatherRegistrar(
  folder: string,
  { group }: Pick<CeremonyTools, 'group'>,
): Promise<Omit<Finished, 'id'>> {
  const keySet = parseKeySet(await readPublic(folder, 'evaluators.json'), group)
  const { keySet: ofTranscript } = await readPublic(folder, 'ceremony.json')
  const hash = keySetHash(keySet)
  if (ofTranscript === undefined || keySetHash(parseKeySet(ofTranscript, group)) !== hash) {
    throw cannot('ceremony.json and evaluators.json are of two keys')
  }
  const secrets: Record<string, string> = {}
  for (const { id } of keySet.shares) {
    const document = await readCarried(folder, registrarFile(id), id, { secret: true })
    const { evaluator, keySet: of, secret } = document
    const isRight = evaluator === id && typeof secret === 'string' && /^[\w-]{43}$/.test(secret)
    if (!isRight) throw participantFault(id, `${registrarFile(id)} is malformed`)
    if (of !== hash) throw participantFault(id, `${registrarFile(id)} is of another ceremony`)
    secrets[String(id)] = secret
  }
  await writeCarried(folder, 'registrar.json', { caller: REGISTRAR, secrets })
  for (const { id } of keySet.shares) await rm(join(folder, registrarFile(id)))
  return { keySet, hash }
}

/**
 * Refresh, first step: this evaluator's addition to everybody's share.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` when it has dealt already, `ERR_TOKEN_SHARE_FILE`
 */
export async function dealRefreshIn(folder: string, id: number, tools: CeremonyTools): Promise<Carried> {
  const { keySet } = await readShareFile(shareFile(folder, id), tools.group)
  if (existsSync(join(folder, dealFile(id)))) throw cannot(`there is ${dealFile(id)} already`)
  const { commitments, parts } = dealShareRefresh(keySet, tools.group, tools.random)
  const names = { deal: dealFile, part: partFile }
  return writeDeal(folder, id, { deal: formatDeal(id, commitments, keySet), parts, names })
}

/**
 * Second step, when everybody's deal and the parts for this evaluator are in the folder: says that they fit. Nothing is replaced
 * before all have said so: where one was given other deals, the shares would no longer belong together.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the participant
 */
export async function confirmRefreshIn(
  folder: string,
  id: number,
  tools: CeremonyTools,
): Promise<Carried & { readonly hash: string }> {
  const { next } = await readRefresh(folder, id, tools)
  await writeCarried(folder, confirmationFile(id), formatConfirmation(id, next))
  return { toAll: [confirmationFile(id)], confidential: [], hash: keySetHash(next) }
}

/**
 * Last step, when everybody has confirmed: the share is replaced, and what led to it is removed.
 *
 * @throws {CtidError} `ERR_TOKEN_CEREMONY` naming the participant
 */
export async function finishRefreshIn(folder: string, id: number, tools: CeremonyTools): Promise<Finished> {
  // A process that ended between the share and the rest: the share is the new one already.
  const { keySet: held } = await readShareFile(shareFile(folder, id), tools.group)
  const own = await readCarried(folder, confirmationFile(id), id)
  const isReplaced = own['next'] === keySetHash(held)
  const next = isReplaced ? held : await replaceShare(folder, id, tools)
  await writeCarried(folder, 'evaluators.json', formatKeySet(next))
  for (const { id: other } of next.shares) {
    for (const name of [partFile(other, id), partFile(id, other), dealFile(other), confirmationFile(other)]) {
      if (name !== confirmationFile(id)) await rm(join(folder, name), { force: true })
    }
  }
  // Last: whoever finds it knows that the rest is to be removed.
  await rm(join(folder, confirmationFile(id)), { force: true })
  return { id, keySet: next, hash: keySetHash(next) }
}

async function replaceShare(folder: string, id: number, tools: CeremonyTools): Promise<EvaluatorKeySet> {
  const { next, share, callers } = await readRefresh(folder, id, tools)
  for (const other of next.shares) {
    checkConfirmation(await readCarried(folder, confirmationFile(other.id), other.id), other.id, next)
  }
  await writeShareFile(shareFile(folder, id), { share, keySet: next, callers })
  return next
}

async function readCeremony(folder: string, tools: CeremonyTools) {
  if (!existsSync(join(folder, STATE))) throw cannot('begin comes first, in this folder')
  const kept = parseCeremonyState(await readPrivateJson(join(folder, STATE)), tools.group)
  const { terms, state, broadcast: own } = kept
  const broadcasts: CeremonyBroadcast[] = []
  for (let id = 1; id <= terms.count; id++) {
    const document = id === state.id ? undefined : await readCarried(folder, broadcastFile(id), id)
    broadcasts.push(document ? parseBroadcast(document, id, terms, tools.group) : own)
  }
  return { kept, broadcasts, session: ceremonySession(broadcasts, terms) }
}

async function readRefresh(folder: string, id: number, { group }: CeremonyTools) {
  const { keySet, share, callers } = await readShareFile(shareFile(folder, id), group)
  const deals: { readonly commitments: readonly Point[]; readonly parts: ReadonlyMap<number, Scalar> }[] = []
  for (const { id: from } of keySet.shares) {
    const deal = await readCarried(folder, dealFile(from), from)
    const commitments = parseDeal(deal, from, keySet, group)
    const document = await readCarried(folder, partFile(from, id), from, { secret: true })
    const parts = new Map([[id, parsePart(document, { from, to: id, deal, group })]])
    // One by one, so that the participant is named.
    try {
      refreshShare(
        share,
        refreshKeySet(keySet, [{ commitments, parts }], group),
        [{ commitments, parts }],
        group,
      )
    } catch (cause) {
      throw participantFault(from, 'its part does not fit its deal', cause)
    }
    deals.push({ commitments, parts })
  }
  const next = refreshKeySet(keySet, deals, group)
  return { next, share: refreshShare(share, next, deals, group), callers }
}
