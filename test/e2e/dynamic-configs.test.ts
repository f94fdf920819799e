/** What is altered on a running broker takes effect without a restart. */
import t from 'tap'
import { incrementalAlterConfigs } from '../../protocol/index.ts'
import { type SimulatedClient, withSimulatedBroker } from '../quota/simulated-broker.ts'

async function alter(client: SimulatedClient, broker: string, name: string, value: string | null) {
  const { responses } = await client.ask(incrementalAlterConfigs, 1, {
    resources: [
      { resourceType: 4, resourceName: broker, configs: [{ name, configOperation: value === null ? 1 : 0, value }] },
    ],
    validateOnly: false,
  })
  return responses[0].errorCode
}

t.test('how long producers are remembered: of all brokers, of this one, and as it was', async t => {
  await withSimulatedBroker(t, { 'producer.id.expiration.ms': '1000' }, async ({ broker, connect }) => {
    const client = await connect('admin')
    const { logs } = broker.rooms
    t.equal(logs.producerIdExpirationMs, 1000)
    t.equal(await alter(client, '', 'producer.id.expiration.ms', '2000'), 0)
    t.equal(logs.producerIdExpirationMs, 2000)
    t.equal(await alter(client, '1', 'producer.id.expiration.ms', '3000'), 0)
    t.equal(logs.producerIdExpirationMs, 3000)
    t.equal(await alter(client, '1', 'producer.id.expiration.ms', null), 0)
    t.equal(await alter(client, '', 'producer.id.expiration.ms', null), 0)
    t.equal(logs.producerIdExpirationMs, 1000)
  })
})
