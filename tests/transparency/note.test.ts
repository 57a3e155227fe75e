// Signed notes, checkpoints and cosignatures against what other implementations signed: Go, C2SP, Sunlight, witnesses.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatNoteKey,
  LOG_SIGNATURE,
  noteKey,
  noteSigner,
  openCheckpoint,
  parseNote,
  parseNoteKey,
  parseNoteSigner,
  signatureLines,
  signCheckpoint,
  verifyNote,
} from '#ctid/transparency'

// golang.org/x/mod/sumdb/note, example and tests.
const GO_KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const GO_SECRET = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz'
const GO_TEXT =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
const GO_LINE =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'

// Checkpoints of the Go checksum database and of a Certificate Transparency log with four witnesses.
const SUMDB_KEY = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'
const SUMDB = `go.sum database tree
63096908
8lHrQPRYe4KT4WQ9/Qk8/taKnD6IRHbFgfN7vQE2Y54=

— sum.golang.org Az3gri/oVBN1jAhNZ/iS+W31psFAWRT20/GyrhpU6taFwulQGetBkH5S7wpGXdS935jiIGiUUAXBVHzT/P6fYhqAmAk=
`
const ARCHE_KEY =
  'arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f'
const WITNESS_KEYS = [
  'transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM',
  'witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO',
  'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2',
  'witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv',
]
const ARCHE = `arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
`
const archePolicy = (threshold: number) => ({
  origin: 'arche2025h1.staging.ct.transparency.dev',
  logKey: parseNoteKey(ARCHE_KEY),
  witnesses: WITNESS_KEYS.map(parseNoteKey),
  threshold,
})

describe('signed notes', () => {
  it("verifies and reproduces the note of Go's documentation, byte for byte", async () => {
    const key = parseNoteKey(GO_KEY)
    expect(formatNoteKey(key)).toBe(GO_KEY)
    expect(await verifyNote(parseNote(`${GO_TEXT}\n${GO_LINE}`), [key])).toEqual([{ key }])
    expect(await signatureLines(GO_TEXT, [parseNoteSigner(GO_SECRET)], 0)).toBe(GO_LINE)
  })

  it('verifies the example of C2SP signed-note', async () => {
    const key = parseNoteKey('example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k')
    const note =
      'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n'
    expect(await verifyNote(parseNote(note), [key])).toHaveLength(1)
  })

  it('ignores unknown keys and refuses a wrong signature of a known key', async () => {
    const stranger = noteKey('stranger.example', LOG_SIGNATURE, parseNoteKey(SUMDB_KEY).publicKey)
    expect(await verifyNote(parseNote(`${GO_TEXT}\n${GO_LINE}`), [stranger])).toEqual([])
    const altered = parseNote(`${GO_TEXT.replace('answer', 'Answer')}\n${GO_LINE}`)
    await expect(verifyNote(altered, [parseNoteKey(GO_KEY)])).rejects.toMatchObject({ code: 'ERR_LOG_NOTE' })
  })

  it.each([
    ['no signature', 'text\n'],
    ['no blank line', `text\n${GO_LINE}`],
    ['no final line feed', `${GO_TEXT}\n${GO_LINE.trimEnd()}`],
    ['hyphen for em dash', `${GO_TEXT}\n${GO_LINE.replace('—', '-')}`],
    ['control character', `te\u0007xt\n\n${GO_LINE}`],
    ['carriage returns', `text\r\n\r\n${GO_LINE}`],
    ['unpadded base64', `${GO_TEXT}\n${GO_LINE.replace('=', '')}`],
    ['plus in the key name', `${GO_TEXT}\n${GO_LINE.replace('Peter', 'Pe+er')}`],
    ['101 signatures', `${GO_TEXT}\n${GO_LINE.repeat(101)}`],
    ['two megabytes', `${'a'.repeat(2 << 20)}\n\n${GO_LINE}`],
  ])('refuses a note with %s', (_, note) => {
    expect(() => parseNote(note)).toThrow(expect.objectContaining({ code: 'ERR_LOG_NOTE' }))
  })

  it('reads a note with 100 signatures, and counts a key that signed them all once', async () => {
    const note = parseNote(`${GO_TEXT}\n${GO_LINE.repeat(100)}`)
    expect(note.signatures).toHaveLength(100)
    expect(await verifyNote(note, [parseNoteKey(GO_KEY)])).toHaveLength(1)
  })

  it('takes bytes as they are: no mark is dropped, and what is not UTF-8 is refused', async () => {
    const key = noteSigner('bytes.example', LOG_SIGNATURE, new Uint8Array(32).fill(3))
    const text = '\ufeffmarked\n'
    const note = `${text}\n${await signatureLines(text, [key], 0)}`
    expect(await verifyNote(parseNote(Buffer.from(note)), [key.key])).toHaveLength(1)
    const latin = Buffer.from(note.replace('marked', 'mark\u00e9d'), 'latin1')
    expect(() => parseNote(latin)).toThrow(expect.objectContaining({ code: 'ERR_LOG_NOTE' }))
  })

  it('refuses a key whose id does not fit', () => {
    expect(() => parseNoteKey(GO_KEY.replace('c74f20a3', 'c74f20a4'))).toThrow(
      expect.objectContaining({ code: 'ERR_LOG_NOTE' }),
    )
  })

  it('throws nothing but its own error on any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          parseNote(`${text}\n\n${GO_LINE}`)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_LOG_NOTE' })
        }
      }),
      { seed: 7, numRuns: 300 },
    )
  })
})

describe('checkpoints', () => {
  it('opens a checkpoint of the Go checksum database', async () => {
    const policy = {
      origin: 'go.sum database tree',
      logKey: parseNoteKey(SUMDB_KEY),
      witnesses: [],
      threshold: 0,
    }
    expect(await openCheckpoint(SUMDB, policy)).toMatchObject({ size: 63_096_908, cosigners: [] })
    await expect(openCheckpoint(SUMDB.replace('63096908', '63096909'), policy)).rejects.toMatchObject({
      code: 'ERR_LOG_NOTE',
    })
    await expect(openCheckpoint(SUMDB, { ...policy, origin: 'another' })).rejects.toMatchObject({
      code: 'ERR_LOG_CHECKPOINT',
    })
  })

  it('verifies four real witness cosignatures on a Certificate Transparency checkpoint', async () => {
    const opened = await openCheckpoint(ARCHE, archePolicy(4))
    expect(opened.cosigners.map(({ time }) => time)).toEqual(Array(4).fill(0x6a122120))
  })

  it('counts witnesses, not lines: a repeated cosignature is one', async () => {
    const lines = ARCHE.split('\n')
    const repeated = [...lines.slice(0, 8), lines[8], lines[8], lines[8], ''].join('\n')
    await expect(openCheckpoint(repeated, archePolicy(4))).rejects.toMatchObject({
      code: 'ERR_LOG_WITNESSES',
    })
  })

  it('refuses cosignatures that are too old for the policy', async () => {
    const policy = { ...archePolicy(1), maxAgeSeconds: 3600 }
    await expect(openCheckpoint(ARCHE, policy, () => 0x6a122120 + 3600)).resolves.toBeDefined()
    await expect(openCheckpoint(ARCHE, policy, () => 0x6a122120 + 3601)).rejects.toMatchObject({
      code: 'ERR_LOG_WITNESSES',
    })
  })

  it('refuses sizes that are not canonical decimals', async () => {
    const signer = parseNoteSigner(GO_SECRET)
    const policy = { origin: 'x.example', logKey: signer.key, witnesses: [], threshold: 0 }
    for (const size of ['01', '-1', '1e3', '', '9007199254740993']) {
      const text = `x.example\n${size}\n8lHrQPRYe4KT4WQ9/Qk8/taKnD6IRHbFgfN7vQE2Y54=\n`
      const note = `${text}\n${await signatureLines(text, [signer], 0)}`
      await expect(openCheckpoint(note, policy)).rejects.toMatchObject({ code: 'ERR_LOG_CHECKPOINT' })
    }
    const good = await signCheckpoint({ origin: 'x.example', size: 1, root: new Uint8Array(32) }, [signer])
    expect(await openCheckpoint(good, policy)).toMatchObject({ size: 1 })
  })
})
