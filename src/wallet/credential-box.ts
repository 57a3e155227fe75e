// Credentials of any issuer, as they come by OpenID4VCI: kept with the key each is bound to, and shown to one verifier each.
import {
  type Clock,
  CtidError,
  isJsonObject,
  type JsonObject,
  type MaybePromise,
  parseJsonObject,
  toBase64url,
  utf8,
} from '../base/index.ts'
import { readCredential } from '../credential/index.ts'
import { jwkThumbprint, type Signer, sha256 } from '../crypto/index.ts'
import { type DeviceKeys, requireSigner, type WalletStorage } from './storage.ts'

/** A received credential. Its claims are read from it when they are needed, not copied. */
export type BoxedCredential = {
  /** Hash of the credential, base64url. */
  readonly id: string
  readonly credential: string
  readonly keyName: string
  readonly vct: string
  readonly issuer: string
  readonly expiresAt?: number
  /** When and to whom it was shown. */
  readonly spent?: { readonly at: number; readonly verifier: string }
}

export type CredentialBox = {
  /** A key for a credential that is to be issued; kept even if it never comes. */
  createKey(): Promise<Signer>
  /** Keeps credentials whose keys were made here, in the order of `keys`. */
  keep(
    issuer: string,
    received: readonly { readonly credential: string; readonly key: Signer }[],
  ): Promise<readonly BoxedCredential[]>
  /** Everything in the box. */
  list(): Promise<readonly BoxedCredential[]>
  /** What can be shown now, with the signers: not spent, not expired. */
  unspent(): Promise<readonly { readonly boxed: BoxedCredential; readonly key: Signer }[]>
  /**
   * Marks credentials as shown, all or none, before they leave the device: no crash and no second process can show one
   * to two verifiers.
   *
   * @throws {CtidError} `ERR_WALLET_EMPTY` when another run was faster
   */
  spend(ids: readonly string[], verifier: string): Promise<void>
  /** Deletes what was shown or has ended, with its keys: what is left does not say where it was. Returns how many. */
  forget(): Promise<number>
}

type State = {
  readonly keys: Readonly<Record<string, string>>
  readonly credentials: readonly BoxedCredential[]
}

/** Holder: opens the box in a storage of its own. */
export function openCredentialBox(options: {
  readonly storage: WalletStorage
  readonly keys: DeviceKeys
  readonly clock: Clock
}): CredentialBox {
  const { storage, keys, clock } = options
  const change = <T>(work: (state: State) => readonly [State, T]): MaybePromise<T> =>
    storage.update((text) => {
      const [state, result] = work(readBox(text))
      return { text: JSON.stringify({ version: 1, ...state }), result }
    })
  const all = async () => await change((state) => [state, state.credentials])
  const canShow = ({ spent, expiresAt }: BoxedCredential) =>
    spent === undefined && (expiresAt === undefined || expiresAt > clock())

  return {
    async createKey() {
      const { name, publicJwk } = await keys.create()
      const thumbprint = jwkThumbprint(publicJwk)
      await change((state) => [{ ...state, keys: { ...state.keys, [thumbprint]: name } }, undefined])
      return requireSigner(keys, name)
    },
    async keep(issuer, received) {
      return change((state) => {
        const boxed = received.map(({ credential, key }): BoxedCredential => {
          const keyName = state.keys[jwkThumbprint(key.publicJwk)]
          if (keyName === undefined)
            throw new CtidError('ERR_WALLET_COPY', { detail: 'key not prepared here' })
          const { vct, exp } = readCredential(credential).claims
          return {
            id: toBase64url(sha256(utf8(credential))),
            credential,
            keyName,
            vct: String(vct),
            issuer,
            ...(typeof exp === 'number' ? { expiresAt: exp } : {}),
          }
        })
        return [{ ...state, credentials: [...state.credentials, ...boxed] }, boxed]
      })
    },
    list: all,
    async unspent() {
      const open = (await all()).filter(canShow)
      return Promise.all(
        open.map(async (boxed) => ({ boxed, key: await requireSigner(keys, boxed.keyName) })),
      )
    },
    async spend(ids, verifier) {
      await change((state) => {
        const wanted = new Set(ids)
        const found = state.credentials.filter((one) => wanted.has(one.id) && canShow(one))
        if (found.length !== wanted.size) throw new CtidError('ERR_WALLET_EMPTY')
        const spent = { at: clock(), verifier }
        const credentials = state.credentials.map((one) => (wanted.has(one.id) ? { ...one, spent } : one))
        return [{ ...state, credentials }, undefined]
      })
    },
    async forget() {
      const gone = await change((state) => {
        const credentials = state.credentials.filter(canShow)
        const names = state.credentials.filter((one) => !canShow(one)).map(({ keyName }) => keyName)
        const left = Object.entries(state.keys).filter(([, name]) => !names.includes(name))
        return [{ keys: Object.fromEntries(left), credentials }, names]
      })
      for (const name of gone) await keys.delete(name)
      return gone.length
    },
  }
}

function readBox(text: string | undefined): State {
  if (text === undefined) return { keys: {}, credentials: [] }
  let state: JsonObject
  try {
    state = parseJsonObject(text, { maxLength: 16_777_216 })
  } catch {
    throw new CtidError('ERR_WALLET_STATE')
  }
  const { version, keys, credentials } = state
  if (version !== 1 || !isJsonObject(keys) || !Array.isArray(credentials)) {
    throw new CtidError('ERR_WALLET_STATE', { detail: 'credentials' })
  }
  return { keys, credentials } as unknown as State
}
