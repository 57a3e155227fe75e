// The request form: who asks for which two fields, why, how many, until when.
import type { Json } from '#ctid/base'
import { DEPARTMENTS, FIELDS, MINIMUM_CELLS, PROPOSALS, type Side } from '../../parties/department-fields.ts'
import { byId, fill, h } from '../../ui/dom.ts'
import type { Shell } from '../../ui/shell.ts'
import { departmentsWords } from './words.ts'

const OWN = 'own'
const proposal = byId<HTMLSelectElement>('proposal')
const sides = [byId<HTMLSelectElement>('side-1'), byId<HTMLSelectElement>('side-2')] as const
const requester = byId<HTMLInputElement>('requester')
const purpose = byId<HTMLTextAreaElement>('purpose')
const cell = byId<HTMLSelectElement>('cell')

/** Wires the form; `submit` gets the body of the request. */
export function wireOrder(shell: Shell, submit: (body: Json) => void): () => void {
  const { t } = shell
  const render = () => {
    const chosen = proposal.value || 'traders'
    const fields = sides.map(({ value }) => value)
    fill(
      proposal,
      ...[...Object.keys(PROPOSALS), OWN].map((name) =>
        h(
          'option',
          { value: name, selected: name === chosen },
          t(name === OWN ? 'order.own' : `proposal.${name}`),
        ),
      ),
    )
    for (const [at, select] of sides.entries()) fill(select, ...fieldOptions(shell, fields[at] ?? ''))
    if (cell.options.length === 0) {
      fill(
        cell,
        ...MINIMUM_CELLS.map((size) => h('option', { value: size, selected: size === 5 }, String(size))),
      )
    }
    // Words of a proposal follow the language; words that somebody typed stay.
    if (chosen !== OWN) propose(chosen)
  }
  const propose = (name: string) => {
    const pair = PROPOSALS[name]
    if (!pair) return
    for (const [at, { department, field }] of pair.entries()) {
      const select = sides[at]
      if (select) select.value = `${department}/${field}`
    }
    requester.value = t(`proposal.${name}.requester`)
    purpose.value = t(`proposal.${name}.text`)
  }
  proposal.addEventListener('change', () => propose(proposal.value))
  for (const input of [...sides, requester, purpose]) {
    input.addEventListener('input', () => {
      proposal.value = OWN
    })
  }
  for (const select of sides) {
    select.addEventListener('change', () => {
      const isSame = departmentOf(sides[0]) === departmentOf(sides[1])
      sides[1].setCustomValidity(isSame ? t('order.same') : '')
    })
  }
  byId<HTMLFormElement>('order').addEventListener('submit', (event) => {
    event.preventDefault()
    const name = proposal.value
    const words = departmentsWords[`proposal.${name}.text`]
    const text = words ? { en: words[0], zh: words[1] } : { [shell.language()]: purpose.value }
    submit({
      sides: sides.map((select): Json => ({ ...sideOf(select) })),
      requester: requester.value,
      text,
      count: byId<HTMLInputElement>('count').valueAsNumber,
      days: byId<HTMLInputElement>('days').valueAsNumber,
      minimumCell: Number(cell.value),
    })
  })
  return render
}

function fieldOptions({ t }: Shell, chosen: string): HTMLElement[] {
  return DEPARTMENTS.map((department) =>
    h(
      'optgroup',
      { label: t(`department.${department}`) },
      ...Object.keys(FIELDS[department]).map((field) => {
        const value = `${department}/${field}`
        const text = `${t(`department.${department}`)}: ${t(`field.${field}`)}`
        return h('option', { value, selected: value === chosen }, text)
      }),
    ),
  )
}

const departmentOf = (select: HTMLSelectElement) => select.value.split('/')[0] ?? ''

function sideOf(select: HTMLSelectElement): Side {
  const [id = '', field = ''] = select.value.split('/')
  const department = DEPARTMENTS.find((one) => one === id)
  if (!department) throw new Error('no such department')
  return { department, field }
}
