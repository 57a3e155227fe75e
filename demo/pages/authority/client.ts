import { startShell } from '../../ui/shell.ts'
import { authorityWords } from './words.ts'

startShell(authorityWords)
