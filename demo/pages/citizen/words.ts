import type { Words } from '../../ui/words.ts'
export const citizenWords: Words = {
  title: ['x', 'x'],
  description: ['x', 'x'],
  heading: ['x', 'x'],
}
