/** Brokers of a test leave nothing behind in their process. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { startTestBroker } from '../../src/testing/index.ts'
import { RawClient } from '../network/raw-client.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const brokersInAll = 100
const atOnce = 10

/** What keeps a process alive, or would. */
function handles(): string[] {
  return process.getActiveResourcesInfo().filter(name => name.startsWith('TCP') || name === 'Timeout')
}

async function round(): Promise<void> {
  const brokers = await Promise.all(Array.from({ length: atOnce }, () => startTestBroker()))
  t.equal(new Set(brokers.map(({ port }) => port)).size, atOnce, 'ports of their own')
  const [first] = brokers
  const client = await RawClient.connect(first.port)
  first.on('*').drop()
  await Promise.all(brokers.map((broker, i) => broker.produce('mine', [`of ${i}`])))
  await first.snapshot()
  for (const [i, broker] of brokers.entries()) t.match(await broker.records('mine'), [{ value: `of ${i}` }])
  await Promise.all(brokers.map(broker => broker.close()))
  await client.closed
}

async function heapBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect()
    await new Promise<void>(resolve => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

t.test('a hundred brokers, one after the other', async t => {
  const before = handles()
  // The first ones compile what all of them use.
  for (let i = 0; i < 2; i++) await round()
  const warmBytes = await heapBytes()
  const left: number[] = []
  for (let i = 2; i < brokersInAll / atOnce; i++) {
    await round()
    left.push((await heapBytes()) - warmBytes)
  }
  t.comment(`bytes more than after the first ${2 * atOnce}: ${left.join(', ')}`)
  t.same(handles(), before, 'no handle and no timer is left')
  const perBroker = (left.at(-1) ?? 0) / (brokersInAll - 2 * atOnce)
  t.ok(perBroker < 20_000, `${perBroker.toFixed(0)} bytes stay of each broker`)
})
