// Verification over HTTP: requests for each CPU second of the server process, against a bare Express route that does the same
// two signatures, and against a verifier of certificates in the EU's form. Servers run by themselves; this process calls.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { type Bench, type BenchContext, type BenchRow, median } from './harness.ts'

const CONNECTIONS = 16

type Server = { readonly child: ChildProcess; readonly port: number; readonly bodies: readonly string[] }
type Measured = { readonly perCpuSecond: number; readonly perSecond: number }

async function run({ full, log }: BenchContext): Promise<BenchRow[]> {
  const requests = full ? 6_000 : 1_200
  const rounds = full ? 7 : 4
  const servers = { ours: await start('ours'), bare: await start('bare'), dcc: await start('dcc') }
  try {
    for (const server of Object.values(servers)) await load(server, 1_500)
    const rows = { ours: [] as Measured[], bare: [] as Measured[], dcc: [] as Measured[] }
    for (let round = 0; round < rounds; round++) {
      for (const name of ['ours', 'bare', 'dcc'] as const)
        rows[name].push(await measure(servers[name], requests))
    }
    const wall = (name: keyof typeof rows) => median(rows[name].map(({ perSecond }) => perSecond))
    log(
      `by the clock, client on the same machine: ours ${Math.round(wall('ours'))}/s, bare ${Math.round(wall('bare'))}/s, DCC ${Math.round(wall('dcc'))}/s`,
    )
    const cpu = (name: keyof typeof rows) => rows[name].map(({ perCpuSecond }) => perCpuSecond)
    const over = (a: readonly number[], b: readonly number[]) =>
      median(a.map((value, i) => value / (b[i] ?? 1)))
    const ratio = over(cpu('bare'), cpu('ours'))
    return [
      {
        name: 'verify over HTTP, all checks',
        unit: 'verification a CPU second',
        ours: median(cpu('ours')),
        reference: 'a bare Express route: two ES256 verifications, one key imported',
        theirs: median(cpu('bare')),
        ratio,
        target: '≤ 1.3×',
        met: ratio <= 1.3,
      },
      {
        name: 'verify over HTTP, all checks',
        unit: 'verification a CPU second',
        ours: median(cpu('ours')),
        reference:
          'an EU certificate by Express: one ES256 verification, nothing about the moment or the holder',
        theirs: median(cpu('dcc')),
        ratio: over(cpu('ours'), cpu('dcc')),
      },
    ]
  } finally {
    for (const { child } of Object.values(servers)) child.kill()
  }
}

async function start(kind: string): Promise<Server> {
  const script = fileURLToPath(new URL('./service-server.ts', import.meta.url))
  const child = fork(script, [kind])
  const [{ port, bodies }] = (await once(child, 'message')) as [{ port: number; bodies: string[] }]
  return { child, port, bodies }
}

async function measure(server: Server, requests: number): Promise<Measured> {
  const before = await cpuSeconds(server)
  const begun = performance.now()
  await load(server, requests)
  const seconds = (performance.now() - begun) / 1000
  const used = (await cpuSeconds(server)) - before
  return { perCpuSecond: requests / used, perSecond: requests / seconds }
}

async function cpuSeconds({ child }: Server): Promise<number> {
  child.send('cpu')
  const [answer] = (await once(child, 'message')) as [{ cpuSeconds: number }]
  return answer.cpuSeconds
}

async function load({ port, bodies }: Server, requests: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  let next = 0
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (next < requests) await post(agent, port, bodies[next++ % bodies.length] as string)
    }),
  )
  agent.destroy()
}

function post(agent: Agent, port: number, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
    const outgoing = request(
      { agent, port, host: '127.0.0.1', path: '/verify', method: 'POST', headers },
      (incoming) => {
        let text = ''
        incoming.setEncoding('utf8')
        incoming.on('data', (chunk: string) => {
          text += chunk
        })
        incoming.on('end', () => {
          if (text.startsWith('{"ok":true')) resolve()
          else reject(new Error(`refused: ${text.slice(0, 300)}`))
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

export const bench: Bench = { name: 'service', run }
