// Health check of a container: one request to the service in it. Usage: node health.mjs PATH
const [, , path = '/health'] = process.argv
const response = await fetch(`http://127.0.0.1:8080${path}`, { signal: AbortSignal.timeout(4000) }).catch(
  () => undefined,
)
process.exit(response?.ok ? 0 : 1)
