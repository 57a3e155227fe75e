// Turns a figure into an SVG picture (Apache ECharts, no DOM needed), and a chart of block characters.
// Patterns and dashes besides colours, so that it reads in black and white.
import { BarChart, HeatmapChart, LineChart } from 'echarts/charts'
import { AriaComponent, GridComponent, LegendComponent, VisualMapComponent } from 'echarts/components'
import * as echarts from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import type { Figure, Language } from './lab.ts'
import { compact, toTable } from './table.ts'

echarts.use([
  BarChart,
  LineChart,
  HeatmapChart,
  GridComponent,
  LegendComponent,
  AriaComponent,
  VisualMapComponent,
  SVGRenderer,
])

const INK = '#131f37'
const COLOURS = ['#a3231b', '#1f4799', '#7a4b00', '#11633a', '#5b3a8c', '#495670']
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond', 'pin', 'arrow']
const DASHES = ['solid', 'dashed', 'dotted', [8, 3, 2, 3], [2, 6], [12, 4]] as const
// Names without quotation marks: ECharts puts them into attributes as they are.
const FONT = 'system-ui, -apple-system, PingFang SC, Microsoft YaHei, Noto Sans CJK SC, sans-serif'

export type PlotOptions = { readonly language: Language; readonly width?: number; readonly height?: number }

/** The figure as the text of an SVG document, black on white. */
export function toSvg(figure: Figure, options: PlotOptions): string {
  const { language, width = 720 } = options
  const height = options.height ?? (figure.type === 'heat' ? 130 + 44 * figure.series.length : 380)
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height })
  try {
    chart.setOption(optionOf(figure, language, width))
    return named(chart.renderToSVGString(), figure.id)
  } finally {
    chart.dispose()
  }
}

// ECharts numbers classes and clip paths through all pictures of a process: give equal figures equal text.
function named(svg: string, id: string): string {
  const names = new Map<string, string>()
  return svg.replace(/\bzr\d+-([a-z]+)-?\d+/g, (name, kind: string) => {
    const known = names.get(name) ?? `${id}-${kind}-${names.size}`
    names.set(name, known)
    return known
  })
}

function optionOf(figure: Figure, language: Language, width: number): echarts.EChartsCoreOption {
  const labels = figure.x.map((label) => label[language])
  const perLabel = (width - 90) / Math.max(1, labels.length)
  const text = { color: INK, fontFamily: FONT, fontSize: 13 }
  const name = {
    nameLocation: 'middle',
    nameTextStyle: text,
    axisLine: { show: true, lineStyle: { color: INK } },
  }
  const category = {
    type: 'category',
    data: labels,
    name: figure.xTitle[language],
    nameGap: 46,
    ...name,
    axisLabel: { ...text, interval: 0, width: Math.max(36, perLabel - 6), overflow: 'break', fontSize: 12 },
  }
  const common = {
    animation: false,
    backgroundColor: '#ffffff',
    color: COLOURS,
    textStyle: { fontFamily: FONT, color: INK },
    aria: { enabled: true, decal: { show: true } },
    grid: { left: 74, right: 22, top: 46, bottom: 74 },
  }
  if (figure.type === 'heat') {
    const data = figure.series.flatMap(({ values }, row) => values.map((value, x) => [x, row, value]))
    return {
      ...common,
      // The numbers stand in the cells: patterns would only make them hard to read.
      aria: { enabled: true },
      grid: { ...common.grid, left: Math.min(230, width * 0.32), top: 16 },
      xAxis: { ...category, splitArea: { show: true } },
      yAxis: {
        type: 'category',
        inverse: true,
        data: figure.series.map((series) => series.name[language]),
        axisLabel: { ...text, width: Math.min(215, width * 0.3), overflow: 'break' },
      },
      visualMap: {
        show: false,
        min: 0,
        max: Math.max(1, ...figure.series.flatMap(({ values }) => values.map((value) => value ?? 0))),
        inRange: { color: ['#ffffff', '#dfe5ef', '#aebbd2'] },
      },
      series: [
        {
          type: 'heatmap',
          data,
          label: { show: true, ...text },
          itemStyle: { borderColor: '#6d7d99', borderWidth: 1 },
        },
      ],
    }
  }
  return {
    ...common,
    legend: {
      data: figure.series.map((series) => series.name[language]),
      top: 6,
      itemGap: 16,
      textStyle: { ...text, padding: [0, 34, 0, 4] },
    },
    xAxis: category,
    yAxis: {
      type: figure.logScale ? 'log' : 'value',
      name: figure.yTitle[language],
      nameGap: 52,
      ...name,
      axisLabel: { ...text, formatter: compact },
      splitLine: { lineStyle: { color: '#d3dcea' } },
    },
    series: figure.series.map((series, i) => ({
      type: figure.type,
      name: series.name[language],
      data: series.values,
      ...(figure.type === 'bar'
        ? {
            itemStyle: { borderColor: INK, borderWidth: 1 },
            label: { show: true, position: 'top', ...text, fontSize: 11, formatter: labelOf },
          }
        : {
            symbol: SYMBOLS[i % SYMBOLS.length],
            symbolSize: 9,
            lineStyle: { width: 2.5, type: DASHES[i % DASHES.length] },
          }),
    })),
  }
}

function labelOf({ value }: { readonly value?: unknown }): string {
  return typeof value === 'number' ? compact(value) : ''
}

const FILLS = ['█', '░', '▒', '▓', '▞', '▚']
const BAR = 34

/** The figure in block characters, each series with its own pattern. */
export function toTerminal(figure: Figure, language: Language): string[] {
  if (figure.type === 'heat' || figure.series.length > 2)
    return [`${figure.title[language]}  [${figure.xTitle[language]}]`, ...grid(figure, language)]
  const values = figure.series.flatMap((series) => series.values.map((value) => value ?? 0))
  const top = Math.max(...values, 1e-12)
  const least = Math.min(...values.filter((value) => value > 0), top)
  const length = (value: number): number => {
    if (value <= 0) return 0
    const share = figure.logScale
      ? (Math.log10(value / least) + 0.5) / (Math.log10(top / least) + 0.5)
      : value / top
    return Math.max(1, Math.round(share * BAR))
  }
  const labels = figure.x.map((label) => label[language])
  const gutter = Math.max(...labels.map(displayWidth))
  const single = figure.series.length === 1
  const scale = figure.logScale ? (language === 'zh' ? '，对数刻度' : ', log scale') : ''
  const lines = [`${figure.title[language]}  [${figure.yTitle[language]}${scale}]`]
  if (!single) {
    lines.push(figure.series.map(({ name }, i) => `${FILLS[i % FILLS.length]} ${name[language]}`).join('   '))
  }
  for (const [at, label] of labels.entries()) {
    for (const [row, { values: numbers }] of figure.series.entries()) {
      const value = numbers[at]
      const bar =
        value === null || value === undefined ? '' : (FILLS[row % FILLS.length] ?? '█').repeat(length(value))
      const shown = value === null || value === undefined ? '–' : compact(value)
      const head = row === 0 ? pad(label, gutter) : ' '.repeat(gutter)
      lines.push(`${head} │${bar} ${shown}`)
    }
  }
  return lines
}

// A heat map, or more series than the eye can follow, is a table: one row per series, the numbers themselves.
function grid(figure: Figure, language: Language): string[] {
  const [head = [], ...columns] = toTable(figure, language)
  const rows = [
    ['', ...columns.map(([label = '']) => label)],
    ...head.slice(1).map((name, at) => [name, ...columns.map((column) => column[at + 1] ?? '')]),
  ]
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => displayWidth(row[at] ?? ''))))
  return rows.map((row) =>
    row
      .map((cell, at) => pad(cell, widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)))
}

function displayWidth(text: string): number {
  let width = 0
  for (const character of text) width += /[⺀-꓏가-힣豈-﫿︰-﹏＀-｠￠-￦]/u.test(character) ? 2 : 1
  return width
}
