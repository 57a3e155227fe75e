// The gateway carries requests between a sector, the trustees, the log and the receiver. It reads nothing and can make
// nothing up: it checks the receiver's parts, names wrong trustees, replaces them, combines, and shuffles.
import { type RandomBytes, shuffle } from '../base/index.ts'
import type { Group } from '../crypto/index.ts'
import type { ConversionLog } from './conversion-log.ts'
import { type ConversionPart, combineParts, verifyPart } from './convert.ts'
import type { Delivery } from './delivery.ts'
import { type Directory, pairId, publicFactorShare, receiverKey } from './directory.ts'
import { type Fault, faultOf, tooFewTrustees } from './fault.ts'
import { type ConversionBatch, type OpenedRequest, openRequest, requirePayloads } from './request.ts'
import { conversionContext, type Trustee } from './trustee.ts'

export type GatewayOptions = {
  readonly directory: Directory
  /** In the order in which they are asked; the first t that answer rightly are used. */
  readonly trustees: readonly Trustee[]
  readonly log: ConversionLog
  readonly nowSeconds: number
  readonly random: RandomBytes
}

export type Conversion = {
  /** For the receiver only, in random order. */
  readonly deliveries: readonly Delivery[]
  readonly receipt: string
  /** Trustees that refused, were wrong or did not answer, though enough others did. */
  readonly faults: readonly Fault[]
}

/**
 * Converts one batch: audit half, admission by the log, receiver's half, shuffle. Fails closed at every step.
 *
 * @throws {CtidError} `ERR_PSEUDONYM_TRUSTEES` naming every trustee that failed; the log's refusals; those of `openRequest`
 */
export async function convertBatch(
  group: Group,
  { request, payloads }: ConversionBatch,
  options: GatewayOptions,
): Promise<Conversion> {
  const { directory, log, nowSeconds, random } = options
  const opened = await openRequest(group, request, { directory, nowSeconds })
  requirePayloads(opened, payloads)
  const admitted = await auditHalf({ request, payloads }, options, (parts) => log.admit(request, parts))
  const { receipt } = admitted.result
  const release = await collect(
    options,
    'convert',
    (trustee) => trustee.convert(request, receipt),
    (part) => isRight(group, directory, opened, part),
  )
  const combined = combineParts(group, release.parts)
  const deliveries = combined.map((ciphertext, i) => ({
    ciphertext,
    payload: payloads[i] ?? new Uint8Array(),
  }))
  return { deliveries: shuffle(deliveries, random), receipt, faults: [...admitted.faults, ...release.faults] }
}

/** Enrols persons in the audit log: the audit half alone. Returns each wallet's box in the order of the rows. */
export async function enrolInAudit(
  batch: ConversionBatch,
  options: GatewayOptions,
): Promise<{ readonly walletBoxes: readonly Uint8Array[]; readonly faults: readonly Fault[] }> {
  const { result, faults } = await auditHalf(batch, options, (parts) => options.log.enrol(batch, parts))
  return { walletBoxes: result.walletBoxes, faults }
}

/**
 * Converts a long table batch by batch and shuffles the whole, so that not even the batch of a row shows.
 * `onProgress` hears how many rows are done.
 */
export async function convertTable(
  group: Group,
  batches: AsyncIterable<ConversionBatch>,
  options: Omit<GatewayOptions, 'nowSeconds'> & {
    readonly clock: () => number
    readonly onProgress?: (rows: number) => void
  },
): Promise<{ readonly deliveries: readonly Delivery[]; readonly faults: readonly Fault[] }> {
  const deliveries: Delivery[] = []
  const faults: Fault[] = []
  for await (const batch of batches) {
    const converted = await convertBatch(group, batch, { ...options, nowSeconds: options.clock() })
    for (const delivery of converted.deliveries) deliveries.push(delivery)
    faults.push(...converted.faults)
    options.onProgress?.(deliveries.length)
  }
  return { deliveries: shuffle(deliveries, options.random), faults }
}

type Reply = { readonly admitted: false; readonly faults: readonly Fault[] }

// The log itself verifies the audit parts, since it must not believe the gateway; those it names are replaced.
async function auditHalf<Accepted extends { readonly admitted: true }>(
  { request }: ConversionBatch,
  options: GatewayOptions,
  present: (parts: readonly ConversionPart[]) => Promise<Accepted | Reply>,
): Promise<{ readonly result: Accepted; readonly faults: readonly Fault[] }> {
  let collected: Collected = { parts: [], faults: [] }
  for (;;) {
    collected = await collect(
      options,
      'audit',
      (trustee) => trustee.audit(request),
      () => true,
      collected,
    )
    const { parts, faults } = collected
    const reply = await present(parts)
    if (reply.admitted) return { result: reply, faults }
    // Right parts are kept: a trustee that has counted the request answers it once only, and must not be blamed for that.
    const wrong = new Set(reply.faults.map(({ trustee }) => trustee))
    collected = {
      parts: parts.filter(({ trustee }) => !wrong.has(trustee)),
      faults: [...faults, ...reply.faults],
    }
    if (collected.parts.length === parts.length) throw tooFewTrustees(collected.faults)
  }
}

type Collected = { readonly parts: readonly ConversionPart[]; readonly faults: readonly Fault[] }

/** Asks as many trustees at once as parts are missing, and others in the place of those that fail. */
async function collect(
  { directory, trustees }: Pick<GatewayOptions, 'directory' | 'trustees'>,
  half: Fault['half'],
  ask: (trustee: Trustee) => Promise<ConversionPart>,
  isGood: (part: ConversionPart) => boolean,
  earlier: Collected = { parts: [], faults: [] },
): Promise<Collected> {
  const parts = [...earlier.parts]
  const faults = [...earlier.faults]
  const heard = new Set([...parts, ...faults].map(({ trustee }) => trustee))
  const waiting = trustees.filter(({ id }) => !heard.has(id))
  while (parts.length < directory.threshold) {
    const asked = waiting.splice(0, directory.threshold - parts.length)
    if (asked.length + parts.length < directory.threshold) throw tooFewTrustees(faults)
    const answers = await Promise.allSettled(asked.map((trustee) => ask(trustee)))
    answers.forEach((answer, i) => {
      const { id } = asked[i] as Trustee
      if (answer.status === 'rejected') faults.push(faultOf(id, half, answer.reason))
      else if (answer.value.trustee !== id || !isGood(answer.value)) {
        faults.push({ trustee: id, half, code: 'ERR_CRYPTO_PROOF' })
      } else parts.push(answer.value)
    })
  }
  return { parts, faults }
}

function isRight(group: Group, directory: Directory, request: OpenedRequest, part: ConversionPart): boolean {
  return verifyPart(group, part, {
    publicShare: publicFactorShare(directory, pairId(request.from, request.to), part.trustee),
    inputs: request.receiverCopies,
    recipient: receiverKey(directory, request.to),
    context: conversionContext(request.id, 'convert'),
  })
}
