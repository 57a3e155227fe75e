// A cable between a client and a server that a test can cut at a given byte, or let go silent.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type Cable = {
  readonly port: number
  /** After `bytes` more in that direction: `cut` ends both connections, `silent` carries nothing any more. */
  fail(direction: 'up' | 'down', bytes: number, how: 'cut' | 'silent'): void
  /** New bytes pass again; what was lost stays lost. */
  heal(): void
  close(): void
}

export async function layCable(target: number): Promise<Cable> {
  const whole = { direction: '', left: Number.POSITIVE_INFINITY, how: 'cut' }
  let fault = whole
  const sockets = new Set<Socket>()
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
        if (fault.direction !== direction) {
          to.write(data)
          return
        }
        const part = data.subarray(0, fault.left)
        fault.left -= part.length
        if (part.length > 0) to.write(part)
        if (part.length < data.length && fault.how === 'cut') setImmediate(end)
      })
    }
    carry(near, far, 'up')
    carry(far, near, 'down')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    fail(direction, left, how) {
      fault = { direction, left, how }
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
