// The pages of the demo: address, words, and what stands in the navigation. A page that is not whole is not here.
import { authorityWords } from './pages/authority/words.ts'
import { citizenWords } from './pages/citizen/words.ts'
import { departmentsWords } from './pages/departments/words.ts'
import { frontWords } from './pages/front/words.ts'
import { healthWords } from './pages/health/words.ts'
import { healthDeskWords } from './pages/health-desk/words.ts'
import { labsWords } from './pages/labs/words.ts'
import { logWords } from './pages/log/words.ts'
import { openWalletWords } from './pages/open-wallet/words.ts'
import { verifierWords } from './pages/verifier/words.ts'
import type { Words } from './ui/words.ts'

export type Page = {
  /** Folder under `pages`, and the name of its bundle. */
  readonly name: string
  readonly path: string
  readonly icon: string
  readonly words: Words
  /** Not in the navigation: found from the pages it belongs to. */
  readonly isAside?: true
}

export const pages: readonly Page[] = [
  { name: 'front', path: '/', icon: 'info', words: frontWords },
  { name: 'citizen', path: '/citizen', icon: 'phone', words: citizenWords },
  { name: 'health', path: '/health', icon: 'health', words: healthWords },
  { name: 'verifier', path: '/verifier', icon: 'scan', words: verifierWords },
  { name: 'authority', path: '/authority', icon: 'registry', words: authorityWords },
  { name: 'departments', path: '/departments', icon: 'departments', words: departmentsWords },
  { name: 'health-desk', path: '/health-desk', icon: 'scales', words: healthDeskWords },
  { name: 'log', path: '/log', icon: 'log', words: logWords },
  { name: 'open-wallet', path: '/open-wallet', icon: 'key', words: openWalletWords, isAside: true },
  { name: 'labs', path: '/labs', icon: 'thief', words: labsWords },
]
