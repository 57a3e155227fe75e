// The log's party in the demo: its files for everybody, epochs and a monitor on a schedule, what a person may read about
// themselves, and a room where the log can be attacked.
import express, { type Router } from 'express'
import { type Clock, CtidError, type Json, type RandomBytes, toBase64url, toHex } from '#ctid/base'
import type { Deployment, DeploymentLog } from '#ctid/deployment'
import { logRouter, readJson } from '#ctid/http'
import type { EventRow } from '#ctid/registry'
import { createMonitor, type MonitorReport } from '#ctid/transparency'
import { ATTACKS, openAttackRoom } from './log-attacks.ts'

const ROUND_MS = 5_000

export type LogParty = {
  readonly router: Router
  readonly stop: () => void
}

export type LogPartyDeps = {
  readonly deployment: Deployment
  readonly log: DeploymentLog
  readonly logFolder: string
  readonly databaseFolder: string
  readonly attackFolder: string
  readonly clock: Clock
  readonly random: RandomBytes
}

export async function openLogParty(deps: LogPartyDeps): Promise<LogParty> {
  const { log, clock } = deps
  const { source, policy, directory } = log
  const monitor = createMonitor({ source, policy, clock })
  let report: MonitorReport & { at: number }
  const round = async () => {
    await log.epoch()
    report = { ...(await monitor.poll()), at: clock() }
  }
  await round()
  const timer = setInterval(() => void round().catch(() => undefined), ROUND_MS)
  timer.unref()

  const room = openAttackRoom({ ...deps, folder: deps.attackFolder })
  const keys = { logKey: policy.logKey, witnesses: policy.witnesses }
  const router = express.Router()
  router.use(logRouter({ source, ...keys, directory }))
  router.use(logRouter({ source: room.source, ...keys, prefix: '/log-attacked' }))
  router.get('/log-console', async (_request, response) => {
    const epoch = await log.epoch()
    response.json({
      threshold: policy.threshold,
      vrfKey: toHex(log.vrfPublicKey),
      monitor: report,
      epoch: epoch ? { number: epoch.number, index: epoch.index } : null,
    } as Json & object)
  })
  router.post('/log-console/attack', async (request, response) => {
    const { attack } = readJson(request)
    const known = ATTACKS.find((name) => name === attack)
    if (!known) throw new CtidError('ERR_HTTP_BAD_REQUEST')
    response.json(await room.run(known))
  })
  router.post('/log-console/reset', async (_request, response) => {
    await room.reset()
    response.json({ reset: true })
  })

  return { router, stop: () => clearInterval(timer) }
}

/** What the log has about an entry of the registry, for the person whose entry it is. */
export function readAbout({ log, store, holderProof }: Deployment) {
  return async (token: Uint8Array, entry: Uint8Array): Promise<Json> => {
    await log?.epoch()
    const proof = await holderProof(token)
    const events = await store.rows<EventRow>(
      'select entry, seq, kind, state, reason, officer, at, nonce from registry_event where entry = $1 order by seq',
      [entry],
    )
    return {
      // With the nonce the person recomputes each commitment, finds it in the log, and nobody else can.
      events: events.map(({ nonce, entry: id, ...event }) => ({
        ...event,
        nonce: toBase64url(nonce),
        entry: toBase64url(id),
      })),
      proof: proof
        ? {
            record: toBase64url(proof.claim.record),
            token: toBase64url(proof.claim.token),
            version: proof.claim.version,
            receipt: { ...proof.receipt },
          }
        : null,
    }
  }
}
