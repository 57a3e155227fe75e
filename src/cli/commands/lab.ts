// `ctid lab`: runs the labs of the course. They live in the repository beside the library and are never published with it,
// because they contain wrong designs; so they are loaded from the checkout.
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { loadSodiumGroup } from '../../crypto/index.ts'
import { type Command, EXIT, type Io, table } from '../command.ts'

// What this command needs of demo/labs, which it cannot import: the package must build without it.
type Text = { readonly en: string; readonly zh: string }
type Language = 'en' | 'zh'
type Figure = { readonly id: string }
type Exercise = { readonly question: Text; readonly hint: Text; check(answer: string): boolean }
type Result = { readonly figures: readonly Figure[] }
type Lab = {
  readonly id: string
  readonly name: string
  readonly title: Text
  readonly question: Text
  readonly exercises: readonly Exercise[]
  run(context: object): Promise<Result>
}
type Course = {
  loadLabs(): Promise<Lab[]>
  findLab(wanted: string): Promise<Lab | undefined>
}
type Story = {
  tellStory(lab: Lab, result: Result, language: Language): string[]
  tellFigures(figures: readonly Figure[], language: Language): string[]
}
type Plot = { toSvg(figure: Figure, options: { readonly language: Language }): string }

const WORDS = {
  right: { en: 'Right.', zh: '正确。' },
  wrong: { en: 'Not yet. Hint: ', zh: '还不对。提示：' },
  run: { en: 'Run one with: npm run lab -- 1', zh: '运行其中一个：npm run lab -- 1' },
} as const

export const command: Command = {
  name: 'lab',
  summary: 'Run a lab of the course: an attack on a naive design, and the same attack on this one',
  usage: `ctid lab                      lists the labs
ctid lab NAME|NN              runs one: question, mechanism, numbers, chart, why, limits, exercises
  --full                      at full size (small takes seconds)
  --seed TEXT                 other people, keys and guesses
  --figures                   prints every figure, not the first only
  --svg DIR                   also writes the figures as SVG
  --lang zh                   in Chinese
  --json                      the result as JSON
ctid lab NN --answer N TEXT   checks an answer to exercise N

  The labs come with the repository, not with the package: run this in a checkout (npm run lab -- 1).`,
  run: async (args, io) => {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        full: { type: 'boolean', default: false },
        figures: { type: 'boolean', default: false },
        seed: { type: 'string', default: 'course' },
        svg: { type: 'string' },
        lang: { type: 'string', default: 'en' },
        answer: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    const [wanted, ...answer] = positionals
    const language = values.lang
    if (language !== 'en' && language !== 'zh') return usage(io)
    const load = await findCourse()
    if (!load) {
      io.err('ctid lab: the labs come with the repository. Clone it, then: npm ci && npm run lab -- 1')
      return EXIT.unavailable
    }
    const course = (await load('index')) as Course
    if (wanted === undefined) return list(await course.loadLabs(), { language, json: values.json }, io)
    const lab = await course.findLab(wanted)
    if (!lab) {
      io.err('ctid lab: there is no lab of that name; "ctid lab" lists them')
      return EXIT.usage
    }
    if (values.answer !== undefined) return check(lab, values.answer, answer.join(' '), language, io)
    if (answer.length > 0) return usage(io)

    const result = await lab.run({
      seed: values.seed,
      scale: values.full ? 'full' : 'small',
      group: await loadSodiumGroup(),
      log: (line: Text) => io.err(line[language]),
    })
    if (values.json) {
      io.out(JSON.stringify({ id: lab.id, name: lab.name, seed: values.seed, ...result }))
    } else {
      const story = (await load('story')) as Story
      for (const line of story.tellStory(lab, result, language)) io.out(line)
      if (values.figures)
        for (const line of story.tellFigures(result.figures.slice(1), language)) io.out(line)
    }
    if (values.svg !== undefined) {
      const { toSvg } = (await load('plot')) as Plot
      await mkdir(values.svg, { recursive: true })
      for (const figure of result.figures) {
        const path = join(values.svg, `${figure.id}.svg`)
        await writeFile(path, toSvg(figure, { language }))
        io.err(path)
      }
    }
    return EXIT.ok
  },
}

function usage(io: Io): number {
  io.err(command.usage)
  return EXIT.usage
}

function list(labs: readonly Lab[], options: { language: Language; json: boolean }, io: Io): number {
  const { language } = options
  if (options.json) {
    io.out(JSON.stringify(labs.map(({ id, name, title, question }) => ({ id, name, title, question }))))
    return EXIT.ok
  }
  for (const line of table(labs.map(({ id, name, title }) => [id, name, title[language]]))) io.out(line)
  io.out('')
  io.out(WORDS.run[language])
  return EXIT.ok
}

function check(lab: Lab, number: string, answer: string, language: Language, io: Io): number {
  const exercise = lab.exercises[Number(number) - 1]
  if (!exercise || answer === '') return usage(io)
  if (exercise.check(answer)) {
    io.out(WORDS.right[language])
    return EXIT.ok
  }
  io.out(WORDS.wrong[language] + exercise.hint[language])
  return EXIT.refused
}

// From sources (tsx, or a Node that strips types) a plain import does; the built command on Node 20 asks tsx for it.
async function findCourse(): Promise<((module: string) => Promise<unknown>) | undefined> {
  const folder = fileURLToPath(new URL('../../../demo/labs/', import.meta.url))
  if (!existsSync(join(folder, 'index.ts'))) return undefined
  const urlOf = (module: string) => pathToFileURL(join(folder, `${module}.ts`)).href
  if (import.meta.url.endsWith('.ts')) return (module) => import(urlOf(module))
  try {
    // By a variable, so that the types of the package need no tsx. What `require` would find is for `require` only.
    const tsx = 'tsx/esm/api'
    const { tsImport } = (await import(tsx)) as {
      tsImport(url: string, parent: string): Promise<unknown>
    }
    return (module) => tsImport(urlOf(module), import.meta.url)
  } catch {
    return undefined
  }
}
