import type { Words } from '../../ui/words.ts'
export const authorityWords: Words = {
  title: ['x', 'x'],
  description: ['x', 'x'],
  heading: ['x', 'x'],
}
