import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import { Decider, directoryOf } from './decide.ts'

t.test('a broker tells where its replicas live', async t => {
  const decider = new Decider().begin()
  const logDirs = [directoryOf(1), directoryOf(1, 1)]
  decider.register(1, { logDirs })
  decider.beat(1)
  decider.brokers(2, 3)
  decider.assigned('a', [1, 2], [2, 3])
  t.same(decider.partition('a').directories, ['AAAAAAAAAAAAAAAAAAAAAA', directoryOf(2)], 'not known, and known')
  const topicId = decider.state.topicId('a') ?? ''
  const assign = (id: string, topic: string, ...partitions: number[]) =>
    decider
      .answer('assignDirectories', {
        brokerId: 1,
        brokerEpoch: decider.epochOf(1),
        directories: [{ id, topics: [{ topicId: topic, partitions }] }],
      })[0]
      .topics[0].partitions.map(({ errorCode }) => errorCode)
  t.same(assign(logDirs[1], topicId, 0, 1, 2), [0, Errors.NOT_LEADER_OR_FOLLOWER, Errors.UNKNOWN_TOPIC_OR_PARTITION])
  t.same(assign(logDirs[1], 'AAAAAAAAAAAAAAAAAAAACA', 0), [Errors.UNKNOWN_TOPIC_ID])
  t.match(decider.partition('a'), { directories: [logDirs[1], directoryOf(2)], leader: 1, leaderEpoch: 0 })
  t.same(assign(directoryOf(1, 2), topicId, 0), [0])
  t.match(decider.partition('a'), { leader: 2, isr: [2] }, 'a directory that failed')
  t.match(decider.ask({ question: 'assignDirectories', brokerId: 1, brokerEpoch: 0, directories: [] }).reply, {
    error: Errors.STALE_BROKER_EPOCH,
  })
})

t.test('before directories had ids', async t => {
  const decider = new Decider().begin(14)
  decider.brokers(1)
  const ask = { brokerId: 1, brokerEpoch: decider.epochOf(1), directories: [] }
  t.match(decider.ask({ question: 'assignDirectories', ...ask }).reply, { error: Errors.UNSUPPORTED_VERSION })
})
