// A cable between a client and a server that a test can cut at a given byte, or silence.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type Cable = {
  readonly port: number
  /** After `bytes` more in that direction everything that is connected is cut. */
  cut(direction: 'up' | 'down', bytes: number): void
  /** What is connected now carries nothing any more; new connections pass. */
  silence(): void
  /** New bytes pass again; what was lost stays lost. */
  heal(): void
  close(): void
}

export async function layCable(target: number): Promise<Cable> {
  const whole = { direction: '', left: Number.POSITIVE_INFINITY }
  let fault = whole
  const sockets = new Set<Socket>()
  const silenced = new WeakSet<Socket>()
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    const end = () => {
      near.destroy()
      far.destroy()
    }
    const carry = (from: Socket, to: Socket, direction: string) => {
      from.setNoDelay()
      sockets.add(from)
      from.on('error', end)
      from.on('close', end)
      from.on('data', (data: Buffer) => {
        if (silenced.has(from)) return
        if (fault.direction !== direction) {
          to.write(data)
          return
        }
        const part = data.subarray(0, fault.left)
        fault.left -= part.length
        if (part.length > 0) to.write(part)
        if (part.length < data.length) setImmediate(end)
      })
    }
    carry(near, far, 'up')
    carry(far, near, 'down')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    cut(direction, left) {
      fault = { direction, left }
    },
    silence() {
      for (const socket of sockets) silenced.add(socket)
    },
    heal() {
      fault = whole
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
