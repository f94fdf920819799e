import type { Test } from 'tap'
import { createTopics, produce } from '../../protocol/index.ts'
import { Broker } from '../../src/broker.ts'
import { parseBrokerConfig } from '../../src/config/broker.ts'
import { MemoryDisk } from '../../src/host/memory.ts'
import { nodeHost } from '../../src/host/node.ts'
import { type LogLine, recordingLogger } from '../api/recording-logger.ts'
import { RawClient } from '../network/raw-client.ts'

export interface WholeBroker {
  readonly port: number
  /** What it logged. */
  readonly lines: LogLine[]
  connect(): Promise<RawClient>
  /** Things that should not have happened, as logged. */
  errors(): LogLine[]
}

/** A broker with everything in it, in memory. */
export async function startWhole(t: Test, settings: Record<string, string> = {}): Promise<WholeBroker> {
  const lines: LogLine[] = []
  const config = parseBrokerConfig(
    new Map(
      Object.entries({
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'log.dirs': '/data',
        'offsets.topic.num.partitions': '1',
        'transaction.state.log.num.partitions': '1',
        'group.initial.rebalance.delay.ms': '0',
        ...settings,
      }),
    ),
  )
  const broker = await Broker.start(config, nodeHost({ disk: new MemoryDisk(), logger: recordingLogger(lines) }))
  t.teardown(() => broker.close())
  const { port } = broker.listeners[0]
  return {
    port,
    lines,
    connect: () => RawClient.connect(port),
    errors: () => lines.filter(({ level }) => level === 'error'),
  }
}

/** Creates topics and gives their ids by name; throws what the broker says against one. */
export async function makeTopics(
  client: RawClient,
  topics: Record<string, { partitions?: number; configs?: Record<string, string> }>,
): Promise<Map<string, string>> {
  const answer = await client.call(createTopics, 7, {
    topics: Object.entries(topics).map(([name, { partitions = 1, configs = {} }]) => ({
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    })),
    timeoutMs: 10_000,
  })
  for (const { name, errorCode, errorMessage } of answer?.topics ?? []) {
    if (errorCode !== 0) throw new Error(`${name}: ${errorCode} ${errorMessage}`)
  }
  return new Map(answer?.topics.map(({ name, topicId }) => [name, topicId]))
}

export interface ProduceOptions {
  readonly acks?: number
  readonly version?: number
  readonly partition?: number
  readonly transactionalId?: string | null
}

/** Produces one partition's bytes; null when the connection was closed. */
export async function produceTo(
  client: RawClient,
  topic: string,
  records: Buffer | null,
  { acks = -1, version = 9, partition = 0, transactionalId = null }: ProduceOptions = {},
) {
  const answer = await client.call(produce, version, {
    transactionalId,
    acks,
    timeoutMs: 5000,
    topicData: [{ name: topic, topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitionData: [{ index: partition, records }] }],
  })
  return answer === null ? null : answer.responses[0].partitionResponses[0]
}
