// The list of commands, each loaded only when it is asked for, so that `ctid verify` starts without the issuer's code.
import type { Command } from '../command.ts'

type Load = () => Promise<Command>

/** In the order of the overview. */
export const commands: ReadonlyMap<string, Load> = new Map<string, Load>([
  ['evaluator', async () => (await import('./evaluator.ts')).command],
])
