// `ctid keys`: makes the key folder, shows it, publishes what verifiers need, refreshes and rotates.
import { parseArgs } from 'node:util'
import { CtidError, isCtidError, systemClock, systemRandom, toHex } from '../../base/index.ts'
import { rotateEvaluators, rotateEvaluatorsElsewhere } from '../../deployment/index.ts'
import {
  addKeyVersion,
  createVaultKey,
  dropOldVersions,
  type KeyKind,
  type Registry,
  type RotateOptions,
} from '../../registry/index.ts'
import { runRefresh } from '../../token/index.ts'
import { type Command, EXIT, type Io, noMore, table } from '../command.ts'
import { publishLists } from '../publish.ts'
import {
  openRegistrar,
  parseEvaluator,
  REGISTRAR_OPTIONS,
  REGISTRAR_USAGE,
  type Registrar,
} from '../system.ts'

const usage = `Usage: ctid keys init       make what is missing: key ceremony, registry, vault, issuer, certificates
       ctid keys list       public keys, versions and states; no secret is printed
       ctid keys publish DIR
                            trust-list.jwt, trust-anchor.json (public key of its signer), anchor.pem, status/
       ctid keys refresh    new evaluator shares of the same key: tokens stay, stolen old shares are useless
       ctid keys rotate KIND
                            token, record or binding: new registry keys; evaluators: a new token key; vault: a new
                            key for the records' keys. Without plaintext or re-enrolment. Interrupted: run it again
${REGISTRAR_USAGE}
  --by RHO           rotate evaluators whose shares are elsewhere ("ctid ceremony"): the folder with evaluators.json and
                     registrar.json of the other ceremony, and the products. Enrolment waits until it has ended
  --by-evaluator ID=URL
                     where an evaluator serves its share of RHO; repeat for each`

const OPTIONS = {
  ...REGISTRAR_OPTIONS,
  by: { type: 'string' },
  'by-evaluator': { type: 'string', multiple: true, default: [] as string[] },
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']

export const command: Command = {
  name: 'keys',
  summary: 'make, show, publish, refresh and rotate keys',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: OPTIONS,
    })
    const [action, operand, ...others] = positionals
    noMore(operand !== undefined && !TAKES_OPERAND.has(action ?? '') ? [operand] : others)
    const run = ACTIONS.get(action ?? '')
    if (!run) throw new CtidError('ERR_CLI_USAGE', { detail: 'init, list, publish, refresh or rotate' })
    const system = await openRegistrar(values, io)
    try {
      const result = await run(system, operand, io, values)
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
  system: Registrar,
  operand: string | undefined,
  io: Io,
  values: Values,
) => Promise<Readonly<Record<string, string | number>>>

const TAKES_OPERAND = new Set(['publish', 'rotate'])

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['init', describe],
  ['list', describe],
  ['publish', publish],
  ['refresh', refresh],
  ['rotate', rotate],
])

async function describe(system: Registrar): Promise<Record<string, string | number>> {
  const { keyring, registry } = system
  const keySet = keyring.keySet()
  const ring = await registry.keyStates()
  return {
    folder: keyring.folder,
    'token key': toHex(keySet.groupKey),
    evaluators: `${keySet.threshold} of ${keySet.shares.length}, version ${keySet.version}, epoch ${keySet.epoch}`,
    ...Object.fromEntries(ring.map(({ kind, version, state }) => [`registry ${kind} key ${version}`, state])),
    'issuer key': 'trustList' in system ? system.keyring.pki.parties.issuer.kid : 'elsewhere',
  }
}

async function publish(system: Registrar, directory: string | undefined): Promise<Record<string, string>> {
  if (directory === undefined) throw new CtidError('ERR_CLI_USAGE', { detail: 'publish DIR' })
  if (!('trustList' in system)) {
    throw new CtidError('ERR_CLI_USAGE', { detail: 'the issuer publishes: ctid copies publish DIR' })
  }
  return publishLists(system, system.keyring.pki, directory)
}

async function refresh({ keyring, group }: Registrar): Promise<Record<string, string | number>> {
  const next = runRefresh(keyring.keySet(), await keyring.shares(), { group, random: systemRandom })
  await keyring.saveEvaluators(next.keySet, next.shares)
  return { 'evaluator shares': 'refreshed', epoch: next.keySet.epoch }
}

const KINDS: readonly KeyKind[] = ['token', 'record', 'binding']
const KEPT = 'no: run it again when every bulk enrolment that began before has ended'
const SETTLING = 'no: run it again in two minutes, both keys answer until then'

async function rotate(
  system: Registrar,
  operand: string | undefined,
  io: Io,
  values: Values,
): Promise<Record<string, string | number>> {
  const { keyring, registry, group } = system
  const onProgress = ({ done }: { readonly done: number }) => {
    if (io.isTerminal) io.err(`${done} entries`)
  }
  if (operand === 'evaluators') {
    const { version, done, retired, faults } = await rotateEvaluatorsOf(system, values, { onProgress })
    for (const { evaluator, reason } of faults) io.err(`evaluator ${evaluator}: ${reason}`)
    return { rotated: operand, entries: done, version, 'former retired': retired ? 'yes' : SETTLING }
  }
  if (operand === 'vault') return rotateVault(system, onProgress)
  const kind = KINDS.find((one) => one === operand)
  if (!kind)
    throw new CtidError('ERR_CLI_USAGE', { detail: 'rotate token, record, binding, vault or evaluators' })
  const held = keyring.registry()
  const going = await isUnderWay(registry, kind, held[kind].at(-1)?.version)
  const keys = going ? held : addKeyVersion(held, kind, { group, random: systemRandom })
  // On disk before first use: a crash in between must not lose the only copy of a key.
  await keyring.saveRegistry(keys)
  await registry.useKeys(keys)
  const { done } = await registry.rotate(kind, { onProgress })
  const retired = await retire(registry, kind)
  if (retired) {
    const kept = dropOldVersions(keys, kind)
    await registry.useKeys(kept)
    await keyring.saveRegistry(kept)
  }
  const version = keys[kind].at(-1)?.version ?? 0
  return { rotated: kind, entries: done, version, 'former retired': retired ? 'yes' : SETTLING }
}

function rotateEvaluatorsOf(system: Registrar, values: Values, options: RotateOptions) {
  const { by, 'by-evaluator': places } = values
  if (by === undefined && places.length === 0) return rotateEvaluators(system, options)
  if (by === undefined || places.length === 0) {
    throw new CtidError('ERR_CLI_USAGE', { detail: '--by with --by-evaluator' })
  }
  const urls = new Map(places.map(parseEvaluator))
  const plainHttp = values['closed-network'] ?? false
  return rotateEvaluatorsElsewhere(system, { by, urls, plainHttp, clock: systemClock }, options)
}

// In two runs: what others sealed under the former key until they noticed is wrapped anew before that key is destroyed.
async function rotateVault(
  { keyring, registry }: Registrar,
  onProgress: (progress: { readonly done: number }) => void,
): Promise<Record<string, string | number>> {
  const held = keyring.vault()
  const isSecondRun = held.length > 1
  if (!isSecondRun) await keyring.saveVault([...held, createVaultKey(systemRandom)])
  const { done } = await registry.rotateVault({ onProgress })
  if (isSecondRun) await keyring.saveVault(keyring.vault().slice(-1))
  return { rotated: 'vault', entries: done, 'former destroyed': isSecondRun ? 'yes' : KEPT }
}

// Whether the newest key on disk belongs to a rotation that was interrupted, or has not settled.
async function isUnderWay(registry: Registry, kind: KeyKind, newest: number | undefined): Promise<boolean> {
  const own = (await registry.keyStates()).filter((row) => row.kind === kind)
  const isCurrent = own.some(({ version, state }) => version === newest && state === 'current')
  return !isCurrent || own.some(({ state }) => state === 'old')
}

async function retire(registry: Registry, kind: KeyKind): Promise<boolean> {
  try {
    await registry.retire(kind)
    return true
  } catch (error) {
    if (isCtidError(error) && error.code === 'ERR_REGISTRY_ROTATION') return false
    throw error
  }
}
