// What was logged about the person whose wallet is on this device: found, opened and verified here, by nobody else.
import {
  framed,
  fromBase64url,
  fromHex,
  fromUtf8,
  type Json,
  parseJsonObject,
  toHex,
  uintBytes,
} from '#ctid/base'
import { jwkThumbprint, parsePublicJwk, sha256 } from '#ctid/crypto'
import { commitmentOf as decisionCommitment, filingCommitment } from '#ctid/health'
import {
  type HolderReceipt,
  leafHash,
  parseEntry,
  proveInclusion,
  readEntries,
  verifyCopyReceipt,
  verifyHolderReceipt,
  verifyInclusion,
} from '#ctid/transparency'
import { call } from '../../ui/api.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'
import { signRequest } from '../../ui/signed-request.ts'
import { readProfile } from '../citizen/desk.ts'
import { healthAuthority } from '../health/authority.ts'
import { type Head, readHead, source } from './state.ts'

type Event = {
  readonly entry: string
  readonly seq: number
  readonly kind: string
  readonly state: string
  readonly reason: string
  readonly officer: string
  readonly at: number
  readonly nonce: string
}
type About = {
  readonly events: readonly Event[]
  readonly proof: {
    readonly record: string
    readonly token: string
    readonly version: number
    readonly receipt: HolderReceipt
  } | null
}

export async function renderMine({ t }: Shell): Promise<void> {
  const profile = await readProfile()
  if (!profile) {
    fill(byId('mine'), h('p', {}, t('mine.nobody'), ' ', h('a', { href: '/citizen' }, t('nav.citizen'))))
    return
  }
  const request = await signRequest(profile.accountKey, 'desk', { action: 'log' })
  const about = await call<About>('/desk', { request })
  const head = await readHead()
  const appeals = await appealsOf(profile.healthKey)
  const found = await findEntries(
    [...about.events.map(commitmentOf), ...appeals.map(({ commitment }) => commitment)],
    head,
  )
  const bound = await checkBinding(about, head)
  const copy = profile.sample === undefined ? undefined : await checkCopy(profile.sample, head)
  const line = (holds: boolean, name: string, text: string) =>
    h(
      'li',
      { 'data-mine': name, 'data-holds': String(holds) },
      icon(holds ? 'check' : 'cross', holds ? 'ok' : 'bad'),
      h('strong', {}, text),
      h('span', { class: `badge ${holds ? 'ok' : 'bad'}` }, t(holds ? 'ok' : 'bad')),
    )
  fill(
    byId('mine'),
    h(
      'ul',
      { class: 'checks' },
      line(
        bound !== undefined,
        'binding',
        t('mine.binding', { index: bound?.index ?? '–', epoch: bound?.epoch ?? '–' }),
      ),
      copy === undefined ? null : line(copy >= 0, 'copy', t('mine.copy', { index: copy })),
      ...about.events.map((event, i) => {
        const index = found[i]
        const what = `${t(`event.${event.kind}`)}, ${t(`reason.${event.reason}`)}, ${event.officer}`
        const when = new Date(event.at * 1000).toLocaleString(document.documentElement.lang)
        return line(index !== undefined, 'event', t('mine.event', { what, when, index: index ?? '–' }))
      }),
      ...appeals.map(({ what, at }, i) => {
        const index = found[about.events.length + i]
        const when = new Date(at * 1000).toLocaleString(document.documentElement.lang)
        return line(
          index !== undefined,
          'appeal',
          t('mine.event', { what: t(what), when, index: index ?? '–' }),
        )
      }),
    ),
  )
}

type AppealEntry = { readonly what: string; readonly at: number; readonly commitment: Uint8Array }

/** What was filed with the health authority under a key of this device, and what was decided. */
async function appealsOf(healthKey: string): Promise<AppealEntry[]> {
  const appeals = await healthAuthority(healthKey).appeals()
  return appeals.flatMap((appeal) => [
    {
      what: `mine.${appeal.kind}`,
      at: appeal.filedAt,
      commitment: fromBase64url(filingCommitment(appeal)),
    },
    ...appeal.decisions.map((text) => ({
      what: 'mine.decision',
      at: appeal.filedAt,
      commitment: fromBase64url(decisionCommitment(text)),
    })),
  ])
}

// Each commitment, computed here from the words themselves, looked for in the log, and its inclusion verified.
async function findEntries(
  commitments: readonly Uint8Array[],
  { checkpoint }: Head,
): Promise<(number | undefined)[]> {
  const { size, root } = checkpoint
  const places = new Map<string, { index: number; entry: Uint8Array }>()
  for await (const { index, entry: bytes } of readEntries(source, { start: 0, end: size }, size)) {
    const entry = parseEntry(bytes)
    if (entry.form === 'personal') places.set(toHex(entry.commitment), { index, entry: bytes })
  }
  return Promise.all(
    commitments.map(async (commitment) => {
      const place = places.get(toHex(commitment))
      if (!place) return undefined
      const { index, entry } = place
      const proof = await proveInclusion(source, index, size)
      return verifyInclusion(proof, { index, size, leaf: leafHash(entry), root }) ? index : undefined
    }),
  )
}

// As SPEC, chapter "Registry", says: SHA-256 over the framed event and its 32 random bytes.
function commitmentOf({ nonce, entry, seq, kind, state, reason, officer, at }: Event): Uint8Array {
  const fields = [kind, state, reason, officer] as const
  return sha256(
    framed(
      'ctid/registry/event/v1',
      fromBase64url(nonce),
      fromBase64url(entry),
      uintBytes(seq, 6),
      ...fields,
      uintBytes(at, 6),
    ),
  )
}

async function checkBinding({ proof }: About, { policy, console }: Head) {
  if (!proof) return undefined
  const claim = {
    record: fromBase64url(proof.record),
    token: fromBase64url(proof.token),
    version: proof.version,
  }
  const vrfPublicKey = fromHex(console.vrfKey)
  return verifyHolderReceipt(claim, proof.receipt, { ...policy, vrfPublicKey }).catch(() => undefined)
}

/** Index of the entry for a copy in this wallet by the receipt that the copy carries; −1 when it does not verify. */
async function checkCopy(credential: string, { policy }: Head): Promise<number | undefined> {
  const [jws = '', ...disclosures] = credential.split('~')
  const payload = parseJsonObject(fromUtf8(fromBase64url(jws.split('.')[1] ?? '')))
  const claim = disclosures
    .filter((text) => text !== '')
    .map((text) => JSON.parse(fromUtf8(fromBase64url(text))) as [string, string, Json])
    .find(([, name]) => name === 'log_receipt')?.[2]
  if (claim === undefined) return undefined
  const key = parsePublicJwk((payload['cnf'] as { jwk?: unknown } | undefined)?.jwk)
  return verifyCopyReceipt(claim, jwkThumbprint(key), policy).then(
    ({ index }) => index,
    () => -1,
  )
}
