/** What the commands share: tables, times, names that are near. */
import t from 'tap'
import { durationMs, parseInstant, shownBytes, shownDuration, shownInstant } from '../../src/cli/shell/duration.ts'
import { nearNames } from '../../src/cli/shell/near-names.ts'
import { renderTable } from '../../src/cli/shell/table.ts'

t.test('tables', async t => {
  const columns = [{ title: 'TOPIC' }, { title: 'N', align: 'right' as const }, { title: 'HOST' }]
  const rows = [
    ['orders', '7', 'one.example'],
    ['a-rather-long-name-of-a-topic', '1234', 'x'],
  ]
  t.equal(
    renderTable(columns, rows, null),
    'TOPIC                             N  HOST\n' +
      'orders                            7  one.example\n' +
      'a-rather-long-name-of-a-topic  1234  x\n',
  )
  const narrow = renderTable(columns, rows, 30)
  for (const line of narrow.split('\n')) t.ok(line.length <= 30, line)
  t.match(narrow, /a-rather-\S*…/, 'text is cut')
  t.match(narrow, '1234', 'numbers are not')
})

t.test('durations and instants', async t => {
  t.equal(durationMs('1500'), 1500)
  t.equal(durationMs('1h30m'), 5_400_000)
  t.equal(durationMs('PT1H30M'), 5_400_000)
  t.equal(durationMs('P7D'), 604_800_000)
  for (const wrong of ['', 'P', 'PT', '5 minutes', '1x', '-5s']) t.equal(durationMs(wrong), null, wrong)
  const now = Date.parse('2026-01-31T12:00:00Z')
  t.equal(parseInstant('2h', now), now - 7_200_000)
  t.equal(parseInstant('2026-01-31', now), Date.parse('2026-01-31T00:00:00Z'))
  t.equal(parseInstant('2026-01-31 11:30', now), Date.parse('2026-01-31T11:30:00Z'))
  t.equal(parseInstant('2026-01-31T12:00:00.5+0100', now), Date.parse('2026-01-31T11:00:00.500Z'))
  t.equal(parseInstant('1769860800000', now), 1769860800000)
  for (const wrong of ['5', 'yesterday', '2026-13-41', '31.1.2026']) t.equal(parseInstant(wrong, now), null, wrong)
  t.equal(shownInstant(-1), '-')
  t.strictSame([15, 3200, 62_000, 3_720_000, 200_000_000].map(shownDuration), [
    '15ms',
    '3.2s',
    '1m 2s',
    '1h 2m',
    '2d 7h',
  ])
  t.strictSame([0, 1023, 1536, 3 * 1024 ** 3].map(shownBytes), ['0 B', '1023 B', '1.5 KiB', '3.0 GiB'])
})

t.test('near names', async t => {
  t.strictSame(nearNames('oders', ['orders', 'payments', 'orders-2']), ['orders'])
  t.strictSame(nearNames('Orders', ['orders', 'old-orders']), ['orders', 'old-orders'])
  t.strictSame(nearNames('xyz', ['orders']), [])
})
