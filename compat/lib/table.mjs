// The result of a run as a table of client x capability. Tests named `suite / name` are summed up in one row.

const words = { pass: 'ok', fail: 'FAIL', 'not served': 'n/s' }

function cells(runs) {
  const rows = new Map()
  runs.forEach(({ results }, column) => {
    for (const { test, status } of results.values()) {
      const slash = test.indexOf(' / ')
      const name = slash < 0 ? test : test.slice(0, slash)
      const row = rows.get(name) ?? rows.set(name, []).get(name)
      if (slash < 0) {
        row[column] = words[status]
      } else {
        const sum = row[column] ?? { passed: 0, all: 0, toString: sumText }
        sum.all++
        if (status === 'pass') sum.passed++
        row[column] = sum
      }
    }
  })
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
}

function sumText() {
  return `${this.passed}/${this.all}`
}

export function textTable(runs) {
  const rows = cells(runs)
  const first = Math.max(10, ...rows.map(([name]) => name.length))
  const widths = runs.map(({ client }) => Math.max(5, client.name.length))
  const line = (head, values) =>
    `${head.padEnd(first)}  ${values.map((v, i) => v.padEnd(widths[i])).join('  ')}`.trimEnd()
  const out = [
    line(
      'capability',
      runs.map(({ client }) => client.name),
    ),
  ]
  for (const [name, row] of rows)
    out.push(
      line(
        name,
        runs.map((run, i) => (run.notRun ? '-' : `${row[i] ?? ''}`)),
      ),
    )
  return out.join('\n')
}

export function markdownTable(runs) {
  const rows = cells(runs)
  const line = values => `| ${values.join(' | ')} |`
  const out = [line(['capability', ...runs.map(({ client }) => client.name)]), line(Array(runs.length + 1).fill('---'))]
  for (const [name, row] of rows)
    out.push(line([name, ...runs.map((run, i) => (run.notRun ? '-' : `${row[i] ?? ''}`))]))
  return `${out.join('\n')}\n`
}

/** One line a client: `kafkajs: 40 passed, 0 failed`, then the same for all. */
export function summaryLines(runs) {
  const lines = []
  const all = { passed: 0, failed: 0, skipped: 0 }
  for (const { client, notRun, results, seconds } of runs) {
    if (notRun) {
      lines.push(`${client.name} was not run: ${notRun}`)
      continue
    }
    const count = status => [...results.values()].filter(result => result.status === status).length
    const [passed, failed, skipped] = [count('pass'), count('fail'), count('not served')]
    all.passed += passed
    all.failed += failed
    all.skipped += skipped
    console.error(`  ${client.name} took ${seconds.toFixed(1)} s`)
    lines.push(`${client.name}: ${counts({ passed, failed, skipped })}`)
  }
  lines.push(`all clients: ${all.passed} pass, ${all.failed} fail, ${all.skipped} are not served`)
  return lines
}

function counts({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`
}
