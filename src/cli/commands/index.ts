// The list of commands, each loaded only when it is asked for, so that `ctid verify` starts without the issuer's code.
import type { Command } from '../command.ts'

type Load = () => Promise<Command>

/** In the order of the overview. */
export const commands: ReadonlyMap<string, Load> = new Map<string, Load>([
  ['keys', async () => (await import('./keys.ts')).command],
  ['ceremony', async () => (await import('./ceremony.ts')).command],
  ['enrol', async () => (await import('./enrol.ts')).command],
  ['issue', async () => (await import('./issue.ts')).command],
  ['show', async () => (await import('./show.ts')).command],
  ['scan', async () => (await import('./scan.ts')).command],
  ['verify', async () => (await import('./verify.ts')).command],
  ['issuer', async () => (await import('./issuer.ts')).command],
  ['verifier', async () => (await import('./verifier.ts')).command],
  ['wallet', async () => (await import('./wallet.ts')).command],
  ['copies', async () => (await import('./copies.ts')).command],
  ['registrar', async () => (await import('./registrar.ts')).command],
  ['registry', async () => (await import('./registry.ts')).command],
  ['evaluator', async () => (await import('./evaluator.ts')).command],
  ['trustee', async () => (await import('./trustee.ts')).command],
  ['fusion', async () => (await import('./fusion.ts')).command],
  ['health', async () => (await import('./health.ts')).command],
  ['log', async () => (await import('./log.ts')).command],
  ['witness', async () => (await import('./witness.ts')).command],
  ['monitor', async () => (await import('./monitor.ts')).command],
  ['audit', async () => (await import('./audit.ts')).command],
  ['lab', async () => (await import('./lab.ts')).command],
  ['conformance', async () => (await import('./conformance.ts')).command],
])
