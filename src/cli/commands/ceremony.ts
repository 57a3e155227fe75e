// `ctid ceremony`: key ceremony, refresh and rotation between organisations, by files that are carried from one to the other.
import { parseArgs } from 'node:util'
import { CtidError, systemRandom } from '../../base/index.ts'
import { loadSodiumGroup } from '../../crypto/index.ts'
import {
  adoptRotationIn,
  beginCeremonyIn,
  type Carried,
  type CeremonyTools,
  confirmRefreshIn,
  confirmRotationIn,
  dealProductIn,
  dealRefreshIn,
  exchangeSharesIn,
  type Finished,
  finishCeremonyIn,
  finishRefreshIn,
  finishRotationIn,
  gatherRegistrar,
  type RotationFolders,
} from '../../deployment/index.ts'
import { type Command, EXIT, type Io, noMore } from '../command.ts'

const usage = `Usage: ctid ceremony begin DIR --id N [--threshold 2] [--evaluators 3] [--version 1]
       ctid ceremony exchange DIR
       ctid ceremony finish DIR
       ctid ceremony gather DIR
       ctid ceremony deal|confirm|refresh DIR --id N
       ctid ceremony multiply|confirm|rotate|adopt DIR --by RHO --id N

Each evaluator has a folder DIR of its own, on a machine of its own; files are carried between them. A file that is missing,
altered or of another ceremony is refused, and whose it is is said. Every file has mode 0600.

A token key:
  begin              makes broadcast-N.json: give it to everybody
  exchange           with everybody's broadcasts in DIR: makes message-N-to-M.json, one for each other evaluator. Confidential:
                     t of them for one evaluator are its share. A folder that was given other broadcasts is noticed
  finish             with everybody's messages in DIR: evaluator-N.json for "ctid evaluator", evaluators.json and ceremony.json
                     (public), registrar-N.json (secret, for the registrar). Messages and state are removed. Compare the key's
                     hash aloud before anybody is enrolled
  gather             registrar: from evaluators.json, ceremony.json and every registrar-N.json in DIR, its registrar.json

New shares of the same key (tokens stay; stolen old shares are useless), all evaluators taking part:
  deal               makes deal-N.json for everybody and, confidential, deal-N-to-M.json for each other evaluator
  confirm            with everybody's in DIR: makes confirmation-N.json for everybody
  refresh            with everybody's confirmation in DIR: replaces evaluator-N.json and evaluators.json. Give the registrar
                     the new evaluators.json

Another key, to which the registrar moves its entries without plaintext, when shares may be known to others. First a ceremony
as above in other folders, RHO, with the next --version. Then, all evaluators taking part:
  multiply           2T - 1 of them: makes product-N.json, also for the registrar's RHO, and, confidential, product-N-to-M.json
  confirm            with the same 2T - 1 products in DIR: makes confirmation-N.json for everybody
  rotate             with everybody's confirmation in DIR: the next share, in DIR/next. Now "ctid evaluator" serves RHO besides DIR,
                     and the registrar runs "ctid keys rotate evaluators --by RHO", which makes rotated.json for everybody
  adopt              with rotated.json in DIR: the next share takes the place of evaluator-N.json; the former one and that
                     in RHO are destroyed

  --id N             which evaluator this is, from 1
  --threshold T      how many make a token (default 2)
  --evaluators N     how many there are (default 3). Rotating the key without enrolling anew needs 2T - 1 or more
  --version V        of the key (default 1)
  --by RHO           this evaluator's folder of the other ceremony
  --json             one JSON document instead of words`

const OPTIONS = {
  id: { type: 'string' },
  threshold: { type: 'string', default: '2' },
  evaluators: { type: 'string', default: '3' },
  version: { type: 'string', default: '1' },
  by: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']
type Result = Partial<Carried> & Partial<Finished>

const ACTIONS: ReadonlyMap<
  string,
  (folder: string, values: Values, tools: CeremonyTools) => Promise<Result>
> = new Map<string, (folder: string, values: Values, tools: CeremonyTools) => Promise<Result>>([
  ['begin', begin],
  ['exchange', (folder, _, tools) => exchangeSharesIn(folder, tools)],
  ['finish', (folder, _, tools) => finishCeremonyIn(folder, tools)],
  ['gather', (folder, _, tools) => gatherRegistrar(folder, tools)],
  ['deal', (folder, values, tools) => dealRefreshIn(folder, idOf(values), tools)],
  [
    'confirm',
    (folder, values, tools) =>
      values.by === undefined
        ? confirmRefreshIn(folder, idOf(values), tools)
        : confirmRotationIn(foldersOf(folder, values), tools),
  ],
  ['refresh', (folder, values, tools) => finishRefreshIn(folder, idOf(values), tools)],
  ['multiply', (folder, values, tools) => dealProductIn(foldersOf(folder, values), tools)],
  ['rotate', (folder, values, tools) => finishRotationIn(foldersOf(folder, values), tools)],
  ['adopt', (folder, values, tools) => adoptRotationIn(foldersOf(folder, values), tools)],
])

export const command: Command = {
  name: 'ceremony',
  summary: 'make, refresh or rotate the token key between organisations, by files that are carried',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS })
    const [action = '', folder, ...others] = positionals
    noMore(others)
    const act = ACTIONS.get(action)
    if (!act || folder === undefined) {
      throw new CtidError('ERR_CLI_USAGE', { detail: `${[...ACTIONS.keys()].join(', ')}, and a folder` })
    }
    const tools = { group: await loadSodiumGroup(), random: systemRandom }
    report(await act(folder, values, tools), values, io)
    return EXIT.ok
  },
}

function begin(folder: string, values: Values, tools: CeremonyTools): Promise<Carried> {
  const count = numberOf(values.evaluators, 'evaluators', 64)
  const threshold = numberOf(values.threshold, 'threshold', count)
  if (threshold < 2) throw new CtidError('ERR_CLI_USAGE', { detail: '--threshold 2 or more' })
  const id = idOf(values)
  if (id > count) throw new CtidError('ERR_CLI_USAGE', { detail: '--id' })
  const version = numberOf(values.version, 'version', 65_535)
  return beginCeremonyIn(folder, id, { threshold, count, version }, tools)
}

function foldersOf(folder: string, values: Values): RotationFolders {
  const { by } = values
  if (by === undefined) throw new CtidError('ERR_CLI_USAGE', { detail: '--by RHO' })
  return { folder, by, id: idOf(values) }
}

function report({ toAll = [], confidential = [], keySet, hash }: Result, values: Values, io: Io): void {
  if (values.json) {
    const epoch = keySet?.epoch
    io.out(JSON.stringify({ ok: true, toAll, confidential, hash, epoch }))
    return
  }
  for (const name of toAll) io.out(`${name}: to everybody`)
  for (const name of confidential) io.out(`${name}: confidential`)
  if (hash !== undefined) io.out(`compare aloud: ${hash}`)
}

function idOf({ id }: Values): number {
  if (id === undefined) throw new CtidError('ERR_CLI_USAGE', { detail: '--id N' })
  return numberOf(id, 'id', 64)
}

function numberOf(text: string, option: string, largest: number): number {
  const value = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= largest)) throw new CtidError('ERR_CLI_USAGE', { detail: `--${option}` })
  return value
}
