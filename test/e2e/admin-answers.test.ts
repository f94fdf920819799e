/**
 * A hundred admin requests in a row, right and wrong ones, and what Apache Kafka 4.3.1 answered to each: error codes,
 * configs, sources and synonyms must be the same. The directory was formatted by Apache Kafka's storage tool.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { type AnyApi, allApis, type RequestInputOf } from '../../protocol/index.ts'
import { Broker } from '../../src/broker.ts'
import { parseBrokerConfig } from '../../src/config/broker.ts'
import { MemoryDisk } from '../../src/host/memory.ts'
import { nodeHost, silentLogger } from '../../src/host/node.ts'
import { RawClient } from '../network/raw-client.ts'

interface Recorded {
  readonly name: string
  readonly api: string
  readonly version: number
  readonly request: RequestInputOf<AnyApi>
  readonly answer: unknown
}

const data = new URL('../../../test/data/', import.meta.url)
const recorded = JSON.parse(readFileSync(new URL('admin/answers-4.3.1.json', data), 'utf8')) as Recorded[]

/** Made anew in each cluster, or words that are ours. */
const passedOver = new Set([
  'topicId',
  'lastFetchTimestamp',
  'lastCaughtUpTimestamp',
  'documentation',
  'throttleTimeMs',
  'highWatermark',
  'logEndOffset',
  'replicaDirectoryId',
  'leaderEpoch',
  'errorMessage',
])

type Json = null | string | number | boolean | Json[] | { [name: string]: Json }

/** Without what differs from cluster to cluster; lists of things with names in the order of their names. */
function comparable(value: Json): Json {
  if (Array.isArray(value)) {
    const items = value.map(comparable)
    return items.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0))
  }
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !passedOver.has(name))
      .map(([name, inner]) => [name, name === 'synonyms' ? inner : comparable(inner)]),
  )
}

function keyOf(value: Json): string {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return String(value)
  const { name, resourceName, resourceType, user, errorCode } = value
  return JSON.stringify([name, resourceName, resourceType, user, errorCode])
}

async function formattedDisk(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  await disk.makeDirectory('/data/__cluster_metadata-0')
  const files = [
    'meta.properties',
    'bootstrap.checkpoint',
    '__cluster_metadata-0/00000000000000000000-0000000000.checkpoint',
  ]
  for (const name of files) {
    const file = await disk.open(`/data/${name}`, 'create')
    await file.append([readFileSync(new URL(`apache-formatted/${name}`, data))])
    await file.sync()
    await file.close()
  }
  await disk.syncDirectory('/data')
  await disk.syncDirectory('/data/__cluster_metadata-0')
  return disk
}

t.test('admin requests are answered as by Apache Kafka', async t => {
  const config = parseBrokerConfig(
    new Map([
      ['listeners', 'PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:29393'],
      ['listener.security.protocol.map', 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT'],
      ['controller.listener.names', 'CONTROLLER'],
      ['log.dirs', '/data'],
    ]),
  )
  const broker = await Broker.start(config, nodeHost({ disk: await formattedDisk(), logger: silentLogger }))
  t.teardown(() => broker.close())
  t.equal(broker.clusterId, 'MkU3OEVBNTcwNTJENDM2Qg')
  const client = await RawClient.connect(broker.listeners[0].port)
  for (const { name, api, version, request, answer } of recorded) {
    const found = allApis.find(one => one.name === api) as AnyApi
    const ours = await client.call(found, version, request)
    t.same(comparable(JSON.parse(JSON.stringify(ours)) as Json), comparable(answer as Json), name)
  }
  client.destroy()
})
