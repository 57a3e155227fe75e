// Loads TypeScript for the benches: types removed, nothing added, as in the published package. tsx, which everything else here
// is run with, names each closure where it is made; a verification of a code takes some five per cent longer by that.
import { readFile } from 'node:fs/promises'
import { register } from 'node:module'
import { transform } from 'esbuild'

const HOOKS = '?hooks'
if (!import.meta.url.endsWith(HOOKS)) register(import.meta.url + HOOKS)

export async function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return nextLoad(url, context)
  const source = await readFile(new URL(url), 'utf8')
  const { code } = await transform(source, {
    loader: 'ts',
    target: 'node20',
    sourcefile: url,
    sourcemap: 'inline',
  })
  return { format: 'module', source: code, shortCircuit: true }
}
