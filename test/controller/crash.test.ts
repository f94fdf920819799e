/**
 * The power fails at every disk operation of a cluster's first day: formatting, elections, topics, configs, producer ids
 * and snapshots. After the next start everything that was answered must be so.
 */
import t from 'tap'
import { parseBrokerConfig } from '../../src/config/broker.ts'
import { configOperations } from '../../src/controller/controller.ts'
import { MetadataPlane } from '../../src/controller/metadata-plane.ts'
import { Logs } from '../../src/log/logs.ts'
import { supportedFeatures } from '../../src/metadata/features.ts'
import { type Loss, losses } from '../sim/disk-nodes.ts'
import { type SimHost, simHost } from '../sim/host.ts'

const config = parseBrokerConfig(
  new Map([
    ['log.dirs', '/data,/more'],
    ['listeners', 'PLAINTEXT://:0,CONTROLLER://localhost:9093'],
    // So small that the day needs several snapshots.
    ['metadata.log.max.record.bytes.between.snapshots', '700'],
  ]),
)

/** What clients were told. */
class Told {
  clusterId: string | null = null
  epoch = 0
  readonly topics = new Map<string, { id: string; partitions: number }>()
  readonly gone = new Set<string>()
  retentionMs: string | null = null
  nextProducerId = 0
}

const newTopic = (name: string) => ({
  name,
  partitionsCount: 2,
  replicationFactor: 1,
  assignments: [],
  configs: [],
})

interface Living {
  readonly plane: MetadataPlane
  readonly logs: Logs
  readonly brokerEpoch: number
}

async function start(host: SimHost): Promise<Living> {
  const logs = await Logs.open(host, { directories: config.logDirs })
  const plane = await MetadataPlane.open(host, config, logs)
  const { controller, identity, applied, served, quorum } = plane
  const { brokerEpoch } = await controller.registerBroker({
    brokerId: 1,
    clusterId: identity.clusterId,
    incarnationId: host.random.uuid(),
    endpoints: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, securityProtocol: 0 }],
    features: supportedFeatures.map(({ name, minVersion, maxVersion }) => ({
      name,
      minSupportedVersion: minVersion,
      maxSupportedVersion: maxVersion,
    })),
    rack: null,
    logDirs: [...identity.directoryIds.values()],
    previousBrokerEpoch: plane.previousBrokerEpoch,
    isMigratingZkBroker: false,
  })
  await new Promise<void>(resolve => {
    applied.reached(brokerEpoch + 1, () => resolve())
  })
  await controller.heartbeat({
    brokerId: 1,
    brokerEpoch,
    currentMetadataOffset: applied.value - 1,
    wantFence: false,
    wantShutDown: false,
    offlineLogDirs: [],
    cordonedLogDirs: null,
  })
  await new Promise<void>(resolve => {
    served.reached(quorum.committed.value, () => resolve())
  })
  return { plane, logs, brokerEpoch }
}

async function day(host: SimHost, told: Told): Promise<void> {
  const { plane, logs, brokerEpoch } = await start(host)
  const { controller } = plane
  told.clusterId = plane.identity.clusterId
  told.epoch = plane.quorum.leaderEpoch
  for (const name of ['a', 'b', 'c']) {
    const [{ topicId }] = await controller.createTopics([newTopic(name)])
    told.topics.set(name, { id: topicId, partitions: 2 })
  }
  for (const value of ['1', '2', '3']) {
    const operations = [{ name: 'retention.ms', operation: configOperations.set, value }]
    await controller.incrementalAlterConfigs([{ resourceType: 2, resourceName: 'b', operations }])
    told.retentionMs = value
  }
  const { firstId, count } = await controller.allocateProducerIds(1, brokerEpoch)
  told.nextProducerId = firstId + count
  told.topics.delete('a')
  await controller.deleteTopics([{ name: 'a', topicId: null }])
  told.gone.add('a')
  await controller.createPartitions([{ name: 'c', count: 3, assignments: null }])
  told.topics.set('c', { id: told.topics.get('c')?.id ?? '', partitions: 3 })
  await plane.close()
  await logs.close(brokerEpoch)
}

/** Null when everything is as it was told. */
async function examine(host: SimHost, told: Told): Promise<string | null> {
  const { plane, logs, brokerEpoch } = await start(host)
  const { state, quorum, controller } = plane
  if (told.clusterId !== null && plane.identity.clusterId !== told.clusterId) return 'another cluster id'
  if (quorum.leaderEpoch <= told.epoch) return `epoch ${quorum.leaderEpoch} after ${told.epoch}`
  if (state.features.get('metadata.version') !== 30) return 'no metadata.version'
  for (const [name, { id, partitions }] of told.topics) {
    const topic = state.topics.get(name)
    if (topic?.id !== id) return `topic ${name} is ${topic?.id}, not ${id}`
    if (topic.partitions.length < partitions) return `topic ${name} has ${topic.partitions.length} partitions`
    if (topic.partitions.some(({ leader }) => leader !== 1)) return `topic ${name} is not led`
  }
  for (const name of told.gone) if (state.topics.has(name)) return `topic ${name} is back`
  const retentionMs = state.configsOf(2, 'b').get('retention.ms') ?? '0'
  if (told.retentionMs !== null && Number(retentionMs) < Number(told.retentionMs)) return `retention.ms ${retentionMs}`
  const { firstId } = await controller.allocateProducerIds(1, brokerEpoch)
  if (firstId < told.nextProducerId) return `producer ids from ${firstId} again`
  await plane.close()
  await logs.close(brokerEpoch)
  return null
}

async function crash(at: number, loss: Loss): Promise<string | null> {
  const host = simHost(1)
  const told = new Told()
  host.disk.crashAt(at)
  const living = day(host, told)
  living.catch(() => {})
  await host.clock.run(Promise.race([living, host.disk.down]))
  const next = simHost(2, { disk: host.disk.afterPowerLoss(at, loss), clock: host.clock })
  return next.clock.run(examine(next, told))
}

t.test('power failure at every operation', async t => {
  const rehearsal = simHost(1)
  await rehearsal.clock.run(day(rehearsal, new Told()))
  const snapshots = rehearsal.log.lines.filter(({ message }) => message === 'metadata snapshot saved').length
  t.ok(snapshots >= 2, `${snapshots} snapshots`)
  const { operations } = rehearsal.disk
  t.ok(operations > 100, `${operations} operations`)
  for (let at = 1; at <= operations; at++) {
    const loss = losses[at % losses.length]
    const wrong = await crash(at, loss).catch(error => String(error?.stack ?? error))
    if (wrong !== null) t.fail(`power failure at operation ${at}, loss ${loss}: ${wrong}`)
  }
})
