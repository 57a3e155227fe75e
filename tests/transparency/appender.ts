// A process to be traced: appends entries in batches of a few tiles, with a journal that soon begins anew.
import { LOG_SIGNATURE, noteSigner } from '../../src/transparency/index.ts'
import { openFileLog } from '../../src/transparency/node.ts'

const [directory = '', calls = '0', maxJournalLength = '0'] = process.argv.slice(2)
const origin = 'log.example/appender'
const log = await openFileLog({
  directory,
  origin,
  signers: [noteSigner(origin, LOG_SIGNATURE, new Uint8Array(32).fill(7))],
  maxJournalLength: Number(maxJournalLength),
})
process.stdout.write('ready\n')
for (let i = 0; i < Number(calls); i++) {
  await log.append(Array.from({ length: 700 }, (_, n) => Buffer.from(`${process.pid} ${i} ${n}`)))
  process.stdout.write(`acknowledged ${i}\n`)
}
await log.close()
