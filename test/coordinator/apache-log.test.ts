/** What Apache Kafka 4.3 wrote into its `__consumer_offsets` is loaded as our own. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { iterateBatches, recordsCount } from '../../protocol/records/batch.ts'
import { readRecords } from '../../protocol/records/record.ts'
import type { GroupEvent, GroupReply } from '../../src/coordinator/group/events.ts'
import { GroupMachine } from '../../src/coordinator/group/groups.ts'
import { type GroupRecord, groupRecordCodec } from '../../src/coordinator/group/records.ts'
import { defaultGroupSettings } from '../../src/coordinator/group/settings.ts'
import { Shard } from '../../src/machine/shard.ts'
import { FakeLog } from '../machine/fake-log.ts'
import { simHost } from '../sim/host.ts'
import { FakeCluster } from './group/fake-cluster.ts'

const file = new URL('../../../test/data/apache-logs/__consumer_offsets-0/00000000000000000000.log', import.meta.url)
const bytes = readFileSync(file)

t.test('loaded into a coordinator', async t => {
  const log = new FakeLog()
  for (const at of iterateBatches(bytes)) {
    const length = 12 + bytes.readInt32BE(at + 8)
    log.putRaw(Buffer.from(bytes.subarray(at, at + length)), recordsCount(bytes, at))
  }
  const host = simHost(1)
  const machine = new GroupMachine(defaultGroupSettings, new FakeCluster())
  const shard = new Shard<GroupEvent, GroupRecord, GroupReply>(machine, groupRecordCodec, log, host)
  await shard.load()
  t.same(host.log.lines, [], 'nothing to complain about')
  const group = machine.group('readers')
  t.match(group, { state: 'Empty', generation: 2, protocolType: 'consumer', protocolName: null, leaderId: null })
  t.equal(machine.offsets.get('readers', 'events', 0)?.offset, 15)
})

t.test('we write the same bytes', async t => {
  for (const at of iterateBatches(bytes)) {
    for (const { key, value } of readRecords(bytes, at)) {
      const record = groupRecordCodec.decode(key, value)
      t.same(record && groupRecordCodec.encode(record), { key, value })
    }
  }
})
