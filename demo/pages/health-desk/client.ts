// Health desk: sources sign findings, the board decides appeals, and the auditor repeats every derivation in this browser.
import type { Json } from '#ctid/base'
import {
  type AuditBundle,
  findAnomalies,
  replay,
  type SourceRegister,
  sourceLookup,
  verifyEvidence,
} from '#ctid/health'
import { walkIns } from '../../parties/town.ts'
import { call } from '../../ui/api.ts'
import { byId, fill, h, icon } from '../../ui/dom.ts'
import { qrPicture } from '../../ui/qr-picture.ts'
import { isNoAnswer, reasonOf } from '../../ui/refusal.ts'
import { startShell } from '../../ui/shell.ts'
import { wireTabs } from '../../ui/tabs.ts'
import { healthDeskWords } from './words.ts'

type Text = { readonly en: string; readonly zh: string }
type Desk = {
  readonly people: readonly string[]
  readonly sources: readonly {
    readonly id: string
    readonly name?: Text
    readonly findings: readonly { readonly class: string; readonly data: Readonly<Record<string, string>> }[]
  }[]
  readonly manual: readonly string[]
  readonly appeals: readonly { readonly id: string; readonly statement: string; readonly decideBy: number }[]
}
type Audit = { readonly bundle: AuditBundle; readonly register: SourceRegister }

const { t, language, onLanguage } = startShell(healthDeskWords)
let desk: Desk = { people: [], sources: [], manual: [], appeals: [] }

function notice(message: string, tone: 'info' | 'bad' = 'info'): void {
  const symbol = tone === 'info' ? 'check' : 'alert'
  fill(
    byId('notice'),
    message === '' ? null : h('p', { class: `note ${tone}` }, icon(symbol), h('span', {}, message)),
  )
}

async function attempt(work: () => Promise<unknown>, done: string): Promise<void> {
  try {
    await work()
    notice(done)
  } catch (error) {
    notice(isNoAnswer(error) ? t('network') : t('failed', { reason: reasonOf(error, language()) }), 'bad')
  }
}

async function load(): Promise<void> {
  desk = await call<Desk>('/health-console/desk')
  render()
}

// ---- sources

function renderSources(): void {
  fill(
    byId('person'),
    ...(desk.people.length === 0 ? [h('option', { value: '' }, t('sources.none'))] : []),
    ...desk.people.map((subject) => h('option', { value: subject }, `${subject.slice(0, 12)}…`)),
  )
  byId<HTMLButtonElement>('evidence-go').disabled = desk.people.length === 0
  byId('nobody').hidden = desk.people.length > 0
  fill(
    byId('finding'),
    ...desk.sources.map(({ id, name, findings }) =>
      h(
        'optgroup',
        { label: name?.[language()] ?? id },
        ...findings.map((finding, at) =>
          h('option', { value: `${id}/${at}` }, words(finding.class, Object.values(finding.data))),
        ),
      ),
    ),
    h(
      'optgroup',
      { label: t('sources.officers') },
      ...desk.manual.map((reason) => h('option', { value: `manual/${reason}` }, words('manual', [reason]))),
    ),
  )
}

const words = (name: string, values: readonly string[]) =>
  `${t(`class.${name}`)}: ${values.map((value) => t(`value.${value}`)).join(', ')}`

byId('evidence-form').addEventListener('submit', (event) => {
  event.preventDefault()
  const subject = byId<HTMLSelectElement>('person').value
  const [source = '', which = ''] = byId<HTMLSelectElement>('finding').value.split('/')
  const isManual = source === 'manual'
  const body: Json = isManual ? { subject, reason: which } : { subject, source, finding: Number(which) }
  void attempt(
    () => call(isManual ? '/health-console/manual' : '/health-console/evidence', body),
    t('sources.done'),
  )
})

// ---- another country's certificate office

const CERTIFIED = ['negative-test', 'positive-test', 'vaccination', 'recovery'] as const

function renderOffice(): void {
  fill(
    byId('named'),
    ...walkIns().flatMap((document, at) =>
      document['documentType'] === 'uscc' ? [] : [h('option', { value: at }, document['name'] ?? '')],
    ),
  )
  fill(byId('certified'), ...CERTIFIED.map((what) => h('option', { value: what }, t(`office.${what}`))))
}

byId('office-form').addEventListener('submit', (event) => {
  event.preventDefault()
  const person = Number(byId<HTMLSelectElement>('named').value)
  const what = byId<HTMLSelectElement>('certified').value
  void attempt(async () => {
    const { code } = await call<{ code: string }>('/health-console/certificates', { person, what })
    const frame = byId('certificate-code')
    frame.setAttribute('data-text', code)
    fill(frame, qrPicture(code, t('office.codeAlt')))
  }, t('office.done'))
})

// ---- appeals

function renderAppeals(): void {
  const date = (seconds: number) => new Date(seconds * 1000).toLocaleString(document.documentElement.lang)
  fill(
    byId('appeals'),
    ...(desk.appeals.length === 0 ? [h('p', {}, t('appeals.none'))] : []),
    ...desk.appeals.map(({ id, statement, decideBy }) =>
      h(
        'div',
        { class: 'appeal' },
        h('p', {}, statement),
        h('p', { class: 'small quiet' }, t('appeals.due', { date: date(decideBy) })),
        h(
          'div',
          { class: 'row' },
          h(
            'button',
            {
              type: 'button',
              class: 'button slim primary',
              'data-outcome': 'upheld',
              onclick: () => void decide(id, 'upheld'),
            },
            t('appeals.uphold'),
          ),
          h(
            'button',
            {
              type: 'button',
              class: 'button slim',
              'data-outcome': 'dismissed',
              onclick: () => void decide(id, 'dismissed'),
            },
            t('appeals.dismiss'),
          ),
        ),
      ),
    ),
  )
}

async function decide(id: string, outcome: string): Promise<void> {
  await attempt(() => call('/health-console/decision', { id, outcome }), t('appeals.done'))
  await load()
}

// ---- audit

async function audit(change: (bundle: AuditBundle) => AuditBundle = (bundle) => bundle): Promise<void> {
  const { bundle, register } = await call<Audit>('/health-console/audit')
  const sources = sourceLookup(register)
  const { checked, followed, findings } = await replay(change(bundle), sources)
  const now = Math.floor(Date.now() / 1000)
  const evidence = await Promise.all(
    bundle.openings.map((text) => verifyEvidence(text, { sources, now, acceptExpired: true })),
  )
  const bursts = findAnomalies(evidence)
  const isClean = findings.length === 0
  fill(
    byId('audit'),
    h(
      'p',
      { class: `note ${isClean ? '' : 'bad'}`, 'data-clean': String(isClean) },
      icon(isClean ? 'check' : 'cross'),
      h('span', {}, t(isClean ? 'audit.clean' : 'audit.dirty', { n: checked, bad: checked - followed })),
    ),
    ...findings
      .slice(0, 10)
      .map(({ what, detail, digest }) =>
        h(
          'p',
          { class: 'small' },
          h('strong', {}, t(`audit.what.${what}`)),
          ` ${detail} `,
          h('code', {}, digest.slice(0, 16)),
        ),
      ),
    bursts.length === 0 ? h('p', { class: 'quiet', 'data-bursts': 0 }, t('audit.noBursts')) : null,
    ...bursts.map(({ people, source, reason }) =>
      h(
        'p',
        { class: 'note bad', 'data-bursts': people },
        icon('alert'),
        h(
          'span',
          {},
          t('audit.burst', {
            people,
            reason,
            source: register.sources.find(({ id }) => id === source)?.name[language()] ?? source,
          }),
        ),
      ),
    ),
  )
}

// What somebody with the database could do: write another colour into a record. Only this browser's copy is changed.
const painted = (bundle: AuditBundle): AuditBundle => ({
  ...bundle,
  records: bundle.records.map((record, at) =>
    at === 0 ? { ...record, colour: record.colour === 'red' ? 'green' : 'red' } : record,
  ),
})

byId('audit-run').addEventListener('click', () => void attempt(() => audit(), ''))
byId('audit-tamper').addEventListener('click', () => void attempt(() => audit(painted), ''))
byId('audit-scenario').addEventListener(
  'click',
  () =>
    void attempt(async () => {
      await call('/health-console/scenario', {})
      await audit()
    }, ''),
)

function render(): void {
  renderSources()
  renderOffice()
  renderAppeals()
}

wireTabs(document.querySelector<HTMLElement>('.tabs') ?? document.body, () => void attempt(load, ''))
onLanguage(render)
await attempt(load, '')
document.documentElement.dataset['ready'] = 'true'
