// A bulk enrolment in a process of its own, so that it can be confined to one core and its memory measured.
// Arguments: people, workers. Prints rate and peak memory.
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { systemClock, systemRandom } from '#ctid/base'
import { enrolFile, openDeployment } from '#ctid/deployment'
import { syntheticPeople } from '#ctid/identity'

const [people = 1000, workers = 1] = process.argv.slice(2).map(Number)
const directory = mkdtempSync(join(tmpdir(), 'ctid-bench-enrol-'))
try {
  const file = join(directory, 'people.jsonl')
  await pipeline(function* () {
    for (let at = 0; at < people; at += 1000) {
      const some = syntheticPeople({ seed: `bench ${at}`, count: Math.min(1000, people - at) })
      yield some.map((person) => `${JSON.stringify(person)}\n`).join('')
    }
  }, createWriteStream(file))
  const deployment = await openDeployment({
    keysFolder: join(directory, 'keys'),
    storeUrl: join(directory, 'ctid.db'),
    clock: systemClock,
    random: systemRandom,
  })
  let start = 0
  const summary = await enrolFile(deployment, {
    file,
    workers,
    prove: 'sampled',
    blockSize: Math.min(500, Math.ceil(people / (workers * 8))),
    warmSeconds: 2,
    onReady: () => {
      start = performance.now()
    },
  })
  const seconds = (performance.now() - start) / 1000
  await deployment.close()
  if (summary.rejected > 0) throw new Error('a synthetic person was rejected')
  const [, peak = '0'] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  console.log(JSON.stringify({ rate: people / seconds, peakMegabytes: Math.round(Number(peak) / 1024) }))
} finally {
  rmSync(directory, { recursive: true })
}
