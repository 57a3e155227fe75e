// The registry's events in the log: one commitment each, labels as bindings, and an event handed in twice is no violation.

import { expect, it } from 'vitest'
import {
  createAuditor,
  eventLog,
  LOG_SIGNATURE,
  memoryLog,
  noteSigner,
  parseEntry,
  readEntries,
  registryLog,
} from '#ctid/transparency'

it('become entries that an auditor accepts, also when handed in again', async () => {
  const signer = noteSigner('log.example/e', LOG_SIGNATURE, new Uint8Array(32).fill(1))
  const log = await memoryLog({ origin: 'log.example/e', signer })
  const port = eventLog(registryLog(log))
  const commitment = new Uint8Array(32).fill(9)
  const labels = { epoch: 'k1.t1.r2', record: new Uint8Array(32).fill(1), token: new Uint8Array(32).fill(2) }
  const enrolled = { kind: 'enrolled', at: 1_800_000_000, commitment, labels }
  expect(await port.append([enrolled, { kind: 'frozen', at: 1_800_000_001, commitment }])).toHaveLength(3)
  await port.append([enrolled])

  const auditor = createAuditor()
  const types: string[] = []
  for await (const { index, entry } of readEntries(log.source, { start: 0, end: 5 }, 5)) {
    types.push(parseEntry(entry).type)
    expect(auditor.see(index, entry).findings).toEqual([])
  }
  expect(types).toEqual(['registration', 'life-cycle', 'life-cycle', 'registration', 'life-cycle'])
  expect(auditor.directory.roots().count).toBe(1)

  const second = { ...enrolled, labels: { ...labels, token: new Uint8Array(32).fill(3) } }
  await port.append([second])
  for await (const { index, entry } of readEntries(log.source, { start: 5, end: 6 }, 7)) {
    expect(auditor.see(index, entry).findings).toMatchObject([{ rule: 'record-label-once', index: 5 }])
  }
  await expect(async () =>
    port.append([{ ...enrolled, labels: { ...labels, epoch: 'x' } }]),
  ).rejects.toMatchObject({
    code: 'ERR_LOG_ENTRY',
  })
})
