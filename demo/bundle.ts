// Bundles the pages' modules and styles with esbuild, in memory: nothing is written, nothing comes from elsewhere.
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type OutputFile } from 'esbuild'

export type Asset = { readonly body: Uint8Array; readonly type: string }

const here = fileURLToPath(new URL('.', import.meta.url))

/** Returns the files to serve under `/assets`, by name, and the service worker as `sw.js`, which keeps `paths` as well. */
export async function bundlePages(
  names: readonly string[],
  paths: readonly string[],
): Promise<ReadonlyMap<string, Asset>> {
  const common: BuildOptions & { readonly write: false } = {
    absWorkingDir: here,
    bundle: true,
    write: false,
    minify: true,
    external: ['/public/*'],
    legalComments: 'none',
    target: ['es2022', 'chrome123', 'firefox120', 'safari17.5'],
    logLevel: 'error',
  }
  const [scripts, styles] = await Promise.all([
    build({
      ...common,
      entryPoints: names.map((name) => ({ in: `pages/${name}/client.ts`, out: name })),
      outdir: 'assets',
      format: 'esm',
      platform: 'browser',
      splitting: true,
      chunkNames: 'part-[hash]',
    }),
    build({
      ...common,
      entryPoints: names.map((name) => ({ in: `pages/${name}/style.css`, out: name })),
      outdir: 'assets',
    }),
  ])
  const assets = new Map<string, Asset>()
  const keep = (file: OutputFile) => {
    const name = file.path.slice(file.path.lastIndexOf('/') + 1)
    const type = name.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8'
    assets.set(name, { body: file.contents, type })
  }
  for (const file of [...scripts.outputFiles, ...styles.outputFiles]) keep(file)
  // The worker is told what there is, so that one visit to any page makes all of them work without a network.
  const parts = [...assets.keys()].map((name) => `/assets/${name}`)
  const worker = await build({
    ...common,
    entryPoints: [{ in: 'ui/service-worker.ts', out: 'sw' }],
    outdir: 'assets',
    format: 'esm',
    define: { PARTS: JSON.stringify([...paths, ...parts]) },
  })
  for (const file of worker.outputFiles) keep(file)
  return assets
}
