// The one wiring file: all parties of the demo, in one process, each reachable only through its own router.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import express, { type Router } from 'express'
import { type Clock, type RandomBytes, systemRandom } from '#ctid/base'
import { type Group, loadSodiumGroup } from '#ctid/crypto'
import { rawBody, relayRouter } from '#ctid/http'
import { canonicalIdentity } from '#ctid/identity'
import { memoryRelay } from '#ctid/qr'
import { localVault, openRegistry, type Registry } from '#ctid/registry'
import { openStore, type Store } from '#ctid/store'
import { deriveAnchors } from '#ctid/token'
import { loadOrCreatePki } from '../src/trust/node.ts'
import { openKeyring } from './keyring.ts'
import { authorityRouter } from './parties/authority.ts'
import { openDesk } from './parties/desk.ts'
import { type Evaluators, openEvaluators } from './parties/evaluators.ts'
import { openIssuing } from './parties/issuing.ts'
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
  readonly registry: Registry
  readonly store: Store
  readonly close: () => Promise<void>
}

/** Makes what is missing (keys, database, a small synthetic town) and wires everything together. */
export async function wireTown(options: WiringOptions): Promise<Town> {
  const { keyFolder, stateFolder, baseUrl, clock, random = systemRandom } = options
  const group = await loadSodiumGroup()
  const keyring = await openKeyring(keyFolder, { group, random })
  const pki = await loadOrCreatePki(join(keyFolder, 'pki'), { now: clock(), random, baseUrl })
  const databaseFolder = join(stateFolder, 'database')
  mkdirSync(databaseFolder, { recursive: true, mode: 0o700 })
  const store = await openStore(join(databaseFolder, 'ctid.db'))
  const vault = localVault(keyring.vault(), { random })
  const registry = await openRegistry({ store, keys: keyring.registry(), vault, group, clock, random })
  const evaluators = openEvaluators(keyring, { group, random })
  const issuing = await openIssuing({
    store,
    key: pki.parties.issuer,
    linkKey: keyring.linkKey(),
    publisher: await keyring.publisher(),
    baseUrl,
    clock,
    random,
  })
  const desk = await openDesk({ store, registry, issuing, issuerId: `${baseUrl}/issuer`, clock })
  await settleTown({ registry, evaluators, group, random })

  const parties = express.Router()
  parties.use(rawBody())
  parties.use(
    '/registrar',
    registrarRouter({ evaluators, registry, group, random, clock, appoint: desk.appoint }),
  )
  parties.use('/desk', desk.router)
  parties.use(
    '/console',
    authorityRouter({
      store,
      registry,
      keyring,
      evaluators,
      group,
      random,
      databaseFolder,
      onState: issuing.follow,
    }),
  )
  parties.use(relayRouter({ relay: memoryRelay({ clock }) }))
  parties.use(issuing.router)
  return { routers: [parties], registry, store, close: () => store.close() }
}

type Settling = {
  readonly registry: Registry
  readonly evaluators: Evaluators
  readonly group: Group
  readonly random: RandomBytes
}

// Everybody of the town who is not to walk in during the demo. On later runs all are found and nothing is added.
async function settleTown({ registry, evaluators, group, random }: Settling): Promise<void> {
  const records = residents()
  const ids = records.map((record) => canonicalIdentity(record))
  const { anchors } = await deriveAnchors(ids, {
    evaluators: evaluators.list(),
    keySet: evaluators.keySet(),
    group,
    random,
  })
  const applications = records.flatMap((record, at) => {
    const anchor = anchors[at]
    return anchor ? [{ record, anchor, officer: 'desk-1' }] : []
  })
  await registry.enrolMany(applications)
}
