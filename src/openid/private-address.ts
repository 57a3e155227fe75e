// Where personal data may be sent.

/** Whether nobody on the way reads what is sent there: an address over TLS, or on this machine. */
export function isPrivateAddress(uri: string): boolean {
  if (!URL.canParse(uri)) return false
  const { protocol, hostname } = new URL(uri)
  return (
    protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
  )
}
