// Client: hides inputs before evaluators see them, and removes the blinds afterwards.
import type { RandomBytes } from '../base/index.ts'
import type { Group, Point, Scalar } from '../crypto/index.ts'
import { inputElement } from './rfc9497.ts'

/** Blinded elements to send, and the blinds to keep secret and forget after use. Same order as the inputs. */
export type Blinded = { readonly elements: readonly Point[]; readonly blinds: readonly Scalar[] }

/** Blinds identities: r·H2G(id) with a fresh r each. One multiplication and one hash-to-group an input. */
export function blindInputs(group: Group, ids: readonly Uint8Array[], random: RandomBytes): Blinded {
  return blindPoints(
    group,
    ids.map((id) => inputElement(group, id)),
    random,
  )
}

/** Blinds group elements: r·P with a fresh r each. */
export function blindPoints(group: Group, points: readonly Point[], random: RandomBytes): Blinded {
  const blinds = points.map(() => group.randomScalar(random))
  return { elements: points.map((point, i) => group.multiply(blinds[i] as Scalar, point)), blinds }
}

/** 1/r for all blinds at the price of one inversion and three scalar multiplications each (Montgomery's trick). */
export function invertAll(group: Group, scalars: readonly Scalar[]): Scalar[] {
  const prefixes: Scalar[] = []
  for (const scalar of scalars) {
    const last = prefixes.at(-1)
    prefixes.push(last === undefined ? scalar : group.scalarMultiply(last, scalar))
  }
  const product = prefixes.at(-1)
  if (product === undefined) return []
  const inverses: Scalar[] = new Array(scalars.length)
  let rest = group.scalarInvert(product)
  for (let i = scalars.length - 1; i > 0; i--) {
    inverses[i] = group.scalarMultiply(rest, prefixes[i - 1] as Scalar)
    rest = group.scalarMultiply(rest, scalars[i] as Scalar)
  }
  inverses[0] = rest
  return inverses
}
