// `ctid issue`: issues one-time copies of a CTID file to a wallet on this machine.
import { parseArgs } from 'node:util'
import { CtidError, systemClock, systemRandom } from '../../base/index.ts'
import { makeKeyProof } from '../../credential/index.ts'
import { MAX_COPIES } from '../../issuer/index.ts'
import { createWallet } from '../../wallet/index.ts'
import { fileDeviceKeys, fileStorage } from '../../wallet/node.ts'
import { type Command, EXIT, noMore } from '../command.ts'
import { baseUrlOf, openRegistrar, parseToken, REGISTRAR_OPTIONS, REGISTRAR_USAGE } from '../system.ts'

const usage = `Usage: ctid issue TOKEN --wallet DIR [--copies N]

Makes N device keys in the wallet, proves possession of each to the issuer, and stores one copy for each: a
credential (SD-JWT VC) and an attestation for codes. The sealed record is opened for it, which is logged.
  --wallet DIR       the wallet's directory; made if it is missing
  --copies N         how many (default 10, at most ${MAX_COPIES})
${REGISTRAR_USAGE}`

export const command: Command = {
  name: 'issue',
  summary: 'issue one-time copies of a CTID file to a wallet',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...REGISTRAR_OPTIONS,
        wallet: { type: 'string' },
        copies: { type: 'string', default: '10' },
      },
    })
    const [text, ...others] = positionals
    noMore(others)
    const token = parseToken(text)
    const copies = Number(values.copies)
    if (!Number.isInteger(copies) || copies < 1 || copies > MAX_COPIES) {
      throw new CtidError('ERR_CLI_USAGE', { detail: `--copies 1 to ${MAX_COPIES}` })
    }
    if (values.wallet === undefined) throw new CtidError('ERR_CLI_USAGE', { detail: '--wallet DIR' })
    const directory = values.wallet
    const system = await openRegistrar(values, io)
    try {
      const wallet = createWallet({
        storage: fileStorage(directory),
        keys: fileDeviceKeys(directory, systemRandom),
        random: systemRandom,
        clock: systemClock,
      })
      const issuer = baseUrlOf(values, io)
      // Before keys are made that nobody would sign for.
      await system.requireValid(token)
      const received = await wallet.refill(copies, async (signers) => {
        const nonce = await system.nonce()
        const proofs = signers.map((signer) => makeKeyProof(signer, { issuer, nonce, now: systemClock() }))
        return system.issueCopies(token, await Promise.all(proofs), 'cli')
      })
      const stock = await wallet.stock()
      if (values.json) io.out(JSON.stringify({ ok: true, received, stock }))
      else
        io.out(`${received} copies received; unused: ${stock.map((s) => `${s.unused} ${s.kind}`).join(', ')}`)
      return EXIT.ok
    } finally {
      await system.close()
    }
  },
}
