// `ctid registry`: what an operator does with an entry: look, freeze, unfreeze, revoke, read its history, audit.
import { parseArgs } from 'node:util'
import { CtidError, isoTime, toHex } from '../../base/index.ts'
import { STEPS } from '../../registry/index.ts'
import { type Command, EXIT, noMore, records } from '../command.ts'
import { openRegistrar, parseToken, REGISTRAR_OPTIONS, REGISTRAR_USAGE, type Registrar } from '../system.ts'

const STEP_OF = { freeze: 'frozen', unfreeze: 'unfrozen', revoke: 'revoked' } as const
type StepName = keyof typeof STEP_OF
const ACTIONS: readonly string[] = ['look', 'history', ...Object.keys(STEP_OF), 'follow', 'audit']

const usage = `Usage: ctid registry look TOKEN
       ctid registry history TOKEN    with what the person needs to find each step in the log, and to hold it against the registry
       ctid registry freeze|unfreeze|revoke TOKEN --reason REASON --officer ID
       ctid registry follow TOKEN     tells the issuer the state again, where a step was interrupted before its copies followed
       ctid registry audit            one-to-one in both directions, recomputed from the tables

Revocation cannot be undone, freezing can. Copies follow: their status list says suspended or revoked.
Reasons: freeze    ${STEPS.frozen.reasons.join(', ')}
         unfreeze  ${STEPS.unfrozen.reasons.join(', ')}
         revoke    ${STEPS.revoked.reasons.join(', ')}
${REGISTRAR_USAGE}`

export const command: Command = {
  name: 'registry',
  summary: 'look at an entry, freeze, revoke, audit',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...REGISTRAR_OPTIONS, reason: { type: 'string' }, officer: { type: 'string' } },
    })
    const [action = '', token, ...others] = positionals
    if (!ACTIONS.includes(action)) throw new CtidError('ERR_CLI_USAGE', { detail: ACTIONS.join(', ') })
    noMore(action === 'audit' && token !== undefined ? [token] : others)
    if (action !== 'audit') parseToken(token)
    const system = await openRegistrar(values, io)
    try {
      const rows = await perform(system, action, token, values)
      if (values.json) io.out(JSON.stringify({ ok: true, rows }))
      else for (const line of records(rows, io)) io.out(line)
      return rows.some((row) => row['ok'] === false) ? EXIT.refused : EXIT.ok
    } finally {
      await system.close()
    }
  },
}

type Row = Readonly<Record<string, string | number | boolean | null | undefined>>

async function perform(
  system: Registrar,
  action: string,
  text: string | undefined,
  because: { readonly reason?: string | undefined; readonly officer?: string | undefined },
): Promise<readonly Row[]> {
  const { registry } = system
  if (action === 'audit') {
    const { findings } = await registry.audit({ deep: true })
    return findings.map(({ check, count }) => ({ check, count, ok: count === 0 }))
  }
  const token = parseToken(text)
  if (action === 'history') {
    return (await registry.history(token)).map(({ seq, at, kind, state, reason, officer, ...opening }) => ({
      seq,
      at: isoTime(at),
      kind,
      state,
      reason,
      officer,
      entry: toHex(opening.entry),
      nonce: toHex(opening.nonce),
      commitment: toHex(opening.commitment),
    }))
  }
  if (action === 'look' || action === 'follow') {
    const entry = await registry.lookup(token)
    if (!entry) throw new CtidError('ERR_REGISTRY_TOKEN')
    if (action === 'follow') await system.followState(token)
    return [{ state: entry.state, since: isoTime(entry.since), events: entry.events }]
  }
  const { reason, officer } = because
  if (reason === undefined || officer === undefined) {
    throw new CtidError('ERR_CLI_USAGE', { detail: '--reason and --officer' })
  }
  // Nothing is written while the copies could not follow.
  await system.issuing.ready()
  // The registry refuses reasons that are not in its list; the type is narrowed by that check.
  const entry = await registry[action as StepName](token, { reason: reason as never, officer })
  await system.followState(entry.token)
  return [{ state: entry.state, since: isoTime(entry.since) }]
}
