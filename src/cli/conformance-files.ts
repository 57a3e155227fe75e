// Finding and reading conformance files: folders, neighbours, one published file a test or one collected file for all.
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { COMPANIONS, isComplete, merge } from '../health/conformance/companions.ts'
import { type FileKind, recognise } from '../health/conformance/run.ts'
import type { TestData } from '../health/conformance/tally.ts'
import { adaptJson, adaptText, joinPieces, ruleLogic, ruleName } from '../health/conformance/upstream.ts'
import { decodePng } from '../qr/png.ts'

/** One file; `kind` is undefined when its content is none of ours. */
export type Loaded = { readonly path: string; readonly kind: FileKind | undefined; readonly file: TestData }

const EXTENSIONS = ['.json', '.txt', '.png', '.smart-health-card']
const MAX_FILES = 20_000

/** Every file that the arguments name; folders are walked. Undefined names one that cannot be read. */
export async function loadAll(
  paths: readonly string[],
): Promise<readonly Loaded[] | { readonly unreadable: string }> {
  const loaded: Loaded[] = []
  for (const path of paths) {
    const folder = await isFolder(path)
    const files = folder ? await walk(path) : [path]
    for (const one of files) {
      const found = await load(one)
      if (!found && !folder) return { unreadable: one }
      // In a folder there is more than tests: what is none of ours is passed over.
      if (found && (found.kind !== undefined || !folder)) loaded.push(found)
    }
  }
  const withRules: Loaded[] = []
  for (const one of loaded) withRules.push(one.kind === 'rule-tests' ? await withRule(one, loaded) : one)
  return joinCards(withRules)
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (one) => one.isDirectory(),
    () => false,
  )
}

async function walk(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true })
  return names
    .filter((name) => EXTENSIONS.includes(extname(name)))
    .sort()
    .slice(0, MAX_FILES)
    .map((name) => join(folder, name))
}

async function load(path: string): Promise<Loaded | undefined> {
  try {
    const bytes = await readFile(path)
    const id = path.slice(0, path.length - extname(path).length)
    if (extname(path) === '.png') return { path, ...(adaptText(decodePng(bytes), id) ?? NONE) }
    const text = bytes.toString('utf8')
    const json = tryJson(text)
    if (json === undefined) {
      const adapted = adaptText(text, id)
      return adapted && { path, ...adapted }
    }
    const adapted = adaptJson(json, id)
    return adapted ? { path, ...adapted } : { path, kind: recognise(json), file: json }
  } catch {
    return undefined
  }
}

const NONE = { kind: undefined, file: undefined }

function tryJson(text: string): TestData {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Puts tests beside their rule: `RULE/rule.json` above `RULE/tests/`, or the rule that bears the tests' file name. */
async function withRule(tests: Loaded, loaded: readonly Loaded[]): Promise<Loaded> {
  const folder = dirname(tests.path)
  const names = [basename(folder), basename(tests.path, extname(tests.path))]
  const beside = await loadBeside([dirname(folder), folder], 'production-rules')
  const own = beside.find(({ path }) => path === join(dirname(folder), 'rule.json'))
  const all = [...loaded.filter(({ kind }) => kind === 'production-rules'), ...beside]
  const rule = [own ? rulesOf(own)[0] : undefined, ...all.flatMap(rulesOf)].find(
    (one, i) => one && (i === 0 || names.includes(ruleName(one) ?? '')),
  )
  if (!rule) return { ...tests, file: { ...tests.file, id: tests.path } }
  const entry = { id: ruleName(rule), rule: { ...rule, Logic: ruleLogic(rule) }, tests: tests.file.tests }
  return { path: tests.path, kind: 'member-rules', file: { rules: [entry] } }
}

function rulesOf({ file }: Loaded): readonly TestData[] {
  return Object.values<TestData[]>(file.rules).flat()
}

function joinCards(loaded: readonly Loaded[]): readonly Loaded[] {
  const cards = loaded.filter(({ kind, file }) => kind === 'shc' && file.jwks === undefined)
  const joined = joinPieces(cards.map(({ file }) => ({ kind: 'shc', file })))
  if (joined.length === cards.length) return loaded
  const path = cards[0]?.path ?? ''
  return [...loaded.filter((one) => !cards.includes(one)), ...joined.map((one) => ({ path, ...one }))]
}

/** The companions that a file needs, all of each kind read as one; undefined with the kind that is missing. */
export async function companionsOf(
  { path, kind, file }: Loaded,
  loaded: readonly Loaded[],
): Promise<{ readonly found: ReadonlyMap<FileKind, TestData>; readonly missing: readonly FileKind[] }> {
  const found = new Map<FileKind, TestData>()
  const missing: FileKind[] = []
  const needed = kind === undefined || isComplete(kind, file) ? [] : (COMPANIONS[kind] ?? [])
  for (const one of needed) {
    const given = loaded.filter((other) => other.kind === one)
    const beside = (await loadBeside([dirname(path)], one)).filter(
      (other) => !given.some((known) => known.path === other.path),
    )
    const files = [...given, ...beside].map((other) => other.file)
    if (files.length > 0) found.set(one, merge(one, files))
    else missing.push(one)
  }
  return { found, missing }
}

const neighbours = new Map<string, Promise<readonly Loaded[]>>()

async function loadBeside(folders: readonly string[], kind: FileKind): Promise<readonly Loaded[]> {
  const lists = await Promise.all(
    folders.map((folder) => {
      const known = neighbours.get(folder)
      if (known) return known
      const list = loadFolder(folder)
      neighbours.set(folder, list)
      return list
    }),
  )
  return lists.flat().filter((one) => one.kind === kind)
}

async function loadFolder(folder: string): Promise<readonly Loaded[]> {
  const names = await readdir(folder).catch(() => [])
  const list = await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => load(join(folder, name))),
  )
  return list.filter((one) => one !== undefined)
}
