// The published health certificates, made with another library: read with what they say, or refused with the stated code.
import { describe, expect, it } from 'vitest'
import { CtidError } from '#ctid/base'
import { readDocumentSigner } from '../../src/health/certificates/document-signer.ts'
import { isSamePerson } from '../../src/health/certificates/holder.ts'
import { readCertificate } from '../../src/health/certificates/read.ts'
import { healthCardKeys } from '../../src/health/certificates/shc.ts'
import file from '../vectors/health-certificates.json' with { type: 'json' }

const keys = {
  dcc: Object.values(file.documentSigners).map((der) => readDocumentSigner(Buffer.from(der, 'base64'))),
  healthCards: healthCardKeys(file.cardIssuer, file.cardKeys),
}

describe('the published health certificates', () => {
  it.each(file.cases)('$name', async ({ name, texts, ...stated }) => {
    const read = readCertificate(texts, keys, file.now).then(
      ({ findings, holder }) => ({ findings, holder }),
      (error: unknown) => ({ code: error instanceof CtidError ? error.code : String(error) }),
    )
    expect({ ...(await read) }).toEqual(stated)
  })

  it.each(file.persons)('names this person or not: $name', ({ holder, person, same }) => {
    expect(isSamePerson(holder, person)).toBe(same)
  })
})
