// The evaluator as a service: authenticated, rate limited, counted; it holds one key share and sees blinded elements only.
import { type Response, Router } from 'express'
import { type Clock, CtidError, type JsonObject, type RandomBytes, toBase64url } from '../base/index.ts'
import { type Group, type Share, VOPRF_CONTEXT } from '../crypto/index.ts'
import {
  type Bucket,
  callChecker,
  EVALUATE_PATH,
  type EvaluateRequest,
  evaluateShare,
  formatEvaluation,
  formatKeySet,
  MAX_BODY_BYTES,
  multiplyAll,
  PROVE_PATH,
  parseEvaluateRequest,
  parseProveRequest,
  proveShare,
  replay,
  spend,
  weightedShare,
} from '../token/index.ts'
import { type CountEntry, type CountLog, type EvaluatorSecrets, openCountLog } from '../token/node.ts'
import { callerOf } from './caller.ts'
import { readJson } from './server.ts'

export type EvaluatorService = {
  readonly router: Router
  /** Hash of the count log's last line, for publication. */
  countHead(): string
  /** Elements answered for each caller, ever. */
  totals(): ReadonlyMap<string, number>
  /** Closes the count log. Call after the server has closed. */
  close(): Promise<void>
}

export type EvaluatorServiceOptions = {
  readonly secrets: EvaluatorSecrets
  /** Use the sodium backend: the share is a long-lived secret. */
  readonly group: Group
  /** Append-only file; created when missing. Budgets are rebuilt from it. */
  readonly countLogPath: string
  readonly now: Clock
  readonly random: RandomBytes
  /** Reads the share again, when a caller names a key that is not held: it may have been refreshed or rotated. */
  readonly readSecrets?: () => Promise<EvaluatorSecrets>
}

/** Bodies of an evaluator application, for `createApp({ maxBodyBytes })`. */
export const EVALUATOR_MAX_BODY_BYTES = MAX_BODY_BYTES

/**
 * The evaluator's routes: `POST /evaluate`, `POST /prove`, `GET /key`, `GET /health`. A request is charged and counted on
 * the disk before it is answered, so that no crash forgets one.
 *
 * @throws {CtidError} `ERR_TOKEN_COUNT_LOG`
 */
export async function openEvaluatorService(options: EvaluatorServiceOptions): Promise<EvaluatorService> {
  const { secrets, group, now, random } = options
  let { share, keySet } = secrets
  const evaluator = share.id
  let readAt = Number.NEGATIVE_INFINITY
  const allowances = new Map(secrets.callers.map((caller) => [caller.name, caller.allowance]))
  const authenticate = callChecker(new Map(secrets.callers.map((c) => [c.name, c.secret])), { now })
  const buckets = new Map<string, Bucket>()
  const log = await openCountLog(options.countLogPath, ({ caller, elements, time }) => {
    const allowance = allowances.get(caller)
    if (allowance) buckets.set(caller, replay(buckets.get(caller), elements, { allowance, now: time }))
  })

  const charge = async (response: Response, entry: Omit<CountEntry, 'time'>): Promise<void> => {
    const allowance = allowances.get(entry.caller)
    if (!allowance) throw new CtidError('ERR_TOKEN_CALLER')
    const time = now()
    const spending = spend(buckets.get(entry.caller), entry.elements, { allowance, now: time })
    buckets.set(entry.caller, spending.bucket)
    if (!spending.allowed) {
      response.set('Retry-After', String(spending.retryAfterSeconds))
      throw new CtidError('ERR_TOKEN_RATE')
    }
    await log.append({ time, ...entry })
  }

  const isHeld = ({ version, epoch }: EvaluateRequest) => version === keySet.version && epoch === keySet.epoch
  const sameKey = async (asked: EvaluateRequest): Promise<void> => {
    // Once in a second: a caller with a wrong key must not keep the disk busy.
    if (!isHeld(asked) && options.readSecrets && now() > readAt) {
      readAt = now()
      const read = await options.readSecrets()
      if (read.share.id === evaluator) ({ share, keySet } = read)
    }
    if (!isHeld(asked)) throw new CtidError('ERR_TOKEN_KEY_VERSION')
  }
  const quorumShare = (quorum: readonly number[]): Share => {
    const known = quorum.every((id) => keySet.shares.some((other) => other.id === id))
    if (!known || quorum.length < keySet.threshold)
      throw new CtidError('ERR_TOKEN_REQUEST', { detail: 'quorum' })
    return weightedShare(group, share, quorum)
  }

  const router = Router()
  router.post(EVALUATE_PATH, async (request, response) => {
    const caller = callerOf(request, authenticate, evaluator)
    const asked = parseEvaluateRequest(readJson(request, { maxLength: MAX_BODY_BYTES }), group)
    await sameKey(asked)
    const { elements, quorum } = asked
    const weighted = quorum && quorumShare(quorum)
    await charge(response, { caller, operation: 'evaluate', elements: elements.length })
    const answer: JsonObject = weighted
      ? { evaluated: multiplyAll(group, weighted.secret, elements).map((point) => toBase64url(point)) }
      : formatEvaluation(evaluateShare(group, share, elements, random))
    response.json({ evaluator, ...answer })
  })
  router.post(PROVE_PATH, async (request, response) => {
    const caller = callerOf(request, authenticate, evaluator)
    const asked = parseProveRequest(readJson(request, { maxLength: MAX_BODY_BYTES }), group)
    await sameKey(asked)
    const weighted = quorumShare(asked.quorum)
    await charge(response, { caller, operation: 'prove', elements: asked.elements.length })
    const proof = proveShare(group, weighted, asked.elements, asked.evaluated, random)
    response.json({ evaluator, proof: toBase64url(proof) })
  })
  router.get('/key', (_request, response) => {
    response.set('Cache-Control', 'public, max-age=300')
    response.json({
      evaluator,
      publicKey: toBase64url(share.publicKey),
      proofContext: toBase64url(VOPRF_CONTEXT),
      keySet: formatKeySet(keySet),
    })
  })
  router.get('/health', (_request, response) => {
    response.json({ status: 'ok', evaluator, version: keySet.version, epoch: keySet.epoch })
  })
  return serviceOf(router, log)
}

function serviceOf(router: Router, log: CountLog): EvaluatorService {
  return { router, countHead: () => log.head(), totals: () => log.totals(), close: () => log.close() }
}
