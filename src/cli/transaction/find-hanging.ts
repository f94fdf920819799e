/** `ottla transaction find-hanging` */
import { Errors } from '../../../protocol/errors.ts'
import { refusal } from '../../client/client-error.ts'
import { partitionName, type TopicPartition } from '../../client/topic-partition.ts'
import { listTopics } from '../../client/topics.ts'
import {
  type ActiveProducer,
  describeTransaction,
  listAllTransactions,
  producersOf,
} from '../../client/transactions.ts'
import { parseTime, shownInstant } from '../shell/duration.ts'
import { ExitCode } from '../shell/exit-codes.ts'
import { Progress } from '../shell/progress.ts'
import type { Session } from '../shell/session.ts'
import { namedPartitions } from '../topic/named-topics.ts'

export interface FindHangingOptions {
  readonly olderThan: string
}

interface OpenTransaction extends TopicPartition, ActiveProducer {}

/** Partitions asked about at once. */
const pieceSize = 500

export async function findHanging(session: Session, options: FindHangingOptions, texts: string[]): Promise<number> {
  const olderThanMs = parseTime(options.olderThan, 'older-than')
  const partitions = texts.length > 0 ? await namedPartitions(session, texts) : await everywhere(session)
  const old = await openSince(session, partitions, session.host.clock.now() - olderThanMs)
  const owned = old.length === 0 ? new Set<string>() : await ownedBy(session, old)
  const hanging = old.filter(each => !owned.has(`${each.producerId} ${partitionName(each)}`))
  if (session.json) await session.printJson({ hanging })
  else if (hanging.length === 0) await session.note('no transaction hangs')
  else {
    const right = (title: string) => ({ title, align: 'right' }) as const
    await session.table(
      [{ title: 'TOPIC' }, ...['PARTITION', 'PRODUCER', 'EPOCH', 'START OFFSET'].map(right), { title: 'LAST RECORD' }],
      hanging.map(({ topic, partition, producerId, producerEpoch, transactionStartOffset, lastTimestamp }) => [
        topic,
        String(partition),
        String(producerId),
        String(producerEpoch),
        String(transactionStartOffset),
        shownInstant(lastTimestamp),
      ]),
    )
    const [{ topic, partition, transactionStartOffset }] = hanging
    await session.note(
      `ottla transaction abort --partition ${topic}:${partition} --start-offset ${transactionStartOffset}   ends the first`,
    )
  }
  return hanging.length > 0 ? ExitCode.CHECK_FAILED : ExitCode.OK
}

async function everywhere({ client }: Session): Promise<TopicPartition[]> {
  return (await listTopics(client)).flatMap(({ name, partitions }) =>
    partitions.map(({ partition }) => ({ topic: name, partition })),
  )
}

/** Transactions that are open in a partition and have had no record since. */
async function openSince(
  session: Session,
  partitions: readonly TopicPartition[],
  sinceMs: number,
): Promise<OpenTransaction[]> {
  const progress = new Progress(session)
  const open: OpenTransaction[] = []
  for (let at = 0; at < partitions.length; at += pieceSize) {
    progress.show(() => `${at} of ${partitions.length} partitions`, at / partitions.length)
    for (const answer of await producersOf(session.client, partitions.slice(at, at + pieceSize))) {
      const { topic, partition, errorCode, errorMessage, value } = answer
      if (errorCode !== Errors.NONE) throw refusal(`partition ${partition} of ${topic}`, errorCode, errorMessage)
      for (const producer of value ?? []) {
        if (producer.transactionStartOffset < 0 || producer.lastTimestamp > sinceMs) continue
        open.push({ topic, partition, ...producer })
      }
    }
  }
  await progress.end()
  return open
}

/** Which of them their coordinators know of and will end, as `PRODUCER TOPIC-PARTITION`. */
async function ownedBy({ client }: Session, open: readonly OpenTransaction[]): Promise<Set<string>> {
  const producerIds = [...new Set(open.map(({ producerId }) => producerId))]
  const owned = new Set<string>()
  for (const { transactionalId, producerId } of await listAllTransactions(client, { producerIds })) {
    const { partitions, state } = await describeTransaction(client, transactionalId)
    if (!['Ongoing', 'PrepareCommit', 'PrepareAbort'].includes(state)) continue
    for (const each of partitions) owned.add(`${producerId} ${partitionName(each)}`)
  }
  return owned
}
