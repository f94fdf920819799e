/** The test client's own producers: each writes one batch after the other to one partition. */
import { Errors, initProducerId, produce, zeroUuid } from '../../../protocol/index.ts'
import { buildBatch } from '../../../protocol/records/index.ts'
import type { History } from '../../history/history.ts'
import type { ProducerIdentity } from '../../history/operations.ts'
import type { SimRandom } from '../../sim/random.ts'
import { sleep } from './clock.ts'
import { type ClusterClient, certainlyNotWritten, Refused } from './cluster-client.ts'
import { Outage } from './connection.ts'
import type { Progress } from './progress.ts'
import { recordBytes, valueName } from './values.ts'

export interface WriterWorld {
  readonly client: ClusterClient
  readonly history: History
  readonly random: SimRandom
  readonly progress: Progress
  readonly stopping: () => boolean
  /** Between two batches of one writer. */
  readonly pauseMs: number
  /** Shows a failure that a client with retries on may not see. */
  readonly failed: (who: string, error: unknown) => void
}

const produceVersion = 9
const requestTimeoutMs = 1500
/** The broker gives up first, so that it can tell. */
const serverTimeoutMs = 1000
/** How long an idempotent producer goes on trying. */
const deliveryTimeoutMs = 60_000
const retryPauseMs = 50
const valueBytesMax = 400

interface Numbered {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
}

/** One attempt. Returns the offset, or throws Refused or Outage. */
async function send(
  { client }: WriterWorld,
  partition: string,
  values: readonly string[],
  acks: -1 | 0 | 1,
  numbered?: Numbered,
): Promise<number> {
  const at = partition.lastIndexOf('-')
  const name = partition.slice(0, at)
  const index = Number(partition.slice(at + 1))
  const now = Date.now()
  const records = buildBatch({
    records: values.map(value => ({ key: null, value: recordBytes(value), timestampMs: now })),
    ...numbered,
  })
  const answer = await client.toLeader(
    partition,
    produce,
    produceVersion,
    () => ({
      transactionalId: null,
      acks,
      timeoutMs: serverTimeoutMs,
      topicData: [{ name, topicId: zeroUuid, partitionData: [{ index, records }] }],
    }),
    requestTimeoutMs,
  )
  const { errorCode, baseOffset } = answer.responses[0].partitionResponses[0]
  if (errorCode !== Errors.NONE) throw new Refused(errorCode)
  return baseOffset
}

/** After an error: a moment, and then another look at who leads. */
async function lookAgain({ client }: WriterWorld): Promise<void> {
  await sleep(retryPauseMs)
  await client.refresh().catch(() => {})
}

function batchOf(world: WriterWorld, name: string, sequence: number): string[] {
  const count = 1 + world.random.below(5)
  return Array.from({ length: count }, (_, i) => {
    const filler = world.random.oneIn(100) ? 20 * valueBytesMax : world.random.below(valueBytesMax)
    return valueName(name, sequence + i, filler)
  })
}

/** Sends every record once and never again. */
export async function plainWriter(world: WriterWorld, name: string, partition: string, acks: -1 | 1): Promise<void> {
  const producer: ProducerIdentity = { name, idempotent: false, repeats: false, acks }
  for (let sequence = 0; !world.stopping(); ) {
    const values = batchOf(world, name, sequence)
    sequence += values.length
    const operation = world.history.invoke(name, 'produce', { partition, values, producer })
    const begun = world.progress.begin()
    try {
      operation.ok({ offset: await send(world, partition, values, acks) })
      if (acks === -1) world.progress.acknowledged(partition, begun)
      await sleep(world.random.below(2 * world.pauseMs))
    } catch (error) {
      const message = (error as Error).message
      if (certainlyNotWritten(error)) operation.fail(message)
      else operation.info(message)
      await lookAgain(world)
    }
  }
}

/** Numbers its batches and sends each until it is acknowledged. */
export async function idempotentWriter(world: WriterWorld, name: string, partition: string): Promise<void> {
  let life = 0
  let sequence = 0
  while (!world.stopping()) {
    const identity = await newIdentity(world)
    if (!identity) {
      await lookAgain(world)
      continue
    }
    const producer: ProducerIdentity = { name: `${name}/${life++}`, idempotent: true, repeats: false, acks: -1 }
    for (let baseSequence = 0; !world.stopping(); ) {
      const values = batchOf(world, name, sequence)
      sequence += values.length
      const operation = world.history.invoke(name, 'produce', { partition, values, producer })
      const begun = world.progress.begin()
      const end = await sendUntilAnswered(world, partition, values, { ...identity, baseSequence })
      if (end.offset !== null) {
        operation.ok({ offset: end.offset < 0 ? null : end.offset })
        world.progress.acknowledged(partition, begun)
        baseSequence += values.length
        await sleep(world.random.below(2 * world.pauseMs))
        continue
      }
      world.failed(name, end.error)
      if (end.certainlyNot) operation.fail(end.error.message)
      else operation.info(end.error.message)
      break
    }
  }
}

type End =
  | { readonly offset: number }
  | { readonly offset: null; readonly error: Error; readonly certainlyNot: boolean }

async function sendUntilAnswered(
  world: WriterWorld,
  partition: string,
  values: readonly string[],
  numbered: Numbered,
): Promise<End> {
  const deadline = performance.now() + deliveryTimeoutMs
  for (let certainlyNot = true; ; ) {
    try {
      return { offset: await send(world, partition, values, -1, numbered) }
    } catch (error) {
      if (!(error instanceof Outage || error instanceof Refused)) throw error
      certainlyNot &&= certainlyNotWritten(error)
      // It was appended before, and its offset is forgotten.
      if (error instanceof Refused && error.code === Errors.DUPLICATE_SEQUENCE_NUMBER) return { offset: -1 }
      const final = error instanceof Refused && !retried.has(error.code)
      if (final || performance.now() > deadline) return { offset: null, error, certainlyNot }
      await lookAgain(world)
    }
  }
}

const retried: ReadonlySet<number> = new Set([
  Errors.NOT_LEADER_OR_FOLLOWER,
  Errors.LEADER_NOT_AVAILABLE,
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
  Errors.REQUEST_TIMED_OUT,
  Errors.NOT_ENOUGH_REPLICAS,
  Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  Errors.KAFKA_STORAGE_ERROR,
  Errors.FENCED_LEADER_EPOCH,
  Errors.UNKNOWN_LEADER_EPOCH,
  Errors.NETWORK_EXCEPTION,
  Errors.BROKER_NOT_AVAILABLE,
])

async function newIdentity({ client }: WriterWorld): Promise<{ producerId: number; producerEpoch: number } | null> {
  try {
    const answer = await client.toAnyone(
      initProducerId,
      4,
      { transactionalId: null, transactionTimeoutMs: 60_000 },
      requestTimeoutMs,
    )
    return answer.errorCode === Errors.NONE
      ? { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
      : null
  } catch (error) {
    if (error instanceof Outage) return null
    throw error
  }
}
