// `ctid health`: derive, explain and replay from files, with nothing but what is published and what was opened.
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { CtidError, type Json, parseJson, systemClock } from '../../base/index.ts'
import { parsePublicJwk } from '../../crypto/index.ts'
import {
  derive,
  type Evidence,
  explain,
  findAnomalies,
  openRuleSet,
  parseAuditBundle,
  parseRuleSet,
  parseSourceRegister,
  type RuleSet,
  replay,
  ruleSetHash,
  type SourceRegister,
  sourceLookup,
  verifyEvidence,
} from '../../health/index.ts'
import { type Command, EXIT, type Io } from '../command.ts'

const MAX_FILE = 64 * 1024 * 1024

export const command: Command = {
  name: 'health',
  summary: 'Derive and explain a health status, check rules, replay an authority’s records',
  usage: `ctid health replay --bundle FILE --sources FILE [--json]
      Repeats every derivation of an audit bundle, reports each colour that does not follow, and bursts of one
      reason from one source among people who share no other fact.
ctid health derive --rules FILE --sources FILE --evidence FILE [--at SECONDS] [--lang en|zh] [--json]
      Derives one person's status. The evidence file has one signed text a line.
ctid health rules --rules FILE [--signer JWK-FILE] [--json]
      Checks a rule set (JSON, or signed) as before publication, and prints its hash.
Exit codes: 0 everything follows, 1 something does not, 2 wrong command line, 3 a file cannot be read.`,
  run: async (args, io) => {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        bundle: { type: 'string' },
        sources: { type: 'string' },
        rules: { type: 'string' },
        evidence: { type: 'string' },
        signer: { type: 'string' },
        at: { type: 'string' },
        lang: { type: 'string', default: 'en' },
        json: { type: 'boolean', default: false },
      },
    })
    const [action] = positionals
    const { bundle, sources, rules, evidence, json } = values
    if (action === 'replay' && bundle && sources) return await runReplay(bundle, sources, json, io)
    if (action === 'rules' && rules) return await runRules(rules, values.signer, json, io)
    if (action === 'derive' && rules && sources && evidence) {
      const at = values.at === undefined ? systemClock() : Number(values.at)
      if (!Number.isSafeInteger(at) || at < 0) throw new CtidError('ERR_CLI_USAGE', { detail: '--at' })
      const language = values.lang === 'zh' ? 'zh' : 'en'
      return await runDerive({ rules, sources, evidence, at, language, json }, io)
    }
    io.err(command.usage)
    return EXIT.usage
  },
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    throw new CtidError('ERR_CLI_FILE', { detail: path })
  }
}

async function readDocument(path: string): Promise<Json> {
  return parseJson(await readText(path), { maxLength: MAX_FILE, maxDepth: 64 })
}

async function readSources(path: string): Promise<SourceRegister> {
  return parseSourceRegister(await readDocument(path))
}

async function runReplay(bundlePath: string, sourcesPath: string, json: boolean, io: Io): Promise<number> {
  const bundle = parseAuditBundle(await readDocument(bundlePath))
  const lookup = sourceLookup(await readSources(sourcesPath))
  const report = await replay(bundle, lookup)
  const evidence: Evidence[] = []
  const latest = bundle.records.reduce((last, { at }) => Math.max(last, at), 0)
  for (const text of bundle.openings) {
    const one = await verifyEvidence(text, { sources: lookup, now: latest, acceptExpired: true }).catch(
      () => undefined,
    )
    if (one) evidence.push(one)
  }
  const anomalies = findAnomalies(evidence)
  if (json) io.out(JSON.stringify({ ...report, anomalies }))
  else {
    for (const one of report.findings)
      io.out(
        `${one.digest.slice(0, 12)} ${one.what}${one.detail ? `: ${one.detail}` : ''}${one.sources.length > 0 ? ` [${one.sources.join(', ')}]` : ''}`,
      )
    for (const one of anomalies)
      io.out(
        `burst: ${one.people} people by ${one.source} for ${one.reason}; ${Math.round(one.share * 100)} % share another fact${one.sharedFact ? ` (${one.sharedFact})` : ''}`,
      )
    io.out(
      `${report.checked} derivations checked, ${report.followed} follow, ${report.findings.length} findings, ${anomalies.length} unexplained bursts`,
    )
  }
  return report.findings.length + anomalies.length === 0 ? EXIT.ok : EXIT.refused
}

async function readRules(path: string, signerPath: string | undefined): Promise<RuleSet> {
  const text = (await readText(path)).trim()
  if (text.startsWith('{')) return parseRuleSet(parseJson(text, { maxLength: MAX_FILE, maxDepth: 64 }))
  if (signerPath === undefined)
    throw new CtidError('ERR_HEALTH_RULE_SET', { detail: 'a signed rule set needs --signer' })
  return await openRuleSet(text, { expectedSigners: [parsePublicJwk(await readDocument(signerPath))] })
}

async function runRules(path: string, signer: string | undefined, json: boolean, io: Io): Promise<number> {
  const ruleSet = await readRules(path, signer)
  const { id, version, region, validFrom, validTo, sunset, rules } = ruleSet
  const facts = {
    hash: ruleSetHash(ruleSet),
    id,
    version,
    region,
    validFrom,
    validTo,
    sunset,
    rules: rules.length,
  }
  if (json) io.out(JSON.stringify(facts))
  else for (const [name, value] of Object.entries(facts)) io.out(`${name}: ${value}`)
  return EXIT.ok
}

type DeriveRequest = {
  readonly rules: string
  readonly sources: string
  readonly evidence: string
  readonly at: number
  readonly language: 'en' | 'zh'
  readonly json: boolean
}

async function runDerive(request: DeriveRequest, io: Io): Promise<number> {
  const lookup = sourceLookup(await readSources(request.sources))
  const ruleSet = await readRules(request.rules, undefined)
  const texts = (await readText(request.evidence)).split('\n').filter((line) => line.trim() !== '')
  const evidence: Evidence[] = []
  for (const text of texts)
    evidence.push(
      await verifyEvidence(text.trim(), { sources: lookup, now: request.at, acceptExpired: true }),
    )
  const status = derive(evidence, ruleSet, request.at)
  if (request.json) io.out(JSON.stringify(status))
  else for (const line of explain(status, request.language)) io.out(line)
  return EXIT.ok
}
