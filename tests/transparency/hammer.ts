// A process to be killed: appends numbered entries from many callers at once and prints what was acknowledged. With
// witnesses in it, each with a memory on disk, these are killed between any two of their steps too.
import {
  COSIGNATURE,
  cosignWith,
  createWitness,
  LOG_SIGNATURE,
  noteSigner,
} from '../../src/transparency/index.ts'
import { fileWitnessStore, openFileLog } from '../../src/transparency/node.ts'

const [directory = '', run = '0', count = '0'] = process.argv.slice(2)
const origin = 'log.example/hammer'
const { key } = noteSigner(origin, LOG_SIGNATURE, new Uint8Array(32).fill(7))
const witnesses = await Promise.all(
  Array.from({ length: Number(count) }, async (_, i) =>
    createWitness({
      signer: noteSigner(`witness.example/${i}`, COSIGNATURE, new Uint8Array(32).fill(20 + i)),
      logs: [{ origin, keys: [key] }],
      store: await fileWitnessStore(`${directory}-witness-${i}`),
    }),
  ),
)
const log = await openFileLog({
  directory,
  origin,
  signers: [noteSigner(origin, LOG_SIGNATURE, new Uint8Array(32).fill(7))],
  ...(witnesses.length === 0 ? {} : { cosign: cosignWith({ witnesses, threshold: witnesses.length }) }),
  // Small, so that the kill also falls into rotations.
  maxJournalLength: 20_000,
})
process.stdout.write('ready\n')
let sent = 0
async function hammer(): Promise<never> {
  for (;;) {
    const text = `${run}-${sent++}`
    const { indexes, note } = await log.append([Buffer.from(text)])
    process.stdout.write(`${JSON.stringify({ text, index: indexes[0], note })}\n`)
  }
}
await Promise.all([hammer(), hammer(), hammer(), hammer(), hammer()])
