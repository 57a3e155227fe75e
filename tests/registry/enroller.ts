// A registry process of its own, for tests that run several or kill them: enrols a range of people and reports each
// acknowledged one on a line of standard output, written with one system call.
// Arguments: address of the store, first person, number of people, how (single, block or mixed), callers, synchronous.
import { writeSync } from 'node:fs'
import { toHex } from '#ctid/base'
import { openStore } from '#ctid/store'
import { anchorOf, setUp } from './setting.ts'

const [url = '', first = '0', count = '0', how = 'single', callers = '1', synchronous] = process.argv.slice(2)
const unsafe = synchronous === 'NORMAL' || synchronous === 'OFF' ? { unsafeSynchronous: synchronous } : {}
const store = await openStore(url, unsafe as { unsafeSynchronous?: 'NORMAL' | 'OFF' })
// Random bytes of its own: two processes must not draw the same entry names.
const { registry } = await setUp(store, {
  random: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)),
})

const application = (index: number) => ({
  anchor: anchorOf(`person ${index}`),
  record: { name: `person ${index}` },
})
const report = (index: number, status: string, token: Uint8Array) =>
  writeSync(1, `${index} ${status} ${toHex(token)}\n`)

writeSync(1, 'ready\n')
let next = Number(first)
const end = next + Number(count)
async function work(caller: number): Promise<void> {
  while (next < end) {
    if (how === 'block' || (how === 'mixed' && caller % 2 === 1)) {
      const from = next
      next = Math.min(next + 20, end)
      const indexes = Array.from({ length: next - from }, (_, i) => from + i)
      const enrolments = await registry.enrolMany(indexes.map(application))
      for (const [i, { status, token }] of enrolments.entries()) report(from + i, status, token)
    } else {
      const index = next++
      const { status, token } = await registry.enrol(application(index))
      report(index, status, token)
    }
  }
}
await Promise.all(Array.from({ length: Number(callers) }, (_, caller) => work(caller)))
writeSync(1, 'done\n')
await store.close()
