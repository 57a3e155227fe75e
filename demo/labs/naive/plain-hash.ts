// Wrong on purpose: "irreversible" identifiers made by hashing an ID number, in the five forms found in deployed systems.
import { concatBytes, type RandomBytes } from '#ctid/base'
import { hmacSha256, sha256 } from '#ctid/crypto'
import type { Text } from '../lab.ts'
import { sm3 } from './sm3.ts'

/** What is stored for a person. The salt stands beside the label, for the service itself needs it. */
export type StoredLabel = { readonly label: Uint8Array; readonly salt?: Uint8Array }
/** What the attacker has taken besides the database. */
export type Loot = 'database' | 'application' | 'one-share' | 'two-shares'

/** A way to turn an ID number into a label, and what a thief can compute of it. Naive ones and ours have this shape. */
export type LabelDesign = {
  readonly name: Text
  store(id: Uint8Array): StoredLabel | Promise<StoredLabel>
  /** Label of a guess as the thief computes it offline; `undefined` when he lacks a key that he cannot guess. */
  guesser(stored: StoredLabel, loot: Loot): ((guess: Uint8Array) => Uint8Array) | undefined
}

/** The five, with their secrets drawn from `random`. */
export function plainHashes(random: RandomBytes): readonly LabelDesign[] {
  const pepper = random(32)
  const key = random(32)
  const salted = (salt: Uint8Array, id: Uint8Array) => sha256(concatBytes(salt, id))
  const peppered = (id: Uint8Array) => sha256(concatBytes(pepper, id))
  const keyed = (id: Uint8Array) => hmacSha256(key, id)
  const withApplication = (act: (id: Uint8Array) => Uint8Array) => (_: StoredLabel, loot: Loot) =>
    loot === 'database' ? undefined : act
  return [
    { name: { en: 'SM3(id)', zh: 'SM3(号码)' }, store: (id) => ({ label: sm3(id) }), guesser: () => sm3 },
    {
      name: { en: 'SHA-256(id)', zh: 'SHA-256(号码)' },
      store: (id) => ({ label: sha256(id) }),
      guesser: () => sha256,
    },
    {
      name: { en: 'salted', zh: '加盐' },
      store: (id) => {
        const salt = random(16)
        return { label: salted(salt, id), salt }
      },
      guesser:
        ({ salt = new Uint8Array() }) =>
        (guess) =>
          salted(salt, guess),
    },
    {
      name: { en: 'secret pepper', zh: '加秘密胡椒' },
      store: (id) => ({ label: peppered(id) }),
      guesser: withApplication(peppered),
    },
    {
      name: { en: 'HMAC, one key', zh: 'HMAC 单一密钥' },
      store: (id) => ({ label: keyed(id) }),
      guesser: withApplication(keyed),
    },
  ]
}
