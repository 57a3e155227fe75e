// `ctid audit`: the tools of a holder (is my record bound once? who asked about me?) and of an auditor (is the log whole?).
import { parseArgs } from 'node:util'
import { CtidError, fromHex, systemClock, toHex } from '../../base/index.ts'
import {
  checkLog,
  type OwnEntry,
  openCheckpoint,
  ownEntryFinder,
  parseEntry,
  parseHolderReceipt,
  readEntries,
  verifyHolderReceipt,
  verifyReceipt,
} from '../../transparency/index.ts'
import { type Command, EXIT, type Io, table } from '../command.ts'
import { POLICY_OPTIONS, POLICY_USAGE, policyOf, readTextFile, sourceAt, wholeNumber } from '../log-policy.ts'

export const command: Command = {
  name: 'audit',
  summary: 'check a whole log, a receipt, a registration, or find the entries about oneself',
  usage: `ctid audit fsck URL|FOLDER --key VKEY [--any-entries] [options]
ctid audit receipt FILE --entry HEX --key VKEY [options]
ctid audit holder FILE --record HEX --token HEX --vrf HEX [--record-version N] --key VKEY [options]
ctid audit own URL|FOLDER --audit-key-file FILE --writer NAME ... --key VKEY [options]

  fsck               re-derives root, tiles, directory roots and rules from the entries; needs no secret. With
                     --any-entries only root and tiles: for logs of other entries
  receipt            verifies a log receipt (tlog-proof) for an entry, offline
  holder             verifies that a record is bound to a token, once, and that no later token exists, offline
  own                lists the entries about the person who holds the audit key (64 hexadecimal digits in FILE)

${POLICY_USAGE}`,
  run,
}

const OPTIONS = {
  ...POLICY_OPTIONS,
  entry: { type: 'string' },
  record: { type: 'string' },
  token: { type: 'string' },
  vrf: { type: 'string' },
  'record-version': { type: 'string', default: '1' },
  'audit-key-file': { type: 'string' },
  writer: { type: 'string', multiple: true, default: [] as string[] },
  'any-entries': { type: 'boolean', default: false },
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']

async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS })
  const [action, place, ...rest] = positionals
  if (place === undefined || rest.length > 0) throw new CtidError('ERR_CLI_USAGE')
  if (action === 'fsck') return fsck(place, values, io)
  if (action === 'receipt') return receipt(place, values, io)
  if (action === 'holder') return holder(place, values, io)
  if (action === 'own') return own(place, values, io)
  throw new CtidError('ERR_CLI_USAGE')
}

async function fsck(location: string, values: Values, io: Io): Promise<number> {
  const report = await checkLog({
    source: sourceAt(location),
    policy: policyOf(values),
    clock: systemClock,
    entries: values['any-entries'] ? 'any' : 'ctid',
  })
  if (values.json) io.out(JSON.stringify(report))
  else {
    io.out(report.ok ? `whole: ${report.size} entries` : `NOT WHOLE: ${report.alarms.length} findings`)
    for (const alarm of report.alarms) {
      io.out(
        `  ${alarm.step}: ${alarm.kind}${alarm.index === undefined ? '' : ` at ${alarm.index}`}: ${alarm.detail}`,
      )
    }
  }
  return report.ok ? EXIT.ok : EXIT.refused
}

async function receipt(file: string, values: Values, io: Io): Promise<number> {
  const entry = hex(values.entry, '--entry HEX')
  const { index, size, cosigners } = await verifyReceipt(entry, await readTextFile(file), policyOf(values))
  const { type } = parseEntry(entry)
  if (values.json) io.out(JSON.stringify({ ok: true, type, index, size, cosigners }))
  else io.out(`logged: ${type}, entry ${index} of ${size}, seen by ${cosigners.length} witnesses`)
  return EXIT.ok
}

async function holder(file: string, values: Values, io: Io): Promise<number> {
  const claim = {
    record: hex(values.record, '--record HEX'),
    token: hex(values.token, '--token HEX'),
    version: wholeNumber(values['record-version'], 1_000_000, '--record-version'),
  }
  const policy = { ...policyOf(values), vrfPublicKey: hex(values.vrf, '--vrf HEX') }
  const result = await verifyHolderReceipt(claim, parseHolderReceipt(await readTextFile(file)), policy)
  if (values.json) io.out(JSON.stringify({ ok: true, ...result }))
  else io.out(`bound once: entry ${result.index}, proven for epoch ${result.epoch}; no later token`)
  return EXIT.ok
}

async function own(location: string, values: Values, io: Io): Promise<number> {
  const file = values['audit-key-file']
  if (file === undefined || values.writer.length === 0) throw new CtidError('ERR_CLI_USAGE')
  const find = ownEntryFinder(hex((await readTextFile(file)).trim(), '--audit-key-file'), {
    writers: values.writer,
  })
  const source = sourceAt(location)
  const note = await source.read('checkpoint')
  if (!note) throw new CtidError('ERR_LOG_CHECKPOINT', { detail: 'missing' })
  const { size } = await openCheckpoint(note, policyOf(values))
  const found: OwnEntry[] = []
  for await (const { index, entry } of readEntries(source, { start: 0, end: size }, size)) {
    const parsed = parseEntry(entry)
    const mine = parsed.form === 'personal' ? find(parsed, index) : undefined
    if (mine) found.push(mine)
  }
  const rows = found.map(({ index, writer, entry }) => ({
    index,
    writer,
    type: entry.type,
    time: entry.time,
    tag: toHex(entry.tag),
  }))
  if (values.json) io.out(JSON.stringify({ ok: true, size, entries: rows }))
  else for (const line of table(rows.map((row) => Object.values(row).map(String)))) io.out(line)
  return EXIT.ok
}

function hex(text: string | undefined, option: string): Uint8Array {
  try {
    if (text) return fromHex(text)
  } catch {
    // Falls through to the usage error.
  }
  throw new CtidError('ERR_CLI_USAGE', { detail: option })
}
