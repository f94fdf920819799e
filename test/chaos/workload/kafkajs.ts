/** kafkajs as it comes: idempotent producers, and a group that commits what it has been given. */
import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs'
import type { ProducerIdentity } from '../../history/operations.ts'
import { sleep } from './clock.ts'
import type { Endpoint } from './connection.ts'
import { nameIn, recordBytes, valueName } from './values.ts'
import type { WriterWorld } from './writers.ts'

export interface KafkajsWorld extends WriterWorld {
  readonly bootstrap: readonly Endpoint[]
  readonly topic: string
  readonly partitions: readonly string[]
}

function kafka({ bootstrap }: KafkajsWorld, clientId: string): Kafka {
  return new Kafka({
    clientId,
    brokers: bootstrap.map(({ host, port }) => `${host}:${port}`),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 5000,
    retry: { retries: 200, initialRetryTime: 50, maxRetryTime: 500 },
  })
}

/** Writes to all partitions in turn. */
export async function kafkajsWriter(world: KafkajsWorld, name: string): Promise<void> {
  let sequence = 0
  for (let life = 0; !world.stopping(); life++) {
    const producer = kafka(world, name).producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
    })
    try {
      await producer.connect()
    } catch (error) {
      process.stderr.write(`${name}: ${(error as Error).message}\n`)
      await sleep(500)
      continue
    }
    const identity: ProducerIdentity = { name: `${name}/${life}`, idempotent: true, repeats: false, acks: -1 }
    sequence = await writeUntilItFails(world, producer, identity, name, sequence)
    await producer.disconnect()
  }
}

async function writeUntilItFails(
  world: KafkajsWorld,
  sender: Producer,
  producer: ProducerIdentity,
  name: string,
  from: number,
): Promise<number> {
  let sequence = from
  while (!world.stopping()) {
    const partition = world.random.pick(world.partitions)
    const values = Array.from({ length: 1 + world.random.below(10) }, () =>
      valueName(name, sequence++, world.random.below(200)),
    )
    const operation = world.history.invoke(name, 'produce', { partition, values, producer })
    try {
      const index = Number(partition.slice(partition.lastIndexOf('-') + 1))
      const messages = values.map(value => ({ value: recordBytes(value), partition: index }))
      const [{ baseOffset }] = await sender.send({ topic: world.topic, acks: -1, timeout: 1000, messages })
      operation.ok({ offset: Number(baseOffset) < 0 ? null : Number(baseOffset) })
      await sleep(world.random.below(2 * world.pauseMs))
    } catch (error) {
      operation.info((error as Error).message)
      world.failed(name, error)
      return sequence
    }
  }
  return sequence
}

/** A member that commits after every batch, and goes on when its client gives up. */
export async function kafkajsMember(world: KafkajsWorld, name: string, group: string): Promise<void> {
  for (let life = 0; !world.stopping(); life++) {
    const consumer = kafka(world, name).consumer({
      groupId: group,
      sessionTimeout: 6000,
      heartbeatInterval: 500,
      rebalanceTimeout: 6000,
      maxWaitTimeInMs: 200,
      retry: { retries: 200, initialRetryTime: 50, maxRetryTime: 500, restartOnFailure: async () => false },
    })
    await liveAsMember(world, consumer, `${name}/${life}`, group)
  }
}

async function liveAsMember(world: KafkajsWorld, consumer: Consumer, name: string, group: string): Promise<void> {
  const { history, topic } = world
  // Where it goes on after that is not held against the cluster: kafkajs has been seen to begin at 0, with offsets committed.
  consumer.on('consumer.group_join', () => {
    history.note(name, 'assign', { consumer: name, partitions: [], sought: true }, {})
  })
  const crashed = new Promise<void>(resolve => {
    // kafkajs begins anew after errors that it does not retry, such as losing its place in the group: that is its way.
    consumer.on('consumer.crash', ({ payload }) => {
      process.stderr.write(`${name}: ${payload.error.message}\n`)
      resolve()
    })
  })
  try {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, isStale, isRunning }) => {
        if (isStale() || !isRunning()) return
        const partition = `${topic}-${batch.partition}`
        const records = batch.messages.map(({ offset, value }) => [Number(offset), nameIn(value)] as const)
        history.note(name, 'poll', { consumer: name }, { records: { [partition]: records } })
        const next = Number(batch.lastOffset()) + 1
        const commit = history.invoke(name, 'commitOffsets', { group, offsets: { [partition]: next } })
        try {
          await consumer.commitOffsets([{ topic, partition: batch.partition, offset: String(next) }])
          // While it is being stopped, kafkajs hides that a commit has failed.
          if (isRunning()) commit.ok({})
          else commit.info('kafkajs was stopping')
        } catch (error) {
          commit.info((error as Error).message)
          // It will be given again what it could not commit.
          history.note(name, 'assign', { consumer: name, partitions: [], sought: true }, {})
          throw error
        }
      },
    })
    const stopped = (async () => {
      while (!world.stopping()) await sleep(100)
    })()
    await Promise.race([crashed, stopped])
  } catch (error) {
    process.stderr.write(`${name}: ${(error as Error).message}\n`)
  }
  await consumer.disconnect().catch(() => {})
}
