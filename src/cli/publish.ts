// What verifiers need, as files: the trust list, the key of its signer, the anchor, every status list.
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { IssuerKeys, IssuerParty } from '../deployment/index.ts'

export async function publishLists(
  { issuer, statusPublisher, trustList }: IssuerParty,
  pki: IssuerKeys['pki'],
  directory: string,
): Promise<{ readonly published: string; readonly 'status lists': string }> {
  await mkdir(join(directory, 'status'), { recursive: true })
  const files = new Map<string, string>([
    ['trust-list.jwt', await trustList()],
    ['trust-anchor.json', JSON.stringify(pki.parties.rules.signer.publicJwk)],
    ['anchor.pem', pki.anchorPem],
  ])
  const newest = await issuer.ledger.newestList()
  for (let list = 0; list <= newest; list++) {
    const published = await statusPublisher.token(list)
    const name = encodeURIComponent(`${issuer.statusListBase}${list}`)
    if (published) files.set(join('status', name), published.token)
  }
  for (const [name, text] of files) {
    // Replaced as a whole: a server may be reading them, and a disk that is full must leave the list of before.
    const path = join(directory, name)
    await writeFile(`${path}.new`, text)
    await rename(`${path}.new`, path)
  }
  return { published: directory, 'status lists': String(newest + 1) }
}
