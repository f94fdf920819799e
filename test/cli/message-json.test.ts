import t from 'tap'
import { Reader } from '../../protocol/reader.ts'
import type { AnyMessage } from '../../protocol/schema.ts'
import * as control from '../../protocol/stored/control.ts'
import * as classic from '../../protocol/stored/group-classic.ts'
import * as consumer from '../../protocol/stored/group-consumer.ts'
import * as shareGroup from '../../protocol/stored/group-share.ts'
import * as metadata from '../../protocol/stored/metadata.ts'
import * as share from '../../protocol/stored/share.ts'
import * as transaction from '../../protocol/stored/transaction.ts'
import { int64Text, messageJson } from '../../src/cli/message-json.ts'
import { type Json, losslessCodec, readVectors } from '../protocol/vectors.ts'

const messages = new Map<string, AnyMessage>(
  [control, classic, consumer, shareGroup, metadata, share, transaction]
    .flatMap((group): AnyMessage[] => Object.values(group))
    .map(each => [each.name, each]),
)

/** Numbers as text, since the vectors have some of them as text to keep all digits. */
function comparable(value: Json): Json {
  if (typeof value === 'number') return String(value)
  if (Array.isArray(value)) return value.map(comparable)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, comparable(each)]))
}

/** Puts whole numbers of JSON text in quotes before it is parsed: numbers could not hold them. */
function parseExactly(json: string): Json {
  return comparable(JSON.parse(json.replace(/(?<=[:[,])-?\d{16,}(?=[,\]}])/g, '"$&"')))
}

t.test("stored records as Kafka's own converters write them", async t => {
  let compared = 0
  for (const vector of readVectors('records')) {
    const message = messages.get(vector.name)
    // Unknown tags have no name to print.
    if (!message || vector.source !== '4.3.1' || vector.variant === 'tagged' || vector.unstable) continue
    const value = losslessCodec(message, vector.version).read(new Reader(Buffer.from(vector.hex, 'hex')))
    const text = messageJson(message, vector.version, value as object)
    t.same(parseExactly(text), comparable(vector.json), `${vector.name} ${vector.version} ${vector.variant}`)
    compared++
  }
  t.ok(compared > 300, `${compared} compared`)
})

t.test('the ends of int64', async t => {
  t.equal(int64Text(2 ** 63), '9223372036854775807')
  t.equal(int64Text(-(2 ** 63)), '-9223372036854775808')
  t.equal(int64Text(-1), '-1')
})
