// Reads codes from a camera or a picture. Frames stay in this page's memory and are never sent anywhere.
import { decodeImage } from '#ctid/qr'

export type Camera = { readonly stop: () => void }

/** Longest side of a frame that is looked at; more pixels cost time and read no better. */
const FRAME_SIDE = 1280
/** Looks at a picture file: as it is, turned for a code that stands on its corner, and large for a small code in it. */
const PICTURE_LOOKS = [
  { side: FRAME_SIDE, turn: 0 },
  { side: FRAME_SIDE, turn: Math.PI / 4 },
  { side: 4096, turn: 0 },
] as const
/** Largest picture file that is opened. */
const MAX_FILE_BYTES = 30_000_000

/** Opens the camera into a video element and calls `onCode` for each frame that holds a code. Throws what getUserMedia throws. */
export async function openCamera(video: HTMLVideoElement, onCode: (text: string) => void): Promise<Camera> {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { facingMode: { ideal: 'environment' }, width: { ideal: 1280 }, height: { ideal: 720 } },
  })
  video.srcObject = stream
  try {
    await video.play()
  } catch (error) {
    for (const track of stream.getTracks()) track.stop()
    throw error
  }
  const reader = pixelReader(FRAME_SIDE)
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

/** What a picture file held, or why nothing could be read from it. */
export type Picture =
  | { readonly text: string }
  | { readonly text?: undefined; readonly problem: 'no-picture' | 'no-code' }

/** Reads the code of a picture file. */
export async function readPicture(file: Blob): Promise<Picture> {
  if (file.size > MAX_FILE_BYTES) return { problem: 'no-picture' }
  let bitmap: ImageBitmap
  try {
    bitmap = await createImageBitmap(file)
  } catch {
    return { problem: 'no-picture' }
  }
  try {
    for (const { side, turn } of PICTURE_LOOKS) {
      const text = pixelReader(side, turn)(bitmap, bitmap.width, bitmap.height)
      if (text !== undefined) return { text }
    }
    return { problem: 'no-code' }
  } finally {
    bitmap.close()
  }
}

function pixelReader(maxSide: number, turn = 0) {
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d', { willReadFrequently: true })
  return (source: CanvasImageSource, width: number, height: number): string | undefined => {
    if (!context || width === 0 || height === 0) return undefined
    const scale = Math.min(1, maxSide / Math.max(width, height))
    const [across, down] = [width * scale, height * scale]
    // Turned, the picture stands in the middle of a box that holds its corners.
    const [cos, sin] = [Math.cos(turn), Math.sin(turn)]
    canvas.width = Math.round(across * cos + down * sin)
    canvas.height = Math.round(across * sin + down * cos)
    context.translate(canvas.width / 2, canvas.height / 2)
    context.rotate(turn)
    context.drawImage(source, -across / 2, -down / 2, across, down)
    try {
      return decodeImage(context.getImageData(0, 0, canvas.width, canvas.height))
    } catch {
      return undefined
    }
  }
}
