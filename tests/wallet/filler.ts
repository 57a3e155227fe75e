// A wallet that grows beyond what it is given: started by a test under a limit of what one file may hold.
import { fileStorage } from '../../src/wallet/node.ts'

const [folder = ''] = process.argv.slice(2)
try {
  await fileStorage(folder).update((before = '') => ({ text: before.padEnd(100_000, 'x'), result: before }))
  console.log('written')
} catch (error) {
  console.log((error as NodeJS.ErrnoException).code)
}
