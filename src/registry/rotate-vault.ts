// Rotation of the vault key: every record key is wrapped anew, no record is opened.
import type { Desk } from './desk.ts'
import type { Progress, RotateOptions } from './rotate.ts'
import { rewrap } from './vault.ts'

/**
 * Wraps every record key anew under the vault's present key. No record is opened. Erased rows are passed over: without
 * the former vault key they are gone from backups as well.
 */
export async function rotateVault(desk: Desk, options: RotateOptions = {}): Promise<Progress> {
  const { store, vault } = desk
  let after: Uint8Array = new Uint8Array(0)
  let done = 0
  for (;;) {
    const page = await store.rows<VaultRow>(
      `select entry, version, key_id, wrapped from registry_vault
       where entry > $1 and key_id <> $2 and key_id <> '' order by entry limit $3`,
      [after, vault.keyId, options.pageSize ?? 500],
    )
    const last = page.at(-1)
    if (!last) return { done }
    const rewrapped = await Promise.all(
      page.map(async (row) => {
        const sealed = { ...row, keyId: row.key_id, sealed: new Uint8Array(0) }
        return { row, ...(await rewrap(sealed, vault, row.entry)) }
      }),
    )
    done += await store.transaction(async (tx) => {
      const sql =
        'update registry_vault set key_id = $4, wrapped = $5 where entry = $1 and version = $2 and key_id = $3'
      const counts = await Promise.all(
        rewrapped.map(({ row, keyId, wrapped }) =>
          tx.run(sql, [row.entry, row.version, row.key_id, keyId, wrapped]),
        ),
      )
      return counts.reduce((sum, count) => sum + count, 0)
    })
    options.onProgress?.({ done })
    after = last.entry
  }
}

type VaultRow = { entry: Uint8Array; version: number; key_id: string; wrapped: Uint8Array }
