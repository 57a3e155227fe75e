// The one wiring file: all parties of the demo, in one process, each reachable only through its own router.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import express, { type Router } from 'express'
import { type Clock, type RandomBytes, systemRandom } from '#ctid/base'
import { type Deployment, openDeployment } from '#ctid/deployment'
import { issuerStatusRouter, rawBody, relayRouter } from '#ctid/http'
import { canonicalIdentity } from '#ctid/identity'
import { memoryRelay } from '#ctid/qr'
import { deriveAnchors } from '#ctid/token'
import { authorityRouter } from './parties/authority.ts'
import { departmentsRouter } from './parties/departments.ts'
import { openDesk } from './parties/desk.ts'
import { type Evaluators, openEvaluators } from './parties/evaluators.ts'
import { openHealth } from './parties/health.ts'
import { openIssuing } from './parties/issuing.ts'
import { openLogParty, readAbout } from './parties/log.ts'
import { openProtocols } from './parties/open-protocols.ts'
import { registrarRouter } from './parties/registrar.ts'
import { residents } from './parties/town.ts'

export type WiringOptions = {
  /** Where the keys are made and kept. */
  readonly keyFolder: string
  /** Where the database is. */
  readonly stateFolder: string
  /** Address under which the parties will answer, without a slash at the end. */
  readonly baseUrl: string
  readonly clock: Clock
  readonly random?: RandomBytes
}

export type Town = {
  readonly routers: readonly Router[]
  readonly deployment: Deployment
  readonly close: () => Promise<void>
}

/** Makes what is missing (keys, database, a small synthetic town) and wires everything together. */
export async function wireTown(options: WiringOptions): Promise<Town> {
  const { keyFolder, stateFolder, baseUrl, clock, random = systemRandom } = options
  const databaseFolder = join(stateFolder, 'database')
  mkdirSync(databaseFolder, { recursive: true, mode: 0o700 })
  const logFolder = join(stateFolder, 'log')
  const deployment = await openDeployment({
    log: { directory: logFolder, localWitnesses: 2, threshold: 2 },
    keysFolder: keyFolder,
    storeUrl: join(databaseFolder, 'ctid.db'),
    clock,
    random,
    baseUrl,
  })
  const { registry, store, group, keyring, issuer, statusPublisher, trustList, log } = deployment
  const evaluators = openEvaluators({ keyring, evaluators: deployment.evaluators, group, random })
  const issuing = openIssuing(deployment)
  const desk = await openDesk({
    store,
    registry,
    issuing,
    issuerId: issuer.issuerId,
    clock,
    readAbout: readAbout(deployment),
  })
  const health = await openHealth(deployment, join(keyFolder, 'health.json'))
  await registry.settleLog()
  await settleTown(deployment, evaluators)
  const folders = { logFolder, databaseFolder, attackFolder: join(stateFolder, 'log-attacked') }
  const logParty = log && (await openLogParty({ deployment, log, ...folders, clock, random }))

  const parties = express.Router()
  parties.use(rawBody())
  parties.use(
    '/registrar',
    registrarRouter({
      evaluators,
      registry,
      group,
      random,
      clock,
      appoint: desk.appoint,
      enrolInHealth: health.enrol,
    }),
  )
  parties.use('/desk', desk.router)
  parties.use(
    '/console',
    authorityRouter({ ...deployment, evaluators, random, databaseFolder, onState: issuing.follow }),
  )
  parties.use(relayRouter({ relay: memoryRelay({ clock }) }))
  parties.use(issuerStatusRouter({ publisher: statusPublisher, trustList, anchorPem: keyring.pki.anchorPem }))
  parties.use(issuing.router)
  parties.use(await openProtocols({ deployment, issuing, baseUrl, clock, random }))
  if (logParty) parties.use(logParty.router)
  parties.use(health.router)
  parties.use('/health-console', health.console)
  if (log) parties.use('/departments-console', departmentsRouter({ group, log, evaluators, clock, random }))
  return {
    routers: [parties],
    deployment,
    close: async () => {
      health.stop()
      logParty?.stop()
      await deployment.close()
    },
  }
}

// Everybody of the town who is not to walk in during the demo. On later runs all are found and nothing is added.
async function settleTown({ registry, group, issuer }: Deployment, evaluators: Evaluators): Promise<void> {
  const records = residents()
  const { anchors } = await deriveAnchors(
    records.map((record) => canonicalIdentity(record)),
    { evaluators: await evaluators.list(), keySet: evaluators.keySet(), group, random: issuer.random },
  )
  const applications = records.flatMap((record, at) => {
    const anchor = anchors[at]
    return anchor ? [{ record, anchor, officer: 'desk-1' }] : []
  })
  await registry.enrolMany(applications)
}
