/** What Apache Kafka 4.3 wrote into its `__transaction_state` is loaded as our own, and written in the same bytes. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { iterateBatches } from '../../../protocol/records/batch.ts'
import { readRecords } from '../../../protocol/records/record.ts'
import { transactionRecordCodec } from '../../../src/coordinator/transaction/records.ts'
import { Scenario } from './scenario.ts'

const file = new URL(
  '../../../../test/data/apache-logs/__transaction_state-0/00000000000000000000.log',
  import.meta.url,
)
const bytes = readFileSync(file)

t.test('loaded, and written again', async t => {
  const entries = [...iterateBatches(bytes)].flatMap(at =>
    [...readRecords(bytes, at)].map(({ key, value }) => ({ key, value })),
  )
  const codec = transactionRecordCodec(() => 2)
  for (const { key, value } of entries) {
    const record = codec.decode(key, value)
    t.same(record && codec.encode(record), { key, value })
  }
  const states = entries.map(({ key, value }) => {
    const record = codec.decode(key, value)
    return record?.kind === 'transaction' ? record.value?.state : null
  })
  t.same(states, ['Empty', 'Ongoing', 'PrepareCommit', 'CompleteCommit', 'Ongoing', 'PrepareAbort', 'CompleteAbort'])
  const s = new Scenario({}, entries)
  t.equal(s.state, 'CompleteAbort 2:0')
  t.equal(s.init(), '2:1')
  const half = new Scenario({}, entries.slice(0, 3))
  t.match(half.sends, [{ commit: true, producerId: 2, partitions: new Map([['txn', new Set([0])]]) }])
})

t.test('tombstones, and versions that are not ours', async t => {
  const codec = transactionRecordCodec(() => 0)
  const gone = codec.encode({ kind: 'transaction', transactionalId: 'x', value: null })
  t.equal(gone?.value, null)
  t.same(gone && codec.decode(gone.key, null), { kind: 'transaction', transactionalId: 'x', value: null })
  t.equal(codec.decode(null, null), null)
  t.equal(codec.decode(Buffer.from([0, 9]), null), null)
  const s = new Scenario({ version: () => 0 })
  s.init()
  t.equal(s.log[0].value?.readInt16BE(0), 0, 'version 0 below level 1')
  t.equal(s.restarted().state, 'Empty 100:0')
})
