/** Tables for people: columns two spaces apart, cut to the width of the terminal where there is one. */

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

const gap = '  '
const narrowest = 8

/** Lines with their ends. `width` null: as wide as it takes. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | null,
): string {
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...rows.map(row => shownWidth(row[i] ?? ''))))
  if (width !== null) shrink(widths, columns, width)
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align }, i) => fit(cells[i] ?? '', widths[i], align ?? 'left'))
      .join(gap)
      .trimEnd()
  return `${[columns.map(({ title }) => title), ...rows].map(line).join('\n')}\n`
}

/** Takes from the widest columns of text until all fit; numbers are never cut. */
function shrink(widths: number[], columns: readonly Column[], width: number): void {
  const total = () => widths.reduce((sum, each) => sum + each, 0) + gap.length * (widths.length - 1)
  while (total() > width) {
    let widest = -1
    columns.forEach(({ align }, i) => {
      if (align === 'right' || widths[i] <= Math.max(narrowest, columns[i].title.length)) return
      if (widest < 0 || widths[i] > widths[widest]) widest = i
    })
    if (widest < 0) return
    widths[widest]--
  }
}

function fit(text: string, width: number, align: 'left' | 'right'): string {
  const shown = shownWidth(text) > width ? `${[...text].slice(0, width - 1).join('')}…` : text
  const padding = ' '.repeat(Math.max(0, width - shownWidth(shown)))
  return align === 'right' ? padding + shown : shown + padding
}

function shownWidth(text: string): number {
  // Names in Kafka are ASCII; of the rest, code points are near enough.
  return [...text].length
}

/** Name and value, one a line. */
export function renderFacts(facts: readonly (readonly [string, string])[]): string {
  const width = Math.max(...facts.map(([name]) => name.length))
  return facts
    .map(([name, value]) => `${`${name}:`.padEnd(width + 1)}  ${value}`.trimEnd())
    .join('\n')
    .concat('\n')
}
