// Apache Kafka's own programs as judges of a broker. Each takes a minute or so.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, startOttla } from '../lib/brokers.mjs'
import { assert, bootstrap, cacheDir, eventually, runAll, test, unique } from '../lib/harness.mjs'
import { closeAll, createTopics, fill, properties, read, run, says, scratch, start } from './programs.mjs'

const minutes = 60_000
const numbered = count => Array.from({ length: count }, (_, i) => `${i}`)

test(
  'transactional message copier, killed again and again',
  async () => {
    const [input, output] = [unique('copier-in'), unique('copier-out')]
    await createTopics(`${input}:1`, `${output}:1`)
    const sent = numbered(30_000)
    await fill(input, sent)
    const copier = () =>
      start('org.apache.kafka.tools.TransactionalMessageCopier', [
        ...['--broker-list', bootstrap, '--input-topic', input, '--input-partition', '0', '--output-topic', output],
        ...['--consumer-group', input, '--transactional-id', input, '--transaction-size', '100'],
        ...['--enable-random-aborts', '--use-group-metadata', '--group-mode'],
      ])
    for (let kills = 0; kills < 4; kills++) {
      const killed = copier()
      // Each line tells of a transaction.
      await eventually(() => killed.out.split('\n').length > 15 || killed.child.exitCode !== null, {
        timeoutMs: 60_000,
      })
      await killed.kill()
    }
    const last = copier()
    assert.equal(await last.done, 0, last.err.slice(-800))
    const copied = (await read(output)).map(([, value]) => value)
    assert.equal(copied.length, sent.length)
    assert.deepEqual(copied, sent)
  },
  { timeoutMs: 4 * minutes },
)

test(
  'Streams word count, exactly once, killed in between',
  async () => {
    const [input, output, application] = [unique('lines'), unique('counts'), unique('wordcount')]
    await createTopics(`${input}:2`, `${output}:1`)
    const count = () => start('WordCount', [bootstrap, application, input, output, join(scratch, unique('state'))])
    const lines = Array.from({ length: 2000 }, (_, i) => `all word${i % 7} word${i % 11}`)
    const first = count()
    await says(first, 'RUNNING')
    await fill(input, lines.slice(0, 1000))
    await eventually(async () => (await read(output)).length > 0, { timeoutMs: minutes, everyMs: 500 })
    await first.kill()
    const second = count()
    await says(second, 'RUNNING')
    await fill(input, lines.slice(1000))
    const expected = new Map()
    for (const word of lines.join(' ').split(' ')) expected.set(word, (expected.get(word) ?? 0) + 1)
    let records = []
    await eventually(
      async () => {
        records = await read(output)
        return new Map(records).get('all') === '2000'
      },
      { timeoutMs: 2 * minutes, everyMs: 1000, what: 'the last count' },
    )
    // Every count once, in order: nothing lost, nothing counted twice, not even across the kill.
    const seen = new Map()
    for (const [word, value] of records) {
      assert.equal(Number(value), (seen.get(word) ?? 0) + 1, word)
      seen.set(word, Number(value))
    }
    assert.deepEqual(new Map([...seen].sort()), new Map([...expected].sort()))
    await second.kill('SIGTERM')
  },
  { timeoutMs: 5 * minutes },
)

test(
  'Streams smoke test, exactly once, killed in between',
  async () => {
    const names =
      'data echo max min min-raw min-suppressed dif sum cnt avg tagg sws-raw sws-suppressed fk fk-raw'.split(' ')
    await createTopics(...names.map(name => `${name}:5`))
    const file = properties('smoke.properties', {
      'bootstrap.servers': bootstrap,
      'processing.guarantee': 'exactly_once_v2',
      'session.timeout.ms': 10000,
      'state.dir': join(scratch, 'smoke'),
    })
    const smoke = command => start('org.apache.kafka.streams.tests.StreamsSmokeTest', [file, command])
    const client = smoke('process')
    await says(client, 'RUNNING')
    const driver = smoke('run')
    await new Promise(resolve => setTimeout(resolve, 15_000))
    await client.kill()
    const other = smoke('process')
    await says(other, 'RUNNING')
    await driver.done
    assert.match(driver.out, /ALL-RECORDS-DELIVERED/)
    assert.match(driver.out, /SUCCESS/)
    assert.doesNotMatch(driver.out, /PROCESSED-MORE-THAN-GENERATED|FAILED|FAILURE/)
    await other.kill('SIGTERM')
  },
  { timeoutMs: 8 * minutes },
)

test(
  'Connect distributed worker, file source and sink',
  async () => {
    const [group, topic] = [unique('connect'), unique('connect-lines')]
    const port = await freePort()
    const file = properties('connect.properties', {
      'bootstrap.servers': bootstrap,
      'group.id': group,
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'offset.storage.topic': `${group}-offsets`,
      'offset.storage.replication.factor': 1,
      'config.storage.topic': `${group}-configs`,
      'config.storage.replication.factor': 1,
      'status.storage.topic': `${group}-status`,
      'status.storage.replication.factor': 1,
      'offset.flush.interval.ms': 1000,
      'scheduled.rebalance.max.delay.ms': 0,
      listeners: `http://127.0.0.1:${port}`,
      'plugin.path': join(cacheDir, 'libs'),
      'plugin.discovery': 'service_load',
    })
    const worker = () => start('org.apache.kafka.connect.cli.ConnectDistributed', [file])
    const call = async (path, body) => {
      const options = body && {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }
      const answer = await fetch(`http://127.0.0.1:${port}/${path}`, options)
      return answer.ok ? answer.json() : null
    }
    const first = worker()
    await eventually(() => call('connectors').catch(() => null), {
      timeoutMs: 2 * minutes,
      everyMs: 500,
      what: 'the worker',
    })
    const [source, sink] = [join(scratch, 'source.txt'), join(scratch, 'sink.txt')]
    const lines = numbered(1000).map(each => `line ${each}`)
    writeFileSync(source, `${lines.slice(0, 500).join('\n')}\n`)
    await eventually(
      () =>
        call('connectors/source/config', {
          'connector.class': 'FileStreamSource',
          'tasks.max': '1',
          file: source,
          topic,
        }),
      { timeoutMs: minutes, everyMs: 500 },
    )
    await eventually(
      () =>
        call('connectors/sink/config', {
          'connector.class': 'FileStreamSink',
          'tasks.max': '1',
          file: sink,
          topics: topic,
        }),
      { timeoutMs: minutes, everyMs: 500 },
    )
    const sunk = () => {
      try {
        return readFileSync(sink, 'utf8').split('\n').filter(Boolean)
      } catch {
        return []
      }
    }
    await eventually(() => sunk().length === 500, { timeoutMs: minutes, what: '500 lines' })
    // What it knows is in its topics: the next worker goes on where this one was.
    await first.kill('SIGTERM')
    writeFileSync(source, `${lines.join('\n')}\n`)
    const second = worker()
    await eventually(() => sunk().length >= 1000, { timeoutMs: 2 * minutes, what: '1000 lines' })
    assert.deepEqual(sunk(), lines)
    const offsets = await call('connectors/source/offsets')
    assert.equal(offsets.offsets.length, 1)
    await second.kill('SIGTERM')
  },
  { timeoutMs: 6 * minutes },
)

test(
  'MirrorMaker 2',
  async () => {
    const target = await startOttla(join(scratch, 'target.log'))
    try {
      const topic = unique('mirrored')
      await createTopics(`${topic}:3`)
      const sent = numbered(500)
      await fill(topic, sent)
      const file = properties('mirror.properties', {
        clusters: 'a, b',
        'a.bootstrap.servers': bootstrap,
        'b.bootstrap.servers': target.bootstrap,
        'a->b.enabled': true,
        'b->a.enabled': false,
        'a->b.topics': `${topic}`,
        'replication.factor': 1,
        'checkpoints.topic.replication.factor': 1,
        'heartbeats.topic.replication.factor': 1,
        'offset-syncs.topic.replication.factor': 1,
        'offset.storage.replication.factor': 1,
        'status.storage.replication.factor': 1,
        'config.storage.replication.factor': 1,
        'refresh.topics.interval.seconds': 2,
        'sync.topic.acls.enabled': false,
        'offset.lag.max': 0,
      })
      const mirror = start('org.apache.kafka.connect.mirror.MirrorMaker', [file])
      const arrived = async () => {
        try {
          return (await read(`a.${topic}`, target.bootstrap)).map(([, value]) => value)
        } catch {
          return []
        }
      }
      let values = []
      const all = count => async () => {
        values = await arrived()
        return values.length >= count
      }
      await eventually(all(500), { timeoutMs: 3 * minutes, everyMs: 2000, what: '500 records' })
      await fill(topic, ['late'])
      await eventually(all(501), { timeoutMs: minutes, everyMs: 2000, what: 'a late record' })
      assert.deepEqual(values.sort(), [...sent, 'late'].sort())
      await mirror.kill('SIGTERM')
    } finally {
      await target.stop()
    }
  },
  { timeoutMs: 6 * minutes },
)

test(
  'log compaction tester',
  async () => {
    const out = await run('org.apache.kafka.tools.LogCompactionTester', [
      ...['--bootstrap-server', bootstrap, '--messages', '20000', '--duplicates', '10', '--percent-deletes', '20'],
      ...['--topics', '2', '--sleep', '20'],
    ])
    assert.match(out, /Data verification is completed/)
  },
  { timeoutMs: 4 * minutes },
)

await runAll(closeAll, Number(process.env.COMPAT_PARALLEL ?? 2))
