// A process to be killed: appends numbered entries from many callers at once and prints what was acknowledged.
import { LOG_SIGNATURE, noteSigner } from '../../src/transparency/index.ts'
import { openFileLog } from '../../src/transparency/node.ts'

const [directory = '', run = '0'] = process.argv.slice(2)
const log = await openFileLog({
  directory,
  origin: 'log.example/hammer',
  signers: [noteSigner('log.example/hammer', LOG_SIGNATURE, new Uint8Array(32).fill(7))],
  // Small, so that the kill also falls into rotations.
  maxJournalLength: 20_000,
})
process.stdout.write('ready\n')
let count = 0
async function hammer(): Promise<never> {
  for (;;) {
    const text = `${run}-${count++}`
    const { indexes, note } = await log.append([Buffer.from(text)])
    process.stdout.write(`${JSON.stringify({ text, index: indexes[0], note })}\n`)
  }
}
await Promise.all([hammer(), hammer(), hammer(), hammer(), hammer()])
