import type { Words } from '../../ui/words.ts'
export const verifierWords: Words = {
  title: ['x', 'x'],
  description: ['x', 'x'],
  heading: ['x', 'x'],
}
