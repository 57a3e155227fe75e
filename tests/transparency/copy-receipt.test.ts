// The claim `log_receipt` as second implementations test against it: made by this code from fixed inputs, and unchanged since.
// With UPDATE_VECTORS=1 the file is written anew.
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { Json } from '#ctid/base'
import { jwkThumbprint, type P256PublicJwk } from '#ctid/crypto'
import {
  COSIGNATURE,
  copyReceipt,
  formatNoteKey,
  LOG_SIGNATURE,
  logPolicyOf,
  makeCopyEntries,
  memoryLog,
  noteSigner,
  parseNote,
  registryLog,
  signatureLines,
  verifyCopyReceipt,
} from '#ctid/transparency'

const file = new URL('../vectors/copy-receipt.json', import.meta.url)
const fill = (byte: number, length = 32) => new Uint8Array(length).fill(byte)
const NOW = 1_800_000_000

// Two public keys of RFC 7515 (appendix A.3) and RFC 7517 (appendix A.1).
const KEYS: readonly P256PublicJwk[] = [
  {
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  },
  {
    kty: 'EC',
    crv: 'P-256',
    x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
    y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
  },
]

async function make() {
  const signer = noteSigner('log.example/copies', LOG_SIGNATURE, fill(1))
  const witness = noteSigner('witness.example/1', COSIGNATURE, fill(2))
  const log = registryLog(await memoryLog({ origin: 'log.example/copies', signer }))
  const made = makeCopyEntries(KEYS.map(jwkThumbprint), {
    time: NOW,
    audit: { key: fill(3), counter: 7 },
    random: (length) => fill(4, length),
  })
  const receipts = await log.append(made.map(({ entry }) => entry))
  const copies: Json[] = []
  for (const [i, copy] of made.entries()) {
    const receipt = receipts[i]
    if (!receipt) throw new Error('no receipt')
    const { text } = parseNote(receipt.checkpoint)
    const checkpoint = receipt.checkpoint + (await signatureLines(text, [witness], NOW))
    copies.push({
      jwk: KEYS[i] as P256PublicJwk,
      log_receipt: copyReceipt(copy, { ...receipt, checkpoint }),
    })
  }
  return {
    description:
      'Section 14.3.7: two copies of one batch of two. Each claim verifies under the policy for its own key, and for the other key only the opening fails.',
    policy: {
      origin: 'log.example/copies',
      key: formatNoteKey(signer.key),
      witnesses: [formatNoteKey(witness.key)],
      threshold: 1,
    },
    tags: { key: Buffer.from(fill(3)).toString('base64url'), counters: [7, 8] },
    copies,
  }
}

it('is the claim that the vectors say', async () => {
  if (process.env['UPDATE_VECTORS'] === '1') {
    writeFileSync(file, `${JSON.stringify(await make(), null, 2)}\n`)
  }
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as Awaited<ReturnType<typeof make>>
  expect(await make()).toEqual(vectors)

  const policy = logPolicyOf(vectors.policy)
  const copies = vectors.copies as unknown as { jwk: P256PublicJwk; log_receipt: Json }[]
  for (const [i, { jwk, log_receipt }] of copies.entries()) {
    await expect(verifyCopyReceipt(log_receipt, jwkThumbprint(jwk), policy)).resolves.toMatchObject({
      index: i,
    })
    const other = copies[1 - i]?.jwk as P256PublicJwk
    await expect(verifyCopyReceipt(log_receipt, jwkThumbprint(other), policy)).rejects.toMatchObject({
      code: 'ERR_LOG_OPENING',
    })
  }
})
