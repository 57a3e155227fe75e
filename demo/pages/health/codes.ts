// Showing the status: the dynamic code with its countdown, and the same answer on paper.
import { STEP_SECONDS } from '#ctid/qr'
import type { Showing, Wallet } from '#ctid/wallet'
import { type Countdown, countdown } from '../../ui/countdown.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { qrPicture } from '../../ui/qr-picture.ts'
import type { HealthPage } from './page.ts'

/** `canShow`: false while the browser's own derivation contradicts the authority's. Returns what draws it anew. */
export function wireCodes(
  { shell: { t }, authority, attempt, clock }: HealthPage,
  wallet: Wallet,
  canShow: () => boolean,
): () => void {
  const paper = byId<HTMLDialogElement>('paper')
  let showing: Showing | undefined
  let ring: Countdown | undefined
  let step = 0

  function render(): void {
    const area = byId('code-area')
    const button = (id: string, symbol: string, text: string, onclick: () => void, look = 'primary') =>
      h('button', { type: 'button', id, class: `button wide ${look}`, onclick }, icon(symbol), text)
    if (!showing) {
      fill(
        area,
        canShow() ? button('show-health', 'qr', t('status.show'), () => void show()) : null,
        button('paper-health', 'print', t('status.paper'), () => void showPaper(), ''),
        h(
          'p',
          {},
          button(
            'refresh-health',
            'refresh',
            t('status.refresh'),
            () => void attempt(async () => {}, ''),
            '',
          ),
        ),
      )
      return
    }
    ring = countdown(t('status.left'))
    fill(
      area,
      h('div', { class: 'code-frame', id: 'code' }),
      h('div', { class: 'code-line' }, ring.element, h('span', {}, t('status.showing'))),
      button('hide-health', 'check', t('status.done'), () => {
        showing = undefined
        render()
      }),
    )
    step = 0
    void tick()
  }

  async function show(): Promise<void> {
    await attempt(async () => {
      await authority.fetchCopies(wallet)
      showing = await wallet.show({ kind: 'health', verifier: '' })
    }, '')
  }

  async function showPaper(): Promise<void> {
    await attempt(async () => {
      const text = await authority.fetchPaper()
      const frame = byId('paper-code')
      frame.setAttribute('data-text', text)
      fill(frame, qrPicture(text, t('status.codeAlt')))
      paper.showModal()
    }, '')
  }

  async function tick(): Promise<void> {
    const frame = document.getElementById('code')
    if (!showing || !frame) return
    const { text, secondsLeft } = await showing.current()
    ring?.show(secondsLeft, STEP_SECONDS)
    const now = Math.floor(clock() / STEP_SECONDS)
    if (now === step) return
    step = now
    frame.setAttribute('data-text', text)
    fill(frame, qrPicture(text, t('status.codeAlt')))
  }

  byId('paper-close').addEventListener('click', () => paper.close())
  byId('paper-print').addEventListener('click', () => window.print())
  setInterval(() => void tick(), 500)
  return render
}
