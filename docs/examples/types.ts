// TypeScript sees what a request is made of.
import { startBroker } from 'ottla'
import { type Exchange, startTestBroker, type TestBroker } from 'ottla/testing'

export async function lastAcks(broker: TestBroker): Promise<number> {
  const produced: Exchange<'Produce'> = await broker.journal.waitFor('Produce')
  return produced.request.acks
}

await using broker = await startTestBroker()
broker.on('Fetch').once().fail('OFFSET_OUT_OF_RANGE')
broker
  .on('Produce')
  .afterActing()
  .answer((_exchange, real) => ({ ...real, throttleTimeMs: 1000 }))
// @ts-expect-error: Kafka has no such error.
broker.on('Fetch').fail('NO_SUCH_ERROR')
// @ts-expect-error: nor such an API.
broker.on('Fetsch')

await using plain = await startBroker()
console.log(plain.bootstrap)
