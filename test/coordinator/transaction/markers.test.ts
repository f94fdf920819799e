import t from 'tap'
import { type ErrorCode, Errors, errorName, KafkaError } from '../../../protocol/errors.ts'
import { writeTxnMarkers } from '../../../protocol/messages/27-write-txn-markers.ts'
import type { WriteMarkers } from '../../../src/coordinator/transaction/events.ts'
import { MarkerSender } from '../../../src/coordinator/transaction/marker-sender.ts'
import { type MarkerResult, MarkerWriter } from '../../../src/coordinator/transaction/marker-writer.ts'
import { MetadataState } from '../../../src/metadata/state.ts'
import { PeerError, type Peers } from '../../../src/network/peers.ts'
import { simHost } from '../../sim/host.ts'
import { namesOf, partitions } from './scenario.ts'

const topicId = 'aaaaaaaaaaaaaaaaaaaaaA'
const endpoint = { host: 'two', port: 2 }

/** Partitions 0 and 1 of `a` are led by broker 1 and 2, partition 2 by nobody. */
function cluster(): MetadataState {
  const metadata = new MetadataState()
  metadata.apply({ kind: 'topic', version: 0, value: { name: 'a', topicId } }, 0)
  ;[1, 2, -1].forEach((leader, partitionId) => {
    const value = {
      partitionId,
      topicId,
      replicas: [1, 2],
      isr: [1, 2],
      removingReplicas: [],
      addingReplicas: [],
      leader,
      leaderRecoveryState: 0,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: [],
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    }
    metadata.apply({ kind: 'partition', version: 1, value }, partitionId + 1)
  })
  return metadata
}

const request = (...names: string[]): WriteMarkers => ({
  transactionalId: 'tx',
  producerId: 7,
  producerEpoch: 3,
  commit: true,
  transactionVersion: 2,
  partitions: partitions(...names),
})

interface Answers {
  readonly here?: ErrorCode
  readonly there?: ErrorCode | 'unreachable'
}

function sender({ here = Errors.NONE, there = Errors.NONE }: Answers) {
  const asked: unknown[] = []
  const peers = {
    request: async (to: unknown, api: unknown, body: unknown) => {
      asked.push([to, api, body])
      if (there === 'unreachable') throw new PeerError('unreachable', endpoint, 'no')
      const topics = [{ name: 'a', partitions: [{ partitionIndex: 1, errorCode: there }] }]
      return { markers: [{ producerId: 7, topics }] }
    },
  } as unknown as Pick<Peers, 'request'>
  const writer = {
    write: async () => [{ topic: 'a', index: 0, errorCode: here }] satisfies MarkerResult[],
  }
  const metadata = cluster()
  const endpointOf = () => endpoint
  return { asked, sender: new MarkerSender({ brokerId: 1, metadata, writer, peers, endpointOf, timeoutMs: 100 }) }
}

t.test('markers go to the leaders; what is gone or has no leader', async t => {
  const { asked, sender: one } = sender({})
  const answer = await one.send(request('a-0', 'a-1', 'a-2', 'a-3', 'gone-0'), 9)
  t.match(answer, { kind: 'markersAnswered', transactionalId: 'tx', producerId: 7, producerEpoch: 3 })
  t.same(namesOf(answer.settled), ['a-0', 'a-1', 'a-3', 'gone-0'], 'partition 2 has to wait for a leader')
  const marker = {
    producerId: 7,
    producerEpoch: 3,
    transactionResult: true,
    coordinatorEpoch: 9,
    transactionVersion: 2,
  }
  t.match(asked, [
    [endpoint, writeTxnMarkers, { markers: [{ ...marker, topics: [{ name: 'a', partitionIndexes: [1] }] }] }],
  ])
})

t.test('which errors end the asking', async t => {
  const settled = async (answers: Answers) =>
    namesOf((await sender(answers).sender.send(request('a-0', 'a-1'), 1)).settled)
  for (const error of [Errors.NONE, Errors.INVALID_PRODUCER_EPOCH, Errors.TRANSACTION_COORDINATOR_FENCED]) {
    t.same(await settled({ here: error, there: error }), ['a-0', 'a-1'], errorName(error))
  }
  for (const error of [Errors.NOT_LEADER_OR_FOLLOWER, Errors.UNKNOWN_TOPIC_OR_PARTITION, Errors.NOT_ENOUGH_REPLICAS]) {
    t.same(await settled({ here: error }), ['a-1'], errorName(error))
    t.same(await settled({ there: error }), ['a-0'], errorName(error))
  }
  t.same(await settled({ there: 'unreachable' }), ['a-0'])
})

function writer(lead: () => never) {
  const { clock } = simHost(1)
  const ended: unknown[] = []
  const endOffsets = async (index: number, end: unknown) => {
    ended.push([index, end])
    return Errors.NONE
  }
  return { ended, writer: new MarkerWriter({ clock, partitions: { lead }, endOffsets, commitTimeoutMs: 100 }) }
}

t.test('markers of the offsets topic go through its groups', async t => {
  const { ended, writer: one } = writer(() => {
    throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER)
  })
  const end = { producerId: 7, producerEpoch: 3, commit: false, coordinatorEpoch: 1, transactionVersion: 0 }
  t.same(await one.write(end, partitions('__consumer_offsets-4', 'a-0')), [
    { topic: '__consumer_offsets', index: 4, errorCode: Errors.NONE },
    { topic: 'a', index: 0, errorCode: Errors.NOT_LEADER_OR_FOLLOWER },
  ])
  t.same(ended, [[4, end]])
})

t.test('the connection of each broker that sends markers', async t => {
  const { writer: one } = writer(() => {
    throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER)
  })
  t.ok(one.isNewest('ottla-2', 5))
  t.ok(one.isNewest('ottla-2', 5))
  t.ok(one.isNewest('ottla-3', 4), 'another broker')
  t.ok(one.isNewest('ottla-2', 8))
  t.notOk(one.isNewest('ottla-2', 5))
  t.ok(one.isNewest('ottla-3', 4))
  t.ok(one.isNewest('adminclient-1', 8))
  t.ok(one.isNewest('adminclient-1', 5), 'several administrators may have the same name')
})
