// Access to Node's native cryptography without importing it, so that the same module also runs in a browser.

type NodeCrypto = typeof import('node:crypto')

/** `node:crypto` when running in Node, `undefined` in a browser. */
export const nodeCrypto: NodeCrypto | undefined =
  typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:crypto')
