// The registry's published vectors: labels, bindings, sealed records, commitments. From fixed inputs, byte for byte.
// Written anew with UPDATE_VECTORS=1.
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { canonicalJson, fromHex, type Json, toHex } from '#ctid/base'
import type { Point } from '#ctid/crypto'
import { nobleGroup } from '#ctid/crypto'
import {
  addKeyVersion,
  commitmentOf,
  createRegistryKeys,
  localVault,
  publicLabels,
  secret,
  vaultKeyId,
} from '#ctid/registry'
import { openBinding, pointOf, rekeyPoint, sealBinding } from '../../src/registry/binding.ts'
import { labelOf } from '../../src/registry/desk.ts'
import { keyCheck, type SectorKey } from '../../src/registry/keys.ts'
import { sealRecord, unsealRecord } from '../../src/registry/vault.ts'
import { anchorOf, group, seeded } from './setting.ts'

const file = new URL('../vectors/registry.json', import.meta.url)

// Random bytes that count up from `start`: easy to make in any language.
const counting = (start: number) => {
  let next = start
  return (length: number) => Uint8Array.from({ length }, () => next++ & 0xff)
}

async function vectors(): Promise<Json> {
  const first = createRegistryKeys({ group, random: seeded('vector keys') })
  const keys = addKeyVersion(first, 'token', { group, random: seeded('vector keys 2') })
  const [tokenKey, tokenKey2] = keys.token as [SectorKey, SectorKey]
  const [recordKey] = keys.record as [SectorKey]
  const [bindingKey] = keys.binding
  if (!bindingKey) throw new Error('no key')
  const anchor = anchorOf('vector person')
  const tokenPoint = pointOf(group, tokenKey, anchor)
  const recordPoint = pointOf(group, recordKey, anchor)
  const rotatedPoint = rekeyPoint(group, tokenPoint, tokenKey, tokenKey2)
  const token = labelOf(tokenKey, tokenPoint)
  const rec = labelOf(recordKey, recordPoint)
  const entry = Uint8Array.from({ length: 16 }, (_, i) => i + 1)
  const binding = {
    entry,
    tokenPoint,
    recordPoint,
    anchorVersion: 1,
    recordVersion: 1,
    expiresAt: 2_000_000_000,
  }
  const sealedBinding = await sealBinding(binding, bindingKey, { token, random: counting(0) })
  const vaultKey = Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i)
  const vault = localVault([secret(vaultKey)], { random: counting(100) })
  const record = { documentType: 'resident-id', name: '张三', validUntil: '2033-05-17' }
  const sealed = await sealRecord(record, vault, { entry, version: 1, random: counting(0) })
  const event = {
    entry,
    seq: 2,
    kind: 'frozen',
    state: 'frozen',
    reason: 'device-lost',
    officer: 'desk-7',
    at: 1_790_000_000,
    nonce: Uint8Array.from({ length: 32 }, (_, i) => i),
  } as const
  const labels = publicLabels(rec, token, { anchor: 1, token: 1, record: 1 })
  const sector = (key: SectorKey) => ({
    version: key.version,
    scalar: toHex(key.scalar.reveal()),
    mac: toHex(key.mac.reveal()),
  })
  return {
    about:
      'SPEC section 16. Hexadecimal; random bytes are 00 01 02 … (wrapping key: 64 65 66 …) in the order drawn.',
    keys: {
      token: keys.token.map(sector),
      record: keys.record.map(sector),
      binding: { version: 1, key: toHex(bindingKey.key.reveal()) },
      checks: {
        token: toHex(keyCheck(group, 'token', tokenKey)),
        record: toHex(keyCheck(group, 'record', recordKey)),
        binding: toHex(keyCheck(group, 'binding', bindingKey)),
      },
    },
    labels: {
      anchor: toHex(anchor),
      tokenPoint: toHex(tokenPoint),
      token: toHex(token),
      recordPoint: toHex(recordPoint),
      rec: toHex(rec),
    },
    rotation: { tokenPoint: toHex(rotatedPoint), token: toHex(labelOf(tokenKey2, rotatedPoint)) },
    binding: {
      entry: toHex(entry),
      anchorVersion: 1,
      recordVersion: 1,
      expiresAt: binding.expiresAt,
      sealed: toHex(sealedBinding.binding),
    },
    record: {
      vaultKey: toHex(vaultKey),
      keyId: vaultKeyId(secret(vaultKey)),
      record: canonicalJson(record),
      wrapped: toHex(sealed.wrapped),
      sealed: toHex(sealed.sealed),
    },
    event: {
      ...event,
      entry: toHex(entry),
      nonce: toHex(event.nonce),
      commitment: toHex(commitmentOf(event)),
    },
    publicLabels: { epoch: labels.epoch, record: toHex(labels.record), token: toHex(labels.token) },
  }
}

it('gives the published bytes', async () => {
  const made = await vectors()
  if (process.env['UPDATE_VECTORS'] === '1') writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`)
  expect(made).toEqual(JSON.parse(readFileSync(file, 'utf8')))
})

it('reads the published bytes, on the other backend too', async () => {
  const v = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, string>>
  const at = (section: string, name: string) => fromHex(v[section]?.[name] ?? '')
  const keys = v['keys'] as unknown as { token: Record<string, string>[]; binding: { key: string } }
  const sector = (version: number): SectorKey => ({
    version,
    scalar: secret(fromHex(keys.token[version - 1]?.['scalar'] ?? '')),
    mac: secret(fromHex(keys.token[version - 1]?.['mac'] ?? '')),
  })
  // A rotated point is what the new key gives for the anchor: the person needs not be there.
  const anchor = nobleGroup.parsePoint(at('labels', 'anchor'))
  const fresh: Point = pointOf(nobleGroup, sector(2), anchor)
  expect(toHex(fresh)).toBe(v['rotation']?.['tokenPoint'])
  expect(toHex(labelOf(sector(2), fresh))).toBe(v['rotation']?.['token'])
  const sealed = { binding: at('binding', 'sealed'), version: 1 }
  const bindingKeys = [{ version: 1, key: secret(fromHex(keys.binding.key)) }]
  const opened = await openBinding(sealed, bindingKeys, at('labels', 'token'))
  expect(toHex(opened.tokenPoint)).toBe(v['labels']?.['tokenPoint'])
  expect(opened).toMatchObject({ anchorVersion: 1, recordVersion: 1, expiresAt: 2_000_000_000 })
  await expect(openBinding(sealed, bindingKeys, at('rotation', 'token'))).rejects.toMatchObject({
    code: 'ERR_REGISTRY_SEAL',
  })
  const vault = localVault([secret(at('record', 'vaultKey'))], { random: counting(0) })
  const row = {
    version: 1,
    keyId: v['record']?.['keyId'] ?? '',
    wrapped: at('record', 'wrapped'),
    sealed: at('record', 'sealed'),
  }
  expect(await unsealRecord(row, vault, at('binding', 'entry'))).toEqual(
    JSON.parse(v['record']?.['record'] ?? ''),
  )
})
