// What the page calls sectors and refusals.
import type { Shell } from '../../ui/shell.ts'

/** A sector as citizens call it. */
export function sectorName({ t }: Shell, id: string): string {
  return id.startsWith('purpose.')
    ? t('sector.purpose', { n: id.slice('purpose.'.length) })
    : t(id === 'anchor' || id === 'audit' ? `sector.${id}` : `department.${id}`)
}

/** Why something was refused; a code without words of its own is shown as it is. */
export function codeWords({ t }: Shell, code: string): string {
  try {
    return t(`code.${code}`)
  } catch {
    return code
  }
}
