// The dialogue in which the wallet takes a verifier's challenge, by camera or as text.
import { type Camera, openCamera } from '../../ui/camera.ts'
import { type Challenge, readChallenge } from '../../ui/challenge.ts'
import { byId } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'

export function challengeDialog(
  { t }: Shell,
  onChallenge: (challenge: Challenge) => Promise<void>,
): { readonly open: () => void } {
  const dialog = byId<HTMLDialogElement>('challenge-dialog')
  const input = byId<HTMLInputElement>('challenge-input')
  const message = byId('challenge-error')
  const finder = byId('challenge-finder')
  let camera: Camera | undefined

  function stopCamera(): void {
    camera?.stop()
    camera = undefined
    finder.hidden = true
  }

  async function take(text: string): Promise<void> {
    const challenge = readChallenge(text.trim())
    message.textContent = challenge ? '' : t('challenge.bad')
    if (!challenge) return
    dialog.close()
    await onChallenge(challenge)
  }

  byId('challenge-form').addEventListener('submit', (event) => {
    event.preventDefault()
    void take(input.value)
  })
  byId('challenge-scan').addEventListener('click', async () => {
    try {
      finder.hidden = false
      camera = await openCamera(byId<HTMLVideoElement>('challenge-video'), (text) => {
        if (dialog.open) void take(text)
      })
    } catch {
      stopCamera()
      input.focus()
    }
  })
  byId('challenge-close').addEventListener('click', () => dialog.close())
  dialog.addEventListener('close', stopCamera)
  return {
    open: () => {
      input.value = ''
      message.textContent = ''
      dialog.showModal()
      input.focus()
    },
  }
}
