// `ctid enrol`: enrols a document; the same person again gives the same token.
import { parseArgs } from 'node:util'
import { CtidError, toHex } from '../../base/index.ts'
import { syntheticDocuments } from '../../identity/index.ts'
import { BULK_OPTIONS, enrolInBulk } from '../bulk.ts'
import { type Command, EXIT, noMore, table } from '../command.ts'
import {
  DOCUMENT_OPTIONS,
  openRegistrar,
  REGISTRAR_OPTIONS,
  REGISTRAR_USAGE,
  readDocument,
} from '../system.ts'

const usage = `Usage: ctid enrol FILE.json            (- for standard input)
       ctid enrol --number NUMBER --name NAME [--type TYPE] [--state CHN] [--valid-until DATE] [...]
       ctid enrol --synthetic SEED [--count N]
       ctid enrol --bulk FILE [--workers N] [--prove all|sampled]     (- for standard input)

A document has: documentType (resident-id, uscc, passport, residence-permit), documentNumber, name, and if
the number does not tell: issuingState, birthDate, sex; optional validUntil. Options of the same meaning:
  --type --number --name --state --birth-date --sex --valid-until
  --synthetic SEED   invented people with valid check digits instead: the same seed gives the same people
  --count N          how many of them (default 1)
  --bulk FILE        many documents: CSV whose header names members of a record, or one JSON object a line. Bad lines
                     are reported by number and code and set aside in FILE.rejected, the numbers and codes in
                     FILE.rejected.reasons; after an interruption the same command goes on where it stood
                     (FILE.checkpoint). A second run of the same file is refused while the first goes on
  --workers N        threads for --bulk (default: one a core)
  --prove HOW        all: every batch proved by the evaluators; sampled: one in eight, and canaries in each. Default:
                     all with --evaluator, sampled when all evaluators are in this process
${REGISTRAR_USAGE}`

export const command: Command = {
  name: 'enrol',
  summary: 'enrol a document: from its number to an irreversible token',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...REGISTRAR_OPTIONS,
        ...DOCUMENT_OPTIONS,
        synthetic: { type: 'string' },
        count: { type: 'string', default: '1' },
        ...BULK_OPTIONS,
      },
    })
    const [file, ...others] = positionals
    noMore(file !== undefined && (values.synthetic ?? values.bulk) !== undefined ? positionals : others)
    if (values.bulk !== undefined) return enrolInBulk({ ...values, bulk: values.bulk }, io)
    const documents: readonly unknown[] =
      values.synthetic === undefined
        ? [await readDocument(file, values, io)]
        : syntheticDocuments({ seed: values.synthetic, count: countOf(values.count) })
    const system = await openRegistrar(values, io)
    try {
      const rows: { token: string; status: string; state: string }[] = []
      for (const document of documents) {
        const { token, status, entry, faults } = await system.enrol(document)
        for (const { evaluator, reason } of faults) io.err(`evaluator ${evaluator}: ${reason}`)
        rows.push({ token: toHex(token), status, state: entry.state })
      }
      if (values.json) for (const row of rows) io.out(JSON.stringify({ ok: true, ...row }))
      else {
        const lines = rows.map((row) => [row.token, row.status, row.state])
        for (const line of table([['token', 'enrolment', 'state'], ...lines])) io.out(line)
      }
      return EXIT.ok
    } finally {
      await system.close()
    }
  },
}

function countOf(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > 10_000) {
    throw new CtidError('ERR_CLI_USAGE', { detail: '--count 1 to 10000' })
  }
  return count
}
