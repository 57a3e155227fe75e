import { startShell } from '../../ui/shell.ts'
import { citizenWords } from './words.ts'

startShell(citizenWords)
