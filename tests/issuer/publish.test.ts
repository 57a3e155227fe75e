// Publishing status lists: signed again in time, compressed again only where something changed.
import { describe, expect, it } from 'vitest'
import { systemRandom } from '#ctid/base'
import { generateSigner } from '#ctid/crypto'
import { createStatusPublisher, memoryLedger } from '#ctid/issuer'
import { decodeStatusList, getStatus } from '#ctid/status'

describe('a publisher of many lists', () => {
  it('keeps the compressed form of a list that did not change, and never that of one that did', async () => {
    const ledger = memoryLedger({ random: systemRandom, listSize: 64, fill: 1 })
    await ledger.allocate(64)
    const [place] = await ledger.allocate(1)
    expect(place?.list).toBe(1)
    let now = 1000
    const publisher = createStatusPublisher({
      ledger,
      key: { signer: await generateSigner() },
      statusListBase: 'https://issuer.example/status/',
      clock: () => now,
      listSize: 64,
      ttlSeconds: 60,
    })
    const read = async (list: number) => {
      const published = await publisher.token(list)
      const [, payload = ''] = published?.token.split('.') ?? []
      return JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
        iat: number
        status_list: { bits: 2; lst: string }
      }
    }
    const before = [await read(0), await read(1)]
    now += 31
    await ledger.setStatuses([{ list: 1, index: 7 }], 2)
    const after = [await read(0), await read(1)]
    expect(after.map(({ iat }) => iat)).toEqual([1031, 1031])
    expect(after[0]?.status_list).toEqual(before[0]?.status_list)
    expect(after[1]?.status_list).not.toEqual(before[1]?.status_list)
    const list = await decodeStatusList(after[1]?.status_list)
    expect([getStatus(list, 6), getStatus(list, 7)]).toEqual([0, 2])
    // And back again.
    await ledger.setStatuses([{ list: 1, index: 7 }], 0)
    publisher.changed()
    expect((await read(1)).status_list).toEqual(before[1]?.status_list)
  })
})
