/** What Apache Kafka 4.3 wrote of groups of the consumer protocol is loaded as our own. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { iterateBatches } from '../../../../protocol/records/batch.ts'
import { readRecords } from '../../../../protocol/records/record.ts'
import { type GroupRecord, groupRecordCodec } from '../../../../src/coordinator/group/records.ts'
import type { LogEntry } from '../../../../src/machine/machine.ts'
import { FakeCluster } from '../fake-cluster.ts'
import { Scenario } from '../scenario.ts'
import { beat } from './members.ts'

function entriesOf(name: string): LogEntry[] {
  const file = new URL(`../../../../../test/data/apache-logs/consumer-groups/${name}.log`, import.meta.url)
  const bytes = readFileSync(file)
  const entries: LogEntry[] = []
  for (const at of iterateBatches(bytes)) {
    for (const { key, value } of readRecords(bytes, at)) entries.push({ key, value })
  }
  return entries
}

t.test('loaded into a coordinator', async t => {
  const load = (name: string) => new Scenario({}, entriesOf(name)).machine
  const machine = load('3')
  const migrated = machine.consumerGroup('mig')
  t.match(migrated, { state: 'Stable', epoch: 2, assignmentEpoch: 2 })
  t.same([...(migrated?.members.keys() ?? [])], ['q'])
  t.not(migrated?.metadataHash, 0n, 'a hash of all 64 bits')
  t.match(machine.consumerGroup('s'), { state: 'Empty' })
  t.match(machine.consumerGroup('rng'), { preferredAssignor: 'range' })
  const patterns = load('2').consumerGroup('r')
  t.ok(patterns?.regexes.get('t.*|__.*')?.topics.includes('__consumer_offsets'))
  t.equal(patterns?.regexes.has('u.*'), false, 'nobody uses it any more')
  const others = load('7')
  t.equal(others.consumerGroup('g'), null, 'deleted')
  t.equal(others.consumerGroup('het')?.members.size, 3)
  t.ok(others.consumerGroup('off'))
})

t.test('a member goes on where it was', async t => {
  const cluster = new FakeCluster()
  const s = new Scenario({}, entriesOf('3'), 0, cluster)
  const member = s.machine.consumerGroup('mig')?.members.get('q')
  const [topicId] = member?.assigned.keys() ?? []
  cluster.add('t1', 4, topicId)
  const terms = { groupId: 'mig', memberId: 'q', rebalanceTimeoutMs: -1, subscribedTopicNames: null }
  const stays = s.ask(
    beat({ ...terms, memberEpoch: 2, topicPartitions: [{ topicId: topicId ?? '', partitions: [0, 1, 2, 3] }] }),
  )
  t.match(stays, { errorCode: 0, assignment: null })
})

t.test('we write the same bytes', async t => {
  const kinds = new Set<GroupRecord['kind']>()
  for (const { key, value } of ['2', '3', '7'].flatMap(entriesOf)) {
    const record = groupRecordCodec.decode(key, value)
    if (record) kinds.add(record.kind)
    t.same(record && groupRecordCodec.encode(record), { key, value }, record?.kind ?? 'nothing')
  }
  t.same([...kinds].sort(), [
    'consumerCurrent',
    'consumerGroup',
    'consumerMember',
    'consumerPartitionMetadata',
    'consumerRegex',
    'consumerTarget',
    'consumerTargetMember',
    'group',
    'offset',
  ])
})
