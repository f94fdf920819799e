import { assert, test, unique } from '../lib/harness.mjs'
import { newTopic, produce, producer, read } from './client.mjs'

const valuesOf = messages => messages.map(message => message.value)

test(
  'transaction commit',
  async () => {
    const topic = await newTopic()
    const client = producer({ transactionalId: unique('txn'), idempotent: true })
    const transaction = await client.beginTransaction()
    await transaction.send({ messages: [{ topic, partition: 0, value: 'in' }] })
    await transaction.commit()
    assert.deepEqual(valuesOf(await read(topic, 1, { isolationLevel: 1 })), ['in'])
    await client.close()
  },
  { needs: 'transactions' },
)

test(
  'transaction abort',
  async () => {
    const topic = await newTopic()
    const client = producer({ transactionalId: unique('txn'), idempotent: true })
    const transaction = await client.beginTransaction()
    await transaction.send({ messages: [{ topic, partition: 0, value: 'in' }] })
    await transaction.abort()
    await produce(topic, ['after'])
    assert.deepEqual(valuesOf(await read(topic, 1, { isolationLevel: 1 })), ['after'])
    await client.close()
  },
  { needs: 'transactions' },
)
