// The policies to choose from on the verifier's page.
import type { VerifierPolicy } from '#ctid/verifier'

export type Choice = {
  readonly id: string
  readonly policy: VerifierPolicy
  /** Whether this place shows a challenge. */
  readonly challenge: boolean
}

const alternative = {
  en: 'show the paper form or the document at the service desk',
  zh: '可在服务台出示纸质凭证或证件原件',
}
const ACCEPT = {
  minAssurance: 'substantial',
  required: ['status-list', 'status'],
} as const

export const choices: readonly Choice[] = [
  {
    id: 'entrance',
    challenge: false,
    policy: {
      name: 'CTID demo entrance',
      useCase: 'entrance',
      purpose: 'identity',
      kinds: ['person'],
      accept: {
        dynamic: { ...ACCEPT, minAssurance: 'low' },
        paper: { minAssurance: 'low', required: ['status-list', 'status'] },
      },
      alternative,
    },
  },
  {
    id: 'counter',
    challenge: true,
    policy: {
      name: 'CTID demo counter',
      useCase: 'age-restricted-sale',
      purpose: 'identity',
      kinds: ['person'],
      accept: { dynamic: { ...ACCEPT, required: [...ACCEPT.required, 'challenge'] } },
      alternative,
    },
  },
  {
    id: 'health',
    challenge: false,
    policy: {
      name: 'CTID demo health gate',
      useCase: 'health-gate',
      purpose: 'health',
      kinds: ['health'],
      healthOutcomes: ['pass', 'green'],
      // Paper has the same right: the same claim, derived the same way.
      accept: { dynamic: ACCEPT, paper: { minAssurance: 'low', required: ['status-list', 'status'] } },
      alternative,
    },
  },
  {
    id: 'company',
    challenge: false,
    policy: {
      name: 'CTID demo company service',
      useCase: 'company-service',
      purpose: 'organisation',
      kinds: ['organisation'],
      accept: { dynamic: ACCEPT },
      alternative,
    },
  },
]
