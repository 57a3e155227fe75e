// A bulk enrolment as a process of its own, for the test that kills it. Arguments: folder of keys, address of the store,
// file, threads. Prints one line for each checkpoint, with one system call.
import { writeSync } from 'node:fs'
import { systemClock, systemRandom } from '#ctid/base'
import { enrolFile, openDeployment } from '#ctid/deployment'

const [keysFolder = '', storeUrl = '', file = '', workers = '2'] = process.argv.slice(2)
const deployment = await openDeployment({ keysFolder, storeUrl, clock: systemClock, random: systemRandom })
const summary = await enrolFile(deployment, {
  file,
  workers: Number(workers),
  prove: 'sampled',
  blockSize: 10,
  warmSeconds: 0,
  onEvent: (event) => {
    if (event.type === 'progress') writeSync(1, `${event.line} ${event.created} ${event.existing}\n`)
  },
})
await deployment.close()
writeSync(1, `done ${JSON.stringify(summary)}\n`)
