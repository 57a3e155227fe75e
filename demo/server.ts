// `npm run demo`: makes what is missing, wires the parties, listens on this machine only, prints the address.
import { createDemo } from './app.ts'

const port = Number(process.env['PORT'] ?? 8080)
const app = await createDemo({ routers: [] })
const server = app.listen(port, '127.0.0.1', (error?: Error) => {
  if (error) {
    process.stderr.write(`Cannot listen on port ${port}: ${error.message}\nSet PORT to a free one.\n`)
    process.exitCode = 1
    return
  }
  process.stdout.write(`CTID demo: http://127.0.0.1:${port}/\n`)
})
process.on('SIGINT', () => server.close())
