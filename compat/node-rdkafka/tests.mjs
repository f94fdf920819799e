// Runs the end-to-end tests that node-rdkafka ships in its own package, file by file.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const cache = process.env.COMPAT_CACHE
const require = createRequire(join(cache, 'package.json'))
const { KafkaConsumer, AdminClient } = require('node-rdkafka')
const home = dirname(require.resolve('node-rdkafka/package.json'))
const bootstrap = process.env.COMPAT_BOOTSTRAP

// They need transactions, and fail in a hook before any test where these are not served; so their names come from the list.
const names = readFileSync(new URL('./tests.txt', import.meta.url), 'utf8').split('\n')
const transactional = names.filter(name => name.startsWith('e2e / Transactional Producer'))

/** The topics that the tests take for granted. */
async function prepare() {
  const admin = AdminClient.create({ 'bootstrap.servers': bootstrap })
  for (const topic of ['test', 'test2', 'test3', 'test4', 'test5', 'test6']) {
    await new Promise(resolve => admin.createTopic({ topic, num_partitions: 1, replication_factor: 1 }, resolve))
  }
  admin.disconnect()
  const consumer = new KafkaConsumer({ 'bootstrap.servers': bootstrap, 'group.id': 'prepare' }, {})
  await new Promise(resolve => consumer.connect({ timeout: 5000 }, resolve))
  await new Promise(resolve => consumer.disconnect(resolve))
}

await prepare()
const mocha = require.resolve('mocha/bin/mocha.js')
const [reporter, preload] = ['./reporter.cjs', './preload.cjs'].map(file =>
  fileURLToPath(new URL(file, import.meta.url)),
)
const notServed = (process.env.COMPAT_NOT_SERVED ?? '').split(',').includes('transactions')
for (const file of ['admin', 'consumer', 'groups', 'producer', 'both', 'producer-transaction']) {
  if (file === 'producer-transaction' && notServed) {
    for (const test of transactional) {
      process.stdout.write(`${JSON.stringify({ test, status: 'not served', detail: 'transactions' })}\n`)
    }
    continue
  }
  const args = [
    mocha,
    '--exit',
    '--timeout',
    '30000',
    '--require',
    preload,
    '--reporter',
    reporter,
    `e2e/${file}.spec.js`,
  ]
  spawnSync(process.execPath, args, {
    cwd: home,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, KAFKA_HOST: bootstrap },
    timeout: 240_000,
    killSignal: 'SIGKILL',
  })
}
