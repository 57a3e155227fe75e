// `ctid keys`: makes the key folder, shows it, publishes what verifiers need, refreshes and rotates.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CtidError, systemRandom, toHex } from '../../base/index.ts'
import type { Deployment } from '../../deployment/index.ts'
import { addKeyVersion, dropOldVersions, type KeyKind } from '../../registry/index.ts'
import { runRefresh } from '../../token/index.ts'
import { type Command, EXIT, type Io, table } from '../command.ts'
import { openSystem, SYSTEM_OPTIONS, SYSTEM_USAGE } from '../system.ts'

const usage = `Usage: ctid keys init       make what is missing: key ceremony, registry, vault, issuer, certificates
       ctid keys list       public keys, versions and states; no secret is printed
       ctid keys publish DIR
                            trust-list.jwt, trust-anchor.json (public key of its signer), anchor.pem, status/
       ctid keys refresh    new evaluator shares of the same key: tokens stay, stolen old shares are useless
       ctid keys rotate KIND
                            token, record or binding: new registry keys without plaintext or re-enrolment
${SYSTEM_USAGE}`

export const command: Command = {
  name: 'keys',
  summary: 'make, show, publish, refresh and rotate keys',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: SYSTEM_OPTIONS,
    })
    const [action, operand] = positionals
    const run = ACTIONS.get(action ?? '')
    if (!run) throw new CtidError('ERR_CLI_USAGE', { detail: 'init, list, publish, refresh or rotate' })
    const system = await openSystem(values, io)
    try {
      const result = await run(system, operand, io)
      if (values.json) io.out(JSON.stringify({ ok: true, ...result }))
      else
        for (const line of table(Object.entries(result).map(([name, value]) => [name, String(value)])))
          io.out(line)
      return EXIT.ok
    } finally {
      await system.close()
    }
  },
}

type Action = (
  system: Deployment,
  operand: string | undefined,
  io: Io,
) => Promise<Readonly<Record<string, string | number>>>

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['init', describe],
  ['list', describe],
  ['publish', publish],
  ['refresh', refresh],
  ['rotate', rotate],
])

async function describe({ keyring, store }: Deployment): Promise<Record<string, string | number>> {
  const keySet = keyring.keySet()
  const ring = await store.rows<{ kind: string; version: number; state: string }>(
    'select kind, version, state from registry_key order by kind, version',
  )
  return {
    folder: keyring.folder,
    'token key': toHex(keySet.groupKey),
    evaluators: `${keySet.threshold} of ${keySet.shares.length}, version ${keySet.version}, epoch ${keySet.epoch}`,
    ...Object.fromEntries(ring.map(({ kind, version, state }) => [`registry ${kind} key ${version}`, state])),
    'issuer key': keyring.pki.parties.issuer.kid,
  }
}

async function publish(system: Deployment, directory: string | undefined): Promise<Record<string, string>> {
  if (directory === undefined) throw new CtidError('ERR_CLI_USAGE', { detail: 'publish DIR' })
  const { pki } = system.keyring
  await mkdir(join(directory, 'status'), { recursive: true })
  const files = new Map<string, string>([
    ['trust-list.jwt', await system.trustList()],
    ['trust-anchor.json', JSON.stringify(pki.parties.rules.signer.publicJwk)],
    ['anchor.pem', pki.anchorPem],
  ])
  const newest = await system.issuer.ledger.newestList()
  for (let list = 0; list <= newest; list++) {
    const published = await system.statusPublisher.token(list)
    const name = encodeURIComponent(`${system.issuer.statusListBase}${list}`)
    if (published) files.set(join('status', name), published.token)
  }
  for (const [name, text] of files) await writeFile(join(directory, name), text)
  return { published: directory, 'status lists': String(newest + 1) }
}

async function refresh({ keyring, group }: Deployment): Promise<Record<string, string | number>> {
  const next = runRefresh(keyring.keySet(), await keyring.shares(), { group, random: systemRandom })
  await keyring.saveEvaluators(next.keySet, next.shares)
  return { 'evaluator shares': 'refreshed', epoch: next.keySet.epoch }
}

const KINDS: readonly KeyKind[] = ['token', 'record', 'binding']

async function rotate(
  { keyring, registry, group }: Deployment,
  operand: string | undefined,
  io: Io,
): Promise<Record<string, string | number>> {
  const kind = KINDS.find((one) => one === operand)
  if (!kind) throw new CtidError('ERR_CLI_USAGE', { detail: 'rotate token, record or binding' })
  const keys = addKeyVersion(keyring.registry(), kind, { group, random: systemRandom })
  // On disk before first use: a crash in between must not lose the only copy of a key.
  await keyring.saveRegistry(keys)
  await registry.useKeys(keys)
  const progress = await registry.rotate(kind, {
    onProgress: ({ done }) => {
      if (io.isTerminal) io.err(`${done} entries`)
    },
  })
  await registry.retire(kind)
  const kept = dropOldVersions(keys, kind)
  await registry.useKeys(kept)
  await keyring.saveRegistry(kept)
  return { rotated: kind, entries: progress.done, version: kept[kind].at(-1)?.version ?? 0 }
}
