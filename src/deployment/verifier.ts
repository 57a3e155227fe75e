// A verifier for a deployment on this machine: its trust list, its status lists, one replay cache.
import { type Clock, CtidError } from '../base/index.ts'
import type { StatusPublisher } from '../issuer/index.ts'
import { createStatusChecker } from '../status/index.ts'
import { checkTrustList } from '../trust/index.ts'
import {
  memoryReplayCache,
  statusLookup,
  trustListLookup,
  type VerifierPolicy,
  type VerifyContext,
} from '../verifier/index.ts'
import type { Keyring } from './keyring.ts'

/** Any person with a CTID, shown by phone or on paper; every check that the form allows must pass. */
export const ENTRANCE_POLICY: VerifierPolicy = {
  name: 'entrance',
  useCase: 'entrance',
  purpose: 'identity',
  accept: {
    dynamic: { minAssurance: 'substantial', required: ['status-list', 'status'] },
    paper: { minAssurance: 'low', required: ['status-list', 'status'] },
  },
  kinds: ['person', 'organisation'],
  alternative: { en: 'Show the document itself.', zh: '请出示证件原件。' },
}

export type LocalVerifierDeps = {
  readonly keyring: Keyring
  readonly statusPublisher: StatusPublisher
  readonly statusListBase: string
  readonly trustList: () => Promise<string>
  readonly clock: Clock
}

/** Everything `verifyCode` needs. The trust list's signature is checked as any verifier would. */
export async function localVerifier(deps: LocalVerifierDeps, policy: VerifierPolicy): Promise<VerifyContext> {
  const { clock, keyring, statusPublisher, statusListBase } = deps
  const expectedSigners = [keyring.pki.parties.rules.signer.publicJwk]
  const trustList = await checkTrustList(await deps.trustList(), { expectedSigners, now: clock() })
  const fetchToken = async (uri: string): Promise<string> => {
    const published = uri.startsWith(statusListBase)
      ? await statusPublisher.token(Number(uri.slice(statusListBase.length)))
      : undefined
    if (!published) throw new CtidError('ERR_STATUS_UNAVAILABLE')
    return published.token
  }
  return {
    policy,
    clock,
    trust: trustListLookup(trustList),
    status: statusLookup(createStatusChecker({ fetchToken, clock })),
    replay: memoryReplayCache({ clock }),
  }
}
