// What a desk, a wallet and two gates do with the separated parties, and the drill: parties are killed while they do it.
import { setTimeout as pause } from 'node:timers/promises'
import { fromBase64url, systemClock, systemRandom, utf8 } from '#ctid/base'
import { makeKeyProof } from '#ctid/credential'
import { REGISTRAR_SERVICE } from '#ctid/http'
import { syntheticPeople } from '#ctid/identity'
import { authorizeCall } from '#ctid/token'
import { createWallet, memoryStorage, webDeviceKeys } from '#ctid/wallet'
import { ended, type Topology } from './topology.ts'

const PEOPLE = syntheticPeople({ seed: 'topology', count: 2000 })

export type Enrolled = { readonly token: string; readonly status: string }
export type Verdict = { readonly ok: boolean; readonly code?: string }

export type Client = {
  /** At the desk, over HTTP, with the desk's secret. Throws when nothing was acknowledged. */
  enrol(person: number): Promise<Enrolled>
  /** Copies for the wallet; the desk's nonce, the wallet's keys. */
  issue(token: string, count: number): Promise<void>
  /** The wallet shows a fresh code, verifier 0 or 1 judges it. */
  verify(verifier: number): Promise<Verdict>
  /** The log's checkpoint as everybody can read it. */
  checkpoint(): Promise<string>
}

/** A desk, a wallet and its holder, for a topology that runs. */
export function openClient(topology: Topology): Client {
  const wallet = createWallet({
    storage: memoryStorage(),
    keys: webDeviceKeys(systemRandom),
    random: systemRandom,
    clock: systemClock,
  })

  async function desk<T>(path: string, message: object): Promise<T> {
    const body = utf8(JSON.stringify(message))
    const secret = fromBase64url(topology.deskSecret)
    const authorization = authorizeCall(
      { evaluator: REGISTRAR_SERVICE, method: 'POST', path, body },
      { caller: 'desk', secret },
      { now: systemClock(), random: systemRandom },
    )
    const headers = { 'Content-Type': 'application/json', Authorization: authorization }
    const response = await fetch(`${topology.registrar.url}${path}`, { method: 'POST', headers, body })
    const answer = (await response.json()) as T & { code?: string }
    if (!response.ok) throw new Error(`${response.status} ${answer.code}`)
    return answer
  }

  return {
    enrol: (person) => desk<Enrolled>('/enrol', { document: PEOPLE[person] }),
    async issue(token, count) {
      const { nonce } = await desk<{ nonce: string }>('/nonce', {})
      await wallet.refill(count, async (signers) => {
        const issuer = topology.issuer.url
        const proofs = await Promise.all(
          signers.map((signer) => makeKeyProof(signer, { issuer, nonce, now: systemClock() })),
        )
        type Wire = { holderKey: never; credential: string; attestation: string; status: never }
        const { copies } = await desk<{ copies: Wire[] }>('/copies', { token, proofs })
        return copies.map((copy) => ({ ...copy, attestation: fromBase64url(copy.attestation) }))
      })
    },
    async verify(verifier) {
      const showing = await wallet.show({ verifier: `gate ${verifier}`, kind: 'person' })
      const { text } = await showing.current()
      const response = await fetch(`${topology.verifiers[verifier]?.url}/verify`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ code: text }),
      })
      return (await response.json()) as Verdict
    },
    checkpoint: async () => (await fetch(`${topology.log.url}/checkpoint`)).text(),
  }
}

export type FailoverReport = {
  readonly acknowledged: number
  readonly lost: number
  /** Checks that were made meanwhile, and how many of them were not accepted. */
  readonly checks: number
  readonly refusedChecks: number
  /** From the kill to the next acknowledgement. */
  readonly milliseconds: number
}

const CALLERS = 4
const BEFORE = 20
const AFTER = 10
const CHECKS = 8

/**
 * Four callers enrol and a gate checks while the primary is killed and the standby promoted; then everybody who was
 * acknowledged is enrolled again, which must find the same token. `first` is the first person to enrol.
 */
export async function failOverUnderLoad(
  topology: Topology,
  client: Client,
  first: number,
): Promise<FailoverReport> {
  const acknowledged = new Map<number, string>()
  const report = { checks: 0, refusedChecks: 0 }
  let next = first
  let stopping = false
  const callers = Array.from({ length: CALLERS }, async () => {
    while (!stopping && next < PEOPLE.length) {
      const person = next++
      const enrolled = await client.enrol(person).catch(() => undefined)
      if (enrolled) acknowledged.set(person, enrolled.token)
      else await pause(20)
    }
  })
  const gate = (async () => {
    // Once before, and again and again while the database is gone: a check needs neither it nor the issuer.
    while (!stopping && report.checks < CHECKS) {
      const { ok } = await client.verify(1)
      report.checks++
      if (!ok) report.refusedChecks++
      await pause(150)
    }
  })()
  while (acknowledged.size < BEFORE) await pause(20)
  const killed = performance.now()
  await topology.failOver()
  const before = acknowledged.size
  const grown = async (by: number) => {
    for (const deadline = Date.now() + 60_000; acknowledged.size < before + by; await pause(10)) {
      if (Date.now() > deadline) throw new Error('nothing was acknowledged after the failover')
    }
  }
  await grown(1)
  const milliseconds = performance.now() - killed
  await grown(AFTER)
  stopping = true
  await Promise.all([...callers, gate])
  let lost = 0
  for (const [person, token] of acknowledged) {
    const again = await client.enrol(person)
    if (again.status !== 'existing' || again.token !== token) lost++
  }
  return { acknowledged: acknowledged.size, lost, milliseconds, ...report }
}

/** The whole drill, for a person to watch. `true`: nothing was lost and everything went on. */
export async function runDrill(topology: Topology, say: (line: string) => void): Promise<boolean> {
  const client = openClient(topology)
  let good = true
  const step = (what: string, isRight: boolean) => {
    good &&= isRight
    say(`${isRight ? '✓' : '✗'} ${what}`)
  }
  const { token, status } = await client.enrol(0)
  step('one person enrolled', status === 'created')
  await client.issue(token, 20)
  step('20 one-time copies issued and logged', true)
  for (const gate of [0, 1]) step(`verifier ${gate + 1} accepts a code`, (await client.verify(gate)).ok)

  const kill = async ({ name, child }: Topology['log']) => {
    say(`  ${name} is killed`)
    await ended(child, 'SIGKILL')
  }
  const [evaluator, witness, verifier] = [
    topology.evaluators[0],
    topology.witnesses[0],
    topology.verifiers[0],
  ]
  if (!evaluator || !witness || !verifier) return false
  await kill(evaluator)
  step('enrolment goes on with two evaluators', (await client.enrol(1)).status === 'created')
  await kill(witness)
  step('enrolment goes on with two witnesses', (await client.enrol(2)).status === 'created')
  await kill(verifier)
  step('the other verifier goes on', (await client.verify(1)).ok)
  await kill(topology.issuer)
  const unissued = await client.issue(token, 1).then(
    () => '',
    (error: Error) => error.message,
  )
  step('without the issuer no copy is issued', unissued === '503 ERR_ISSUER_UNAVAILABLE')
  step('but people are enrolled', (await client.enrol(3)).status === 'created')
  step('and codes are verified', (await client.verify(1)).ok)
  await topology.restart(topology.issuer)
  await client.issue(token, 5)
  step('started again, it issues', (await client.verify(1)).ok)

  say(
    '  the primary of the database is killed, the standby promoted, while four desks enrol and a gate checks',
  )
  const report = await failOverUnderLoad(topology, client, 4)
  const { acknowledged, lost, checks, refusedChecks, milliseconds } = report
  step(`${acknowledged} people acknowledged before and after, ${lost} lost`, lost === 0)
  step(`${checks} codes checked meanwhile, ${refusedChecks} refused`, checks > 0 && refusedChecks === 0)
  say(`  first acknowledgement ${(milliseconds / 1000).toFixed(1)} s after the kill`)

  await kill(topology.log)
  const refused = await client.enrol(PEOPLE.length - 1).then(
    () => false,
    () => true,
  )
  step('without the log nothing is acknowledged', refused)
  step('and codes are still verified', (await client.verify(1)).ok)
  return good
}
