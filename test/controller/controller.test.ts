import fc from 'fast-check'
import t from 'tap'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { defaultBootstrapRecords } from '../../src/controller/bootstrap.ts'
import { Controller, configOperations, type Heartbeat } from '../../src/controller/controller.ts'
import { nodeHost, silentLogger } from '../../src/host/node.ts'
import { Watermark } from '../../src/lib/watermark.ts'
import { MetadataFollower } from '../../src/metadata/follower.ts'
import { MetadataState } from '../../src/metadata/state.ts'
import { FakeLog } from '../machine/fake-log.ts'
import { contents } from '../metadata/history.ts'
import { config } from '../raft/world.ts'
import { SimClock } from '../sim/clock.ts'
import { clusterId, directoryOf, features } from './decide.ts'

const host = nodeHost({ logger: silentLogger })

const registration = {
  brokerId: 1,
  clusterId: null,
  incarnationId: 'AAAAAAAAAAAAAAAAAAAAAg',
  endpoints: [],
  features,
  rack: null,
  logDirs: [directoryOf(1)],
  previousBrokerEpoch: -1,
  isMigratingZkBroker: false,
}

const beat = (brokerEpoch: number, more: Partial<Heartbeat> = {}): Heartbeat => ({
  brokerId: 1,
  brokerEpoch,
  currentMetadataOffset: 1_000_000,
  wantFence: false,
  wantShutDown: false,
  offlineLogDirs: [],
  cordonedLogDirs: null,
  ...more,
})

const newTopic = (name: string, partitionsCount = 1) => ({
  name,
  partitionsCount,
  replicationFactor: 1,
  assignments: [],
  configs: [],
})

const given = { host, config: config(), clusterId, bootstrapRecords: defaultBootstrapRecords }

async function start(log = new FakeLog()) {
  const state = new MetadataState()
  const follower = new MetadataFollower(log, state, silentLogger)
  await follower.start()
  const { applied } = follower
  const controller = new Controller({ ...given, log, metadata: state, applied, served: applied })
  await controller.elected()
  return { log, state, controller, follower }
}

async function cluster() {
  const running = await start()
  const { brokerEpoch } = await running.controller.registerBroker(registration)
  await running.controller.heartbeat(beat(brokerEpoch))
  const { follower, log } = running
  await new Promise<void>(resolve => follower.applied.reached(log.logEndOffset, () => resolve()))
  return { ...running, brokerEpoch }
}

t.test('an answer comes when the broker itself knows', async t => {
  const { controller, state } = await cluster()
  const [created] = await controller.createTopics([newTopic('a', 3)])
  t.equal(state.topics.get('a')?.partitions.length, 3)
  t.equal(state.topicId('a'), created.topicId)
  t.same(await controller.autoCreateTopics([]), [])
  await controller.autoCreateTopics(['b'])
  t.ok(state.topics.has('b'))
  await controller.deleteTopics([{ name: 'a', topicId: null }])
  t.notOk(state.topics.has('a'))
  controller.close()
})

t.test('before it is loaded, and after it is closed, it is no controller', async t => {
  const log = new FakeLog()
  const applied = new Watermark(0)
  const controller = new Controller({ ...given, log, metadata: new MetadataState(), applied, served: applied })
  await t.rejects(controller.createTopics([newTopic('a')]), new KafkaError(Errors.NOT_CONTROLLER))
  await controller.elected()
  t.ok(controller.isActive)
  controller.close()
  await t.rejects(controller.createTopics([newTopic('a')]), new KafkaError(Errors.NOT_CONTROLLER))
})

t.test('what cannot be written changes nothing', async t => {
  const { controller, log, state } = await cluster()
  const before = contents(state)
  log.failing = Errors.RECORD_LIST_TOO_LARGE
  await t.rejects(controller.createTopics([newTopic('a')]), KafkaError)
  log.failing = null
  t.same(contents(state), before)
  const [created] = await controller.createTopics([newTopic('a')])
  t.equal(created.errorCode, Errors.NONE)
})

const names = fc.constantFrom('a', 'b', 'c.d', 'c_d')
type Action = (running: Awaited<ReturnType<typeof cluster>>) => Promise<unknown>
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.tuple(names, fc.integer({ min: -1, max: 4 })).map(
    ([name, count]): Action =>
      ({ controller }) =>
        controller.createTopics([newTopic(name, count), newTopic('b', 2)]),
  ),
  names.map(
    (name): Action =>
      ({ controller }) =>
        controller.deleteTopics([{ name, topicId: null }]),
  ),
  fc.tuple(names, fc.nat(6)).map(
    ([name, count]): Action =>
      ({ controller }) =>
        controller.createPartitions([{ name, count, assignments: null }]),
  ),
  fc.tuple(names, fc.constantFrom('5', 'x'), fc.boolean()).map(([resourceName, value, replace]): Action => {
    const operations = [{ name: 'retention.ms', operation: configOperations.set, value }]
    const resources = [{ resourceType: 2, resourceName, operations }]
    return ({ controller }) => controller[replace ? 'replaceConfigs' : 'incrementalAlterConfigs'](resources)
  }),
  fc.constant<Action>(({ controller, brokerEpoch }) => controller.allocateProducerIds(1, brokerEpoch)),
  fc.constant<Action>(({ controller, brokerEpoch }) => controller.heartbeat(beat(brokerEpoch, { wantFence: true }))),
  fc.constant<Action>(({ controller, brokerEpoch }) => controller.heartbeat(beat(brokerEpoch))),
)

t.test('replaying the log gives the live state', async t => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 25 }), async actions => {
      const running = await cluster()
      for (const act of actions) await act(running)
      const { follower, log } = running
      await new Promise<void>(resolve => follower.applied.reached(log.logEndOffset, () => resolve()))
      const again = await start(running.log)
      t.same(contents(again.state), contents(running.state))
      const [probe] = await again.controller.createTopics([newTopic('probe')], { validateOnly: true })
      t.ok(probe.errorCode === Errors.NONE || probe.errorCode === Errors.INVALID_REPLICATION_FACTOR)
      running.controller.close()
      again.controller.close()
      running.follower.close()
      again.follower.close()
    }),
    { numRuns: 30 },
  )
})

t.test('a controller that could not read its log tries again', async t => {
  const log = new FakeLog()
  const first = await start(log)
  await first.controller.registerBroker(registration)
  first.controller.close()
  first.follower.close()
  const metadata = new MetadataState()
  const applied = new Watermark(0)
  const clock = new SimClock()
  const options = { ...given, host: { ...host, clock }, log, metadata, applied, served: applied }
  const controller = new Controller(options)
  log.reading = Promise.reject(new KafkaError(Errors.OFFSET_OUT_OF_RANGE))
  log.reading.catch(() => {})
  const loaded = controller.elected()
  await t.rejects(controller.createTopics([newTopic('a')]), new KafkaError(Errors.NOT_CONTROLLER))
  log.reading = Promise.resolve()
  await clock.run(loaded)
  t.ok(controller.isActive)
  controller.close()
})

t.test('a leadership begins with what is committed, and each with a fresh machine', async t => {
  const { controller, state, log } = await cluster()
  await controller.createTopics([newTopic('a')])
  controller.resigned()
  t.notOk(controller.isActive)
  await t.rejects(controller.heartbeat(beat(0)), new KafkaError(Errors.NOT_CONTROLLER))
  log.commitsAtOnce = false
  const elected = controller.elected()
  await elected
  const waiting = controller.allocateProducerIds(1, state.brokers.get(1)?.epoch ?? -1)
  controller.resigned()
  await t.rejects(waiting, new KafkaError(Errors.NOT_CONTROLLER), 'it was never committed')
})
