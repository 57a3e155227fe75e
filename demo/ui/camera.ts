// Reads codes from a camera or a picture. Frames stay in this page's memory and are never sent anywhere.
import { decodeImage } from '#ctid/qr'

export type Camera = { readonly stop: () => void }

/** Longest side that is looked at; more pixels cost time and read no better. */
const MAX_SIDE = 1280

/** Opens the camera into a video element and calls `onCode` for each frame that holds a code. Throws what getUserMedia throws. */
export async function openCamera(video: HTMLVideoElement, onCode: (text: string) => void): Promise<Camera> {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { facingMode: { ideal: 'environment' }, width: { ideal: 1280 }, height: { ideal: 720 } },
  })
  video.srcObject = stream
  await video.play()
  const reader = pixelReader()
  let running = true
  const look = () => {
    if (!running) return
    const text = reader(video, video.videoWidth, video.videoHeight)
    if (text !== undefined) onCode(text)
    if (running) video.requestVideoFrameCallback(look)
  }
  video.requestVideoFrameCallback(look)
  return {
    stop: () => {
      running = false
      for (const track of stream.getTracks()) track.stop()
      video.srcObject = null
    },
  }
}

/** Reads the code of a picture file; `undefined` when there is none. */
export async function readPicture(file: Blob): Promise<string | undefined> {
  let bitmap: ImageBitmap
  try {
    bitmap = await createImageBitmap(file)
  } catch {
    return undefined
  }
  try {
    return pixelReader()(bitmap, bitmap.width, bitmap.height)
  } finally {
    bitmap.close()
  }
}

function pixelReader() {
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d', { willReadFrequently: true })
  return (source: CanvasImageSource, width: number, height: number): string | undefined => {
    if (!context || width === 0 || height === 0) return undefined
    const scale = Math.min(1, MAX_SIDE / Math.max(width, height))
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(height * scale)
    context.drawImage(source, 0, 0, canvas.width, canvas.height)
    try {
      return decodeImage(context.getImageData(0, 0, canvas.width, canvas.height))
    } catch {
      return undefined
    }
  }
}
