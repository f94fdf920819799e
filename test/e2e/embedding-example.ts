import { Kafka } from 'kafkajs'
import { startBroker } from 'ottla'

await using broker = await startBroker()
const kafka = new Kafka({ brokers: [broker.bootstrap] })

const producer = kafka.producer()
await producer.connect()
await producer.send({ topic: 'greetings', messages: [{ key: 'en', value: 'hello' }] })
await producer.disconnect()

const consumer = kafka.consumer({ groupId: 'readers' })
await consumer.connect()
await consumer.subscribe({ topic: 'greetings', fromBeginning: true })
await new Promise<void>(resolve => {
  consumer.run({
    eachMessage: async ({ message }) => {
      console.log(`${message.key}: ${message.value}`)
      resolve()
    },
  })
})
await consumer.disconnect()
