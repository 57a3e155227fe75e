// The published proofs of transparency-dev/merkle, happy and corrupted: 98 inclusion, 98 consistency, 322 subtree.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  EMPTY_ROOT,
  leafHash,
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from '#ctid/transparency'

const root = process.env['CTID_CONFORMANCE']
const folder = root === undefined ? undefined : join(root, 'transparency/merkle-proofs')

type Vector = {
  readonly desc: string
  readonly wantErr: boolean
  readonly proof: readonly string[] | null
  readonly root: string
  readonly root1: string
  readonly root2: string
  readonly leafHash: string
  readonly leafIdx: number
  readonly treeSize: number
  readonly size1: number
  readonly size2: number
  readonly size: number
  readonly start: number
  readonly end: number
}

const bytes = (text: string | null) => new Uint8Array(Buffer.from(text ?? '', 'base64'))

function vectors(kind: string): Vector[] {
  if (folder === undefined) return []
  return readdirSync(join(folder, kind), { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => JSON.parse(readFileSync(join(file.parentPath, file.name), 'utf8')) as Vector)
}

function disagreements(kind: string, verify: (v: Vector, proof: Uint8Array[]) => boolean): string[] {
  return vectors(kind)
    .filter((vector) => verify(vector, (vector.proof ?? []).map(bytes)) === vector.wantErr)
    .map((vector) => `${vector.desc} ${JSON.stringify({ ...vector, proof: vector.proof?.length })}`)
}

describe('RFC 6962 hashing', () => {
  it('gives the fixed values', () => {
    expect(Buffer.from(EMPTY_ROOT).toString('hex')).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
    expect(Buffer.from(leafHash(new Uint8Array())).toString('hex')).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    )
  })
})

describe.skipIf(folder === undefined)('published proofs (set CTID_CONFORMANCE to run)', () => {
  it('agrees on all 98 inclusion proofs', () => {
    expect(vectors('inclusion')).toHaveLength(98)
    expect(
      disagreements('inclusion', (v, proof) =>
        verifyInclusion(proof, {
          index: v.leafIdx,
          size: v.treeSize,
          leaf: bytes(v.leafHash),
          root: bytes(v.root),
        }),
      ),
    ).toEqual([])
  })

  it('agrees on all 98 consistency proofs', () => {
    expect(vectors('consistency')).toHaveLength(98)
    expect(
      disagreements('consistency', (v, proof) =>
        verifyConsistency(proof, {
          oldSize: v.size1,
          size: v.size2,
          oldRoot: bytes(v.root1),
          root: bytes(v.root2),
        }),
      ),
    ).toEqual([])
  })

  it('agrees on all 204 subtree inclusion proofs', () => {
    expect(vectors('subtreeinclusion')).toHaveLength(204)
    expect(
      disagreements('subtreeinclusion', (v, proof) =>
        verifySubtreeInclusion(proof, {
          index: v.leafIdx,
          start: v.start,
          end: v.end,
          leaf: bytes(v.leafHash),
          root: bytes(v.root),
        }),
      ),
    ).toEqual([])
  })

  it('agrees on all 118 subtree consistency proofs', () => {
    expect(vectors('subtreeconsistency')).toHaveLength(118)
    expect(
      disagreements('subtreeconsistency', (v, proof) =>
        verifySubtreeConsistency(proof, {
          start: v.start,
          end: v.end,
          size: v.size,
          hash: bytes(v.root1),
          root: bytes(v.root2),
        }),
      ),
    ).toEqual([])
  })
})
