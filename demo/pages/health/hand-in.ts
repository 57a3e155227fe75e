// Handing in a certificate from abroad by camera, picture or text, and the evidence that this wallet holds.
import type { Evidence } from '#ctid/health'
import type { Wallet } from '#ctid/wallet'
import { type Camera, openCamera, readPicture } from '../../ui/camera.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { once } from '../../ui/once.ts'
import type { Shell } from '../../ui/shell.ts'
import { certificateReader, isUnreadable, proveName, type Reading } from './certificates.ts'
import { date, type HealthPage } from './page.ts'
import { healthWords } from './words.ts'

/** Returns what draws it anew. */
export function wireHandIn({ shell, authority, attempt }: HealthPage, wallet: Wallet): () => void {
  const { t } = shell
  let camera: Camera | undefined
  let reading: Reading | undefined
  let reader = certificateReader()
  let said: readonly [key: string, values?: Readonly<Record<string, string | number>>] = ['']

  function say(...next: typeof said): void {
    said = next
    render()
  }

  function render(): void {
    const [key, values] = said
    byId('certificate-status').textContent = key === '' ? '' : t(key, values)
    byId('finder').hidden = camera === undefined
    const toggle = t(camera ? 'certificates.stop' : 'certificates.scan')
    fill(byId('certificate-scan'), icon('camera'), toggle)
    if (!reading) {
      fill(byId('certificate'))
      return
    }
    const { issuer, findings, expiresAt, codes } = reading
    fill(
      byId('certificate'),
      h(
        'div',
        { class: 'reason', 'data-findings': findings.length },
        ...(findings.length === 0
          ? [h('p', {}, t('certificates.nothing'))]
          : findings.map((one) => h('p', {}, h('strong', {}, findingWords(shell, one)), ` ${date(one.at)}`))),
        h(
          'p',
          { class: 'small quiet' },
          t('certificates.from', { issuer, date: expiresAt === undefined ? '—' : date(expiresAt) }),
        ),
        h(
          'button',
          {
            type: 'button',
            class: 'button primary',
            id: 'certificate-hand',
            onclick: () => void handIn(codes),
          },
          icon('check'),
          t('certificates.hand'),
        ),
      ),
    )
  }

  const handIn = once((codes: readonly string[]) =>
    attempt(async () => {
      await authority.importCertificate(codes, await proveName(wallet, codes))
      reading = undefined
      say('')
    }, t('certificates.done')),
  )

  async function take(text: string): Promise<void> {
    try {
      const read = await reader.take(text)
      if (typeof read === 'number') {
        say('certificates.missing', { n: read })
        return
      }
      reading = read
      stopCamera()
      say('')
    } catch (error) {
      if (!isUnreadable(error)) throw error
      reading = undefined
      say('certificates.unreadable')
    }
  }

  // One frame at a time: a second one, read late, would bring back what was handed in meanwhile.
  let isTaking = false
  async function takeFrame(text: string): Promise<void> {
    if (isTaking || reading) return
    isTaking = true
    await take(text).finally(() => {
      isTaking = false
    })
  }

  function stopCamera(): void {
    camera?.stop()
    camera = undefined
  }

  byId('certificate-scan').addEventListener('click', async () => {
    if (camera) {
      stopCamera()
      say('')
      return
    }
    reading = undefined
    reader = certificateReader()
    byId('finder').hidden = false
    try {
      camera = await openCamera(byId<HTMLVideoElement>('video'), (text) => {
        void takeFrame(text)
      })
      say('certificates.looking')
    } catch {
      say('certificates.noCamera')
    }
  })
  byId<HTMLInputElement>('certificate-file').addEventListener('change', async (event) => {
    const input = event.target as HTMLInputElement
    reader = certificateReader()
    for (const file of input.files ?? []) {
      const { text } = await readPicture(file)
      if (text === undefined) say('certificates.noCode')
      else await take(text)
    }
    input.value = ''
  })
  byId('certificate-form').addEventListener('submit', async (event) => {
    event.preventDefault()
    reader = certificateReader()
    for (const line of byId<HTMLTextAreaElement>('certificate-code').value.split('\n'))
      if (line.trim() !== '') await take(line.replace(/\r$/, ''))
  })

  return render
}

export function renderEvidence(shell: Shell, held: readonly Evidence[]): void {
  fill(
    byId('evidence'),
    ...(held.length === 0 ? [h('p', { class: 'quiet' }, shell.t('evidence.none'))] : []),
    ...held.map((one) =>
      h(
        'p',
        { class: 'small', 'data-evidence': one.class },
        shell.t('evidence.line', { what: findingWords(shell, one), source: one.source, date: date(one.at) }),
      ),
    ),
  )
}

function findingWords(
  { t }: Shell,
  { class: name, data }: { readonly class: string; readonly data: object },
): string {
  const values = Object.values(data).flatMap((value) =>
    typeof value === 'string' && `value.${value}` in healthWords ? [t(`value.${value}`)] : [],
  )
  return [t(`class.${name}`), ...values].join(', ')
}
