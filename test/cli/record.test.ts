/** Records as text: templates, JSON lines, delimiters. */
import t from 'tap'
import { unescaped } from '../../src/cli/record/escapes.ts'
import { parseRecordJson, recordJson } from '../../src/cli/record/record-text.ts'
import { splitAt } from '../../src/cli/record/split.ts'
import { parseTemplate } from '../../src/cli/record/template.ts'
import type { ReadRecord } from '../../src/client/fetched-records.ts'

const record: ReadRecord = {
  topic: 'orders',
  partition: 3,
  offset: 17,
  timestampMs: 1_700_000_000_000,
  timestampType: 'CreateTime',
  key: Buffer.from('k'),
  value: null,
  headers: [
    { key: 'a', value: Buffer.from('1') },
    { key: 'b', value: null },
  ],
}

const printed = (template: string) =>
  Buffer.concat(parseTemplate(template, 'null')(record).map(each => Buffer.from(each))).toString()

t.test('templates', async t => {
  t.equal(
    printed('%t:%p:%o %k=%v [%h] %T %d %K %V 100%%\\n'),
    'orders:3:17 k=null [a=1,b=null] 1700000000000 2023-11-14T22:13:20.000Z 1 -1 100%\n',
  )
  t.equal(printed('%j'), recordJson(record))
  t.throws(() => printed('%x'), /means nothing/)
  t.throws(() => printed('100%'), /means nothing/)
  t.equal(unescaped('a\\tb\\n\\0\\x41\\\\\\q'), 'a\tb\n\0A\\\\q')
})

t.test('JSON lines go out and come in again', async t => {
  const shown = () => 'line 1'
  const back = parseRecordJson(recordJson({ ...record, value: Buffer.from([0xff, 0]) }), shown)
  t.equal(back.partition, 3)
  t.strictSame(back.record.value, Buffer.from([0xff, 0]))
  t.strictSame(back.record.headers, record.headers)
  t.equal(back.record.timestampMs, record.timestampMs)
  const loose = parseRecordJson('{"value":{"a":[1]},"headers":{"h":"x"}}', shown).record
  t.strictSame(loose, { key: null, value: Buffer.from('{"a":[1]}'), headers: [{ key: 'h', value: Buffer.from('x') }] })
  for (const wrong of ['{', '[]', '5', '{"partition":"x"}', '{"headers":[{}]}', '{"timestamp":1.5}']) {
    t.throws(() => parseRecordJson(wrong, shown), /^line 1/, wrong)
  }
})

async function split(pieces: readonly string[], delimiter: string): Promise<string[]> {
  async function* source() {
    for (const piece of pieces) yield Buffer.from(piece)
  }
  const records: string[] = []
  for await (const some of splitAt(source(), Buffer.from(delimiter))) records.push(...some.map(String))
  return records
}

t.test('delimiters', async t => {
  t.strictSame(await split(['a\nb', 'c\n\nd'], '\n'), ['a', 'bc', '', 'd'])
  t.strictSame(await split(['a\n'], '\n'), ['a'], 'nothing after the last is no record')
  t.strictSame(await split(['a=', '=b', '==', 'c', '=', '='], '=='), ['a', 'b', 'c'], 'also across pieces')
  t.strictSame(await split([], '\n'), [])
})
