// The two copies of each point in a request: for the receiver and for the audit log, with one randomness, and the proof
// that both hold the same point. So nobody can have one person converted and another one entered in the log.
import { concatBytes, framed, type RandomBytes, utf8 } from '../base/index.ts'
import { type Group, type Point, proveDleq, type Scalar, sha256, verifyDleq } from '../crypto/index.ts'
import { type Directory, receiverKey } from './directory.ts'
import { type Ciphertext, encryptPoint } from './elgamal.ts'
import { fold, foldWeights } from './relation.ts'

/** The part of an opened request that this file judges. */
export type ProvedCopies = {
  readonly to: string
  readonly receiverCopies: readonly Ciphertext[]
  readonly auditCopies: readonly Ciphertext[]
  readonly proof: Uint8Array
}

const SAME_POINT = utf8('CTID-conversion-copies-v1')

/**
 * Whether both copies of every row hold the same point. Two multiplications a row. True for a request to the audit
 * log, which has one copy.
 */
export function verifyCopies(group: Group, request: ProvedCopies, directory: Directory): boolean {
  if (request.to === directory.audit) return true
  const { receiverCopies, auditCopies, proof } = request
  try {
    const statement = copiesStatement(group, receiverCopies, auditCopies, { directory, to: request.to })
    const c1 = fold(
      group,
      statement.weights,
      receiverCopies.map((copy) => copy.c1),
    )
    return verifyDleq(group, proof, { ...statement.relation, publicKey: c1 })
  } catch {
    return false
  }
}

type RowContext = { readonly directory: Directory; readonly to: string; readonly random: RandomBytes }

/** Asking sector: both copies of every point and their proof. Two multiplications and one by the generator a row. */
export function encryptRows(
  group: Group,
  points: readonly Point[],
  secrets: readonly Scalar[],
  { directory, to, random }: RowContext,
): { readonly rows: Uint8Array; readonly proof: Uint8Array } {
  const auditKey = group.add(receiverKey(directory, directory.audit), directory.envelope)
  const audit = points.map((point, i) => encryptPoint(group, auditKey, point, secrets[i] as Scalar))
  if (to === directory.audit) {
    return { rows: concatBytes(...audit.flatMap(({ c1, c2 }) => [c1, c2])), proof: new Uint8Array() }
  }
  const key = group.add(receiverKey(directory, to), directory.envelope)
  const receiver = audit.map(({ c1 }, i) => ({
    c1,
    c2: group.add(group.multiply(secrets[i] as Scalar, key), points[i] as Point),
  }))
  const { weights, relation } = copiesStatement(group, receiver, audit, { directory, to })
  const folded = weights
    .map((weight, i) => group.scalarMultiply(weight, secrets[i] as Scalar))
    .reduce((total, term) => group.scalarAdd(total, term))
  const proof = proveDleq(group, folded, { ...relation, publicKey: group.multiplyBase(folded), random })
  const rows = receiver.flatMap(({ c1, c2 }, i) => [c1, c2, (audit[i] as Ciphertext).c2])
  return { rows: concatBytes(...rows), proof }
}

function copiesStatement(
  group: Group,
  receiver: readonly Ciphertext[],
  audit: readonly Ciphertext[],
  { directory, to }: { readonly directory: Directory; readonly to: string },
) {
  const receiverPoint = receiverKey(directory, to)
  const auditPoint = receiverKey(directory, directory.audit)
  const bytes = concatBytes(...receiver.flatMap(({ c1, c2 }, i) => [c1, c2, (audit[i] as Ciphertext).c2]))
  const seed = sha256(framed(SAME_POINT, receiverPoint, auditPoint, sha256(bytes)))
  const weights = foldWeights(group, seed, receiver.length)
  const differences = receiver.map(({ c2 }, i) => group.subtract(c2, (audit[i] as Ciphertext).c2))
  const relation = {
    inputs: [group.subtract(receiverPoint, auditPoint)],
    outputs: [fold(group, weights, differences)],
    context: SAME_POINT,
  }
  return { weights, relation }
}
