// The wallet: keeps one-time copies, spends one per showing, and remembers for its holder alone what was shown.
import {
  type Clock,
  CtidError,
  type MaybePromise,
  type RandomBytes,
  toBase64url,
  utf8,
} from '../base/index.ts'
import { jwkThumbprint, pointToJwk, type Signer } from '../crypto/index.ts'
import {
  dropOnline,
  type Kind,
  makeCode,
  makePaperCode,
  parseAttestation,
  type Relay,
  STEP_SECONDS,
} from '../qr/index.ts'
import { type Preview, previewAttestation } from './preview.ts'
import { type Copy, readState, type Shown, type WalletState, writeState } from './state.ts'
import { type DeviceKeys, requireSigner, type WalletStorage } from './storage.ts'

export type WalletOptions = {
  readonly storage: WalletStorage
  readonly keys: DeviceKeys
  readonly random: RandomBytes
  readonly clock: Clock
  /** From how few unused copies on to warn. Default 3. */
  readonly lowMark?: number
}

/** What an issuer sends for one holder key. */
export type IssuedCopy = { readonly attestation: Uint8Array; readonly credential?: string }

/** Asks the issuer for one copy per signer's key; each signer proves possession of its key. */
export type Refill = (signers: readonly Signer[]) => Promise<readonly IssuedCopy[]>

export type ShowOptions = {
  /** Who it is shown to, for the history; also the audience when `bindToVerifier` is set. */
  readonly verifier: string
  readonly kind: Kind
  /** What the verifier showed. */
  readonly challenge?: Uint8Array
  /** Make codes that only the verifier of this name accepts. Default false. */
  readonly bindToVerifier?: boolean
}

/** The code of the current step. */
export type CurrentCode = {
  readonly text: string
  /** Seconds until the next code; 1 to 30. */
  readonly secondsLeft: number
}

/** One copy, shown to one verifier. */
export type Showing = {
  readonly copy: Copy
  /** Unused copies that are left of this kind, and whether it is time to fetch more. */
  readonly remaining: number
  readonly isLow: boolean
  /** The code of now; ask again when its seconds are over. */
  current(): Promise<CurrentCode>
  /** Leaves the code of now at a relay and returns the online token. */
  online(relay: Relay): Promise<string>
  /** Signer of this copy, for a presentation of its credential to the same verifier; notes the claims. */
  forPresentation(
    claims: readonly string[],
  ): Promise<{ readonly credential: string; readonly holder: Signer }>
}

export type Stock = { readonly kind: Kind; readonly unused: number; readonly isLow: boolean }

export type Wallet = {
  /** Makes keys for copies that are to be issued. The signers prove possession to the issuer. */
  prepareKeys(count: number): Promise<readonly Signer[]>
  /** Fetches new copies: makes keys, has `issue` turn them into copies, takes those. Returns how many. */
  refill(count: number, issue: Refill): Promise<number>
  /** Takes copies whose keys were prepared here. Returns how many. It does not verify the issuer's signature. */
  receive(copies: readonly IssuedCopy[]): Promise<number>
  /** Takes an attestation for a printed form. */
  receivePaper(attestation: Uint8Array): Promise<void>
  stock(): Promise<readonly Stock[]>
  /** What the next showing of a kind will reveal, without spending anything. */
  preview(kind: Kind, claims?: readonly string[]): Promise<Preview>
  /** Spends one copy and shows it. */
  show(options: ShowOptions): Promise<Showing>
  /** The text of the paper form. */
  paper(verifier: string): Promise<string>
  history(): Promise<readonly Shown[]>
  /** Deletes it, and every copy that was shown, with its key: a verifier's record of one would prove that it was this wallet. */
  forgetHistory(): Promise<void>
  /** Removes copies that can no longer be shown, and their keys. */
  prune(): Promise<number>
}

/**
 * Holder: opens a wallet. Every change is stored before its effect leaves the device, so that no crash and no second
 * tab can show one copy to two verifiers.
 */
export function createWallet(options: WalletOptions): Wallet {
  const { storage, keys, clock, lowMark = 3 } = options

  function change<T>(work: (state: WalletState) => readonly [WalletState, T]): MaybePromise<T> {
    return storage.update((text) => {
      const [state, result] = work(readState(text))
      return { text: writeState(state), result }
    })
  }
  const look = <T>(work: (state: WalletState) => T) => change((state) => [state, work(state)])
  const note = (shown: Shown) =>
    change((state) => [{ ...state, history: [...state.history, shown] }, undefined])

  function unused(state: WalletState, kind: Kind): Copy[] {
    const now = clock()
    return state.copies
      .filter((copy) => copy.kind === kind && copy.spentAt === undefined && copy.expiresAt > now)
      .sort((a, b) => a.expiresAt - b.expiresAt)
  }

  async function prepareKeys(count: number): Promise<readonly Signer[]> {
    const made = await Promise.all(Array.from({ length: count }, () => keys.create()))
    const waiting = made.map(({ name, publicJwk }) => ({ name, thumbprint: jwkThumbprint(publicJwk) }))
    await change((state) => [{ ...state, waiting: [...state.waiting, ...waiting] }, undefined])
    return Promise.all(made.map(({ name }) => requireSigner(keys, name)))
  }

  async function receive(issued: readonly IssuedCopy[]): Promise<number> {
    return change((state) => {
      const waiting = new Map(state.waiting.map(({ thumbprint, name }) => [thumbprint, name]))
      const copies = issued.map((one) => {
        const copy = readIssued(one, waiting)
        waiting.delete(copy.thumbprint)
        return copy.copy
      })
      const rest = state.waiting.filter(({ thumbprint }) => waiting.has(thumbprint))
      return [{ ...state, waiting: rest, copies: [...state.copies, ...copies] }, copies.length]
    })
  }

  async function show(shown: ShowOptions): Promise<Showing> {
    const { verifier, kind } = shown
    const { copy, remaining } = await change((state) => {
      const [first, ...others] = unused(state, kind)
      if (!first) throw new CtidError('ERR_WALLET_EMPTY')
      const at = clock()
      const spent = { ...first, spentAt: at }
      const entry: Shown = { at, verifier, form: 'dynamic', kind, copy: first.id, claims: [] }
      const copies = state.copies.map((one) => (one.id === first.id ? spent : one))
      const next = { ...state, copies, history: [...state.history, entry] }
      return [next, { copy: spent, remaining: others.length }]
    })
    const holder = await requireSigner(keys, copy.keyName)
    const codeAt = (now: number) =>
      makeCode(copy.attestation, holder, {
        now,
        ...(shown.challenge ? { challenge: shown.challenge } : {}),
        ...(shown.bindToVerifier ? { audience: verifier } : {}),
      })
    const entry = { verifier, kind, copy: copy.id }
    return {
      copy,
      remaining,
      isLow: remaining <= lowMark,
      async current() {
        const now = clock()
        if (now >= copy.expiresAt) throw new CtidError('ERR_WALLET_ENDED')
        return { text: await codeAt(now), secondsLeft: STEP_SECONDS - (now % STEP_SECONDS) }
      },
      async online(relay) {
        await note({ ...entry, at: clock(), form: 'online', claims: [] })
        return dropOnline(utf8(await codeAt(clock())), { relay, random: options.random })
      },
      async forPresentation(claims) {
        const { credential } = copy
        if (credential === undefined)
          throw new CtidError('ERR_WALLET_COPY', { detail: 'no credential in it' })
        await note({ ...entry, at: clock(), form: 'presentation', claims })
        return { credential, holder }
      },
    }
  }

  async function paper(verifier: string): Promise<string> {
    const attestation = await look((state) => state.paper)
    if (!attestation) throw new CtidError('ERR_WALLET_EMPTY')
    const { kind, handle } = parseAttestation(attestation)
    await note({ at: clock(), verifier, form: 'paper', kind, copy: toBase64url(handle), claims: [] })
    return makePaperCode(attestation)
  }

  async function prune(): Promise<number> {
    const gone = await change((state) => {
      const now = clock()
      // A spent copy is kept for its running showing until it expires; after that its key is of no use.
      const dead = state.copies.filter(({ expiresAt }) => expiresAt <= now)
      return [{ ...state, copies: state.copies.filter((copy) => !dead.includes(copy)) }, dead]
    })
    for (const { keyName } of gone) await keys.delete(keyName)
    return gone.length
  }

  return {
    prepareKeys,
    receive,
    async refill(count, issue) {
      return receive(await issue(await prepareKeys(count)))
    },
    async receivePaper(attestation) {
      makePaperCode(attestation)
      await change((state) => [{ ...state, paper: attestation }, undefined])
    },
    async stock() {
      return look((state) =>
        [...new Set(state.copies.map(({ kind }) => kind))].sort().map((kind) => {
          const count = unused(state, kind).length
          return { kind, unused: count, isLow: count <= lowMark }
        }),
      )
    },
    async preview(kind, claims = []) {
      const copy = await look((state) => unused(state, kind)[0])
      if (!copy) throw new CtidError('ERR_WALLET_EMPTY')
      const form = claims.length > 0 ? 'presentation' : 'dynamic'
      return previewAttestation(copy.attestation, { form, claims })
    },
    show,
    paper,
    async history() {
      return look((state) => state.history)
    },
    async forgetHistory() {
      const spent = await change((state) => {
        const copies = state.copies.filter(({ spentAt }) => spentAt === undefined)
        return [{ ...state, history: [], copies }, state.copies.filter((copy) => !copies.includes(copy))]
      })
      for (const { keyName } of spent) await keys.delete(keyName)
    },
    prune,
  }
}

function readIssued(
  issued: IssuedCopy,
  waiting: ReadonlyMap<string, string>,
): { readonly copy: Copy; readonly thumbprint: string } {
  const { holderKey, handle, kind, issuedAt, expiresAt } = parseAttestation(issued.attestation)
  const thumbprint = holderKey === undefined ? '' : jwkThumbprint(pointToJwk(holderKey))
  const keyName = waiting.get(thumbprint)
  if (keyName === undefined) throw new CtidError('ERR_WALLET_COPY', { detail: 'key not prepared here' })
  const { attestation, credential } = issued
  const copy = { id: toBase64url(handle), keyName, attestation, kind, issuedAt, expiresAt }
  return { copy: credential === undefined ? copy : { ...copy, credential }, thumbprint }
}
