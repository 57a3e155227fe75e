// A small key-value store in IndexedDB. Unlike localStorage it keeps CryptoKey objects whose bytes nobody can read.

const NAME = 'ctid-demo'
const STORES = ['wallet', 'keys', 'lists', 'replay', 'history'] as const
export type StoreName = (typeof STORES)[number]

let opened: Promise<IDBDatabase> | undefined

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1)
    request.onupgradeneeded = () => {
      for (const store of STORES) request.result.createObjectStore(store)
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  return opened
}

async function run<T>(
  store: StoreName,
  mode: IDBTransactionMode,
  work: (objects: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const transaction = (await database()).transaction(store, mode, { durability: 'strict' })
  const request = work(transaction.objectStore(store))
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result)
    transaction.onabort = () => reject(transaction.error ?? request.error)
  })
}

export const put = (store: StoreName, key: string, value: unknown): Promise<unknown> =>
  run(store, 'readwrite', (objects) => objects.put(value, key))

export const get = <T>(store: StoreName, key: string): Promise<T | undefined> =>
  run<T | undefined>(store, 'readonly', (objects) => objects.get(key))

export const all = <T>(store: StoreName): Promise<T[]> => run<T[]>(store, 'readonly', (o) => o.getAll())

export const remove = (store: StoreName, key: string): Promise<unknown> =>
  run(store, 'readwrite', (objects) => objects.delete(key))

export const clear = (store: StoreName): Promise<unknown> =>
  run(store, 'readwrite', (objects) => objects.clear())

/** Adds a value unless the key is there, in one transaction. Returns whether it was new. */
export async function addOnce(store: StoreName, key: string, value: unknown): Promise<boolean> {
  try {
    await run(store, 'readwrite', (objects) => objects.add(value, key))
    return true
  } catch (error) {
    if (error instanceof DOMException && error.name === 'ConstraintError') return false
    throw error
  }
}

/** Reads a value, makes the new one from it and writes that, as one transaction. If `change` throws, nothing is written. */
export async function replace<T, R>(
  store: StoreName,
  key: string,
  change: (value: T | undefined) => { readonly value: T; readonly result: R },
): Promise<R> {
  const transaction = (await database()).transaction(store, 'readwrite', { durability: 'strict' })
  const objects = transaction.objectStore(store)
  return new Promise((resolve, reject) => {
    let outcome: { result: R } | undefined
    let failure: unknown
    const reading = objects.get(key)
    reading.onsuccess = () => {
      try {
        const { value, result } = change(reading.result as T | undefined)
        objects.put(value, key)
        outcome = { result }
      } catch (error) {
        failure = error
        transaction.abort()
      }
    }
    transaction.oncomplete = () => (outcome ? resolve(outcome.result) : reject(transaction.error))
    transaction.onabort = () => reject(failure ?? transaction.error)
  })
}

/** All keys with their values. */
export async function entries<T>(store: StoreName): Promise<[string, T][]> {
  const keys = await run(store, 'readonly', (objects) => objects.getAllKeys())
  const found: [string, T][] = []
  for (const key of keys) {
    const value = await get<T>(store, String(key))
    if (value !== undefined) found.push([String(key), value])
  }
  return found
}
