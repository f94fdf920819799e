/** `ottla transaction producers` */
import { Errors } from '../../../protocol/errors.ts'
import { refusal } from '../../client/client-error.ts'
import { producersOf } from '../../client/transactions.ts'
import { shownInstant } from '../shell/duration.ts'
import type { Session } from '../shell/session.ts'
import { namedPartitions } from '../topic/named-topics.ts'

export async function listProducers(session: Session, _options: object, texts: string[]): Promise<void> {
  const answers = await producersOf(session.client, await namedPartitions(session, texts))
  const producers = answers.flatMap(({ topic, partition, errorCode, errorMessage, value }) => {
    if (errorCode !== Errors.NONE) throw refusal(`partition ${partition} of ${topic}`, errorCode, errorMessage)
    return (value ?? []).map(each => ({ topic, partition, ...each }))
  })
  if (session.json) return session.printJson({ producers })
  if (producers.length === 0) return session.note('no producers with an id')
  const right = (title: string) => ({ title, align: 'right' }) as const
  await session.table(
    [
      { title: 'TOPIC' },
      ...['PARTITION', 'PRODUCER', 'EPOCH', 'SEQUENCE'].map(right),
      { title: 'LAST RECORD' },
      right('OPEN SINCE OFFSET'),
    ],
    producers.map(
      ({ topic, partition, producerId, producerEpoch, lastSequence, lastTimestamp, transactionStartOffset }) => [
        topic,
        String(partition),
        String(producerId),
        String(producerEpoch),
        lastSequence < 0 ? '-' : String(lastSequence),
        shownInstant(lastTimestamp),
        transactionStartOffset < 0 ? '-' : String(transactionStartOffset),
      ],
    ),
  )
}
