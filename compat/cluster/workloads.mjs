// Records that are written while something happens to the cluster, and read back afterwards.
import { spawn } from 'node:child_process'
import { assert, bootstrap, unique } from '../lib/harness.mjs'
import { partitionsOf } from '../lib/wire.mjs'
import { brokerIds, inSync } from './nodes.mjs'
import { at, ok, propertiesFile, started } from './tools.mjs'

/** A topic whose partitions all have these replicas, the preferred leader first, all in sync. */
export async function newTopic(replicas, { partitions = 1, minInSync = 2 } = {}) {
  const topic = unique('client')
  const assignment = Array(partitions).fill(replicas.join(':')).join(',')
  const settings = ['--config', `min.insync.replicas=${minInSync}`]
  await ok('TopicCommand', ...at, '--create', '--topic', topic, '--replica-assignment', assignment, ...settings)
  await inSync(topic)
  return topic
}

/** Broker ids, `id` first. */
export const preferring = id => [id, ...brokerIds.filter(other => other !== id)]

export const leaderOf = async topic => (await partitionsOf(bootstrap, topic))[0].leader

/** Values of partition 0 in their order, as librdkafka reads them. */
export async function read(topic) {
  const options = ['-p', '0', '-o', 'beginning', '-e', '-q', '-X', 'check.crcs=true']
  const child = spawn('kcat', ['-b', bootstrap, '-C', '-t', topic, ...options])
  let out = ''
  child.stdout.on('data', chunk => {
    out += chunk
  })
  assert.equal(await new Promise(resolve => child.on('close', resolve)), 0)
  return out.split('\n').filter(Boolean)
}

/** Java's producer, idempotent, with numbers in their order; `finished` resolves with what was acknowledged. */
export function javaProducer(topic, count, perSecond = 500) {
  // The tool switches retries off, unless a file says otherwise.
  const retries = ['--command-config', propertiesFile('retries.properties', { retries: 2 ** 31 - 1 })]
  const amount = ['--max-messages', count, '--throughput', perSecond, '--acks', -1]
  const running = started('VerifiableProducer', ...at, '--topic', topic, ...amount, ...retries)
  return {
    isUnderWay: () => running.out.split('producer_send_success').length > 200,
    async finished() {
      assert.equal(await running.done, 0, running.err)
      const events = running.out
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
      const failed = events.filter(({ name }) => name === 'producer_send_error')
      assert.equal(failed.length, 0, JSON.stringify(failed[0]))
      const acked = events.filter(({ name }) => name === 'producer_send_success').map(({ value }) => value)
      assert.equal(acked.length, count)
      return acked
    },
  }
}
