// An OpenID4VP verifier with ready-made questions: what `ctid verifier` serves.

import { X509Certificate } from 'node:crypto'
import type { Router } from 'express'
import type { Clock, JsonObject, RandomBytes } from '../base/index.ts'
import { BUSINESS_LICENCE, CTID_FILE, ORGANISATION_FILE } from '../credential/index.ts'
import { HEALTH_STATUS } from '../health/index.ts'
import { openidVerifierRouter } from '../http/openid-verifier.ts'
import {
  createSessions,
  type StartOptions,
  type VerifierDeps,
  type VerifierSession,
} from '../openid/index.ts'
import { createStatusChecker } from '../status/index.ts'
import { type LogRequirement, receiptCheck } from '../transparency/index.ts'
import { type CertifiedKey, chainResolver, DOCUMENT_SIGNING, x509Hash } from '../trust/node.ts'
import { type Anchors, anchorsRouter } from './anchors.ts'
import { fetchStatusToken } from './status-fetch.ts'

export type OpenidVerifierSetting = {
  readonly baseUrl: string
  readonly clock: Clock
  readonly random: RandomBytes
  /** Signs requests. */
  readonly key: CertifiedKey
  /** Whose credentials are believed. */
  readonly anchors: Anchors
  /** The log whose receipt every credential must carry. */
  readonly log?: LogRequirement
  readonly profile?: 'haip'
  /** Whether anybody may add anchors: for development. */
  readonly isDevelopment: boolean
}

// What issuers' certificates are for, where they say so: documents (RFC 9336), mdocs (ISO/IEC 18013-5), or anything.
// A verifier's certificate must not pass for an issuer's.
const ISSUING_USAGES = [DOCUMENT_SIGNING, '1.0.18013.5.1.2', '2.5.29.37.0']

/** Questions by name: the least that answers them. */
export const QUESTIONS: Readonly<Record<string, JsonObject>> = {
  age: question(CTID_FILE.vct, [{ path: ['age_equal_or_over', '18'], values: [true] }]),
  name: question(CTID_FILE.vct, [{ path: ['name'] }, { path: ['birthdate'] }]),
  organisation: question(ORGANISATION_FILE.vct, [
    { path: ['legal_name'] },
    { path: ['unified_social_credit_code'] },
  ]),
  licence: question(BUSINESS_LICENCE.vct, [{ path: ['legal_name'] }, { path: ['registration_authority'] }]),
  health: question(HEALTH_STATUS.vct, [{ path: ['outcome'] }, { path: ['until'] }]),
}

function question(vct: string, claims: readonly JsonObject[]): JsonObject {
  return { credentials: [{ id: 'credential', format: 'dc+sd-jwt', meta: { vct_values: [vct] }, claims }] }
}

/** Wires the verifier. */
export function openOpenidVerifier(setting: OpenidVerifierSetting): {
  readonly deps: VerifierDeps
  readonly routers: readonly Router[]
} {
  const { baseUrl, clock, random, key, anchors, profile, log, isDevelopment } = setting
  const resolveIssuer = chainResolver({ anchors: anchors.list, acceptedUsages: ISSUING_USAGES })
  const status = createStatusChecker({ fetchToken: fetchStatusToken, clock })
  const deps: VerifierDeps = {
    clock,
    random,
    baseUrl,
    key,
    certificate: certificateOf(key),
    credentialPolicy: {
      resolveIssuer,
      checkStatus: status.check,
      issuedAheadSeconds: 60,
      ...(log === undefined ? {} : { checkReceipt: receiptCheck(log, clock) }),
    },
    sessions: createSessions<VerifierSession>({ clock }),
    ...(profile === undefined ? {} : { profile }),
  }
  const presets = Object.fromEntries(
    Object.entries(QUESTIONS).map(([name, query]): [string, StartOptions] => [name, { query }]),
  )
  return {
    deps,
    routers: [openidVerifierRouter(deps, { presets }), anchorsRouter(anchors, { isOpen: isDevelopment })],
  }
}

function certificateOf({ x5c }: CertifiedKey): VerifierDeps['certificate'] {
  const der = Buffer.from(x5c[0] ?? '', 'base64')
  const names = new X509Certificate(der).subjectAltName ?? ''
  const dnsNames = [...names.matchAll(/DNS:([^,\s"]+)/g)].map(([, name]) => name ?? '')
  return { leafHash: x509Hash(der), dnsNames }
}
