/** AlterPartition by name, as before topics had ids. */
import t from 'tap'
import { type ErrorCode, Errors } from '../../protocol/errors.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { handler } from '../../src/api/56-alter-partition.ts'
import type { RequestContext } from '../../src/api/request.ts'

const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'

async function ask(version: number, topicName: string, errorCode: ErrorCode) {
  const asked: unknown[] = []
  const context = {
    version,
    broker: {
      metadata: { topicId: (name: string) => (name === 't' ? topicId : null) },
      controller: {
        alterPartitions: async (...question: unknown[]) => {
          asked.push(question)
          const partition = { partitionIndex: 0, errorCode, leaderId: 1, leaderEpoch: 2, isr: [1], partitionEpoch: 3 }
          return [{ topicId: zeroUuid, partitions: [{ ...partition, leaderRecoveryState: 0 }] }]
        },
      },
    },
  }
  const partition = {
    partitionIndex: 0,
    leaderEpoch: 2,
    newIsr: [1],
    newIsrWithEpochs: [],
    leaderRecoveryState: 0,
    partitionEpoch: 3,
  }
  const request = { brokerId: 1, brokerEpoch: 9, topics: [{ topicName, topicId: zeroUuid, partitions: [partition] }] }
  const answer = await handler.handle(request, context as unknown as RequestContext)
  return { asked, topic: answer?.topics[0] }
}

t.test('topics by name', async t => {
  for (const version of [0, 1]) {
    const { asked, topic } = await ask(version, 't', Errors.NONE)
    t.match(asked, [[1, 9, [{ topicId, partitions: [{ isr: [{ brokerId: 1, brokerEpoch: -1 }] }] }]]])
    t.match(topic, { topicName: 't', partitions: [{ errorCode: 0, isr: [1], partitionEpoch: 3 }] })
    const unknown = await ask(version, 'missing', Errors.UNKNOWN_TOPIC_ID)
    t.match(unknown.asked, [[1, 9, [{ topicId: zeroUuid }]]])
    t.equal(unknown.topic?.partitions[0].errorCode, Errors.UNKNOWN_TOPIC_OR_PARTITION)
    const codes = new Map<ErrorCode, ErrorCode>([
      [Errors.INELIGIBLE_REPLICA, Errors.OPERATION_NOT_ATTEMPTED],
      [Errors.NEW_LEADER_ELECTED, Errors.FENCED_LEADER_EPOCH],
      [Errors.INVALID_UPDATE_VERSION, Errors.INVALID_UPDATE_VERSION],
    ])
    for (const [newer, old] of codes) t.equal((await ask(version, 't', newer)).topic?.partitions[0].errorCode, old)
  }
  t.equal((await ask(2, 't', Errors.NEW_LEADER_ELECTED)).topic?.partitions[0].errorCode, Errors.NEW_LEADER_ELECTED)
})
