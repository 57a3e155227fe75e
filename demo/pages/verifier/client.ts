import { startShell } from '../../ui/shell.ts'
import { verifierWords } from './words.ts'

startShell(verifierWords)
