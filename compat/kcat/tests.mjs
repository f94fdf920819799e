// kcat against a broker, as a person uses it on the command line.
import { spawn } from 'node:child_process'
import { assert, bootstrap, eventually, runAll, test, unique } from '../lib/harness.mjs'

const running = new Set()

/** Starts kcat; the result has `.out` as it grows, `.stop()`, and `.done`, which resolves when it ends. */
function start(args, input) {
  const child = spawn('kcat', ['-b', bootstrap, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const state = { out: '', err: '', child }
  child.stdin.on('error', () => {})
  child.stdin.end(input ?? '')
  child.stdout.on('data', chunk => {
    state.out += chunk
  })
  child.stderr.on('data', chunk => {
    state.err += chunk
  })
  running.add(child)
  state.done = new Promise(resolve => child.on('close', code => resolve(code) ?? running.delete(child)))
  state.stop = async () => {
    child.kill('SIGTERM')
    await state.done
  }
  return state
}

async function kcat(args, input) {
  const state = start(args, input)
  const code = await state.done
  assert.equal(code, 0, `kcat ${args.join(' ')} ended with ${code}: ${state.err}`)
  return state.out
}

const produce = (topic, input, ...args) => kcat(['-P', '-t', topic, ...args], input)
const consume = (topic, ...args) => kcat(['-C', '-t', topic, '-e', '-q', '-X', 'fetch.wait.max.ms=20', ...args])
const lines = text => text.split('\n').filter(Boolean)

/** A topic with the messages m0 to m(count-1), made by producing to it. */
async function filled(count) {
  const topic = unique('kcat')
  await produce(topic, Array.from({ length: count }, (_, i) => `m${i}\n`).join(''))
  return topic
}

test('connect', async () => {
  assert.match(await kcat(['-L']), /1 brokers:/)
})

test('metadata', async () => {
  const topic = await filled(1)
  const metadata = JSON.parse(await kcat(['-L', '-J', '-t', topic]))
  assert.equal(metadata.brokers.length, 1)
  assert.equal(metadata.brokers[0].name, bootstrap)
  const [{ partitions }] = metadata.topics
  assert.equal(partitions.length, 1)
  assert.equal(partitions[0].leader, metadata.brokers[0].id)
  assert.deepEqual(partitions[0].isrs, partitions[0].replicas)
})

test('auto-create topic on produce', async () => {
  assert.deepEqual(lines(await consume(await filled(2), '-o', 'beginning')), ['m0', 'm1'])
})

for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
  test(`produce ${codec}`, async () => {
    const topic = unique('kcat')
    const sent = Array.from({ length: 300 }, (_, i) => `${i} ${'abc'.repeat(60)}`)
    await produce(topic, `${sent.join('\n')}\n`, ...(codec === 'none' ? [] : ['-z', codec]))
    assert.deepEqual(lines(await consume(topic, '-o', 'beginning')), sent)
  })
}

for (const acks of ['0', '1', 'all']) {
  test(`produce acks=${acks}`, async () => {
    const topic = await filled(1)
    await produce(topic, 'two\n', '-X', `acks=${acks}`)
    await eventually(async () => lines(await consume(topic, '-o', 'beginning')).includes('two'))
  })
}

test('produce idempotent', async () => {
  const topic = unique('kcat')
  const sent = Array.from({ length: 1000 }, (_, i) => `m${i}`)
  await produce(topic, `${sent.join('\n')}\n`, '-X', 'enable.idempotence=true', '-X', 'batch.num.messages=10')
  assert.deepEqual(lines(await consume(topic, '-o', 'beginning')), sent)
})

test('produce keys, headers and tombstones', async () => {
  const topic = unique('kcat')
  await produce(topic, 'k1:v1\nk2:\n', '-K', ':', '-Z', '-H', 'one=x', '-H', 'two=', '-H', 'one=y')
  const [first, second] = lines(await consume(topic, '-o', 'beginning', '-J')).map(line => JSON.parse(line))
  assert.deepEqual([first.key, first.payload], ['k1', 'v1'])
  assert.deepEqual(first.headers, ['one', 'x', 'two', '', 'one', 'y'])
  assert.deepEqual([second.key, second.payload], ['k2', null])
})

test('produce timestamps', async () => {
  const topic = unique('kcat')
  const before = Date.now() - 2000
  await produce(topic, 'x\n')
  const [message] = lines(await consume(topic, '-o', 'beginning', '-J')).map(line => JSON.parse(line))
  assert.equal(message.tstype, 'create')
  assert.ok(message.ts > before && message.ts < Date.now() + 2000)
})

test('consume from earliest', async () => {
  assert.deepEqual(lines(await consume(await filled(3), '-o', 'beginning')), ['m0', 'm1', 'm2'])
})

test('consume from latest', async () => {
  const topic = await filled(3)
  const state = start(['-C', '-t', topic, '-o', 'end', '-c', '1', '-u'])
  await eventually(() => /Reached end of topic/.test(state.err), { what: 'the end of the topic' })
  await produce(topic, 'late\n')
  assert.equal(await state.done, 0)
  assert.equal(state.out, 'late\n')
})

test('consume from offset', async () => {
  const topic = await filled(5)
  assert.deepEqual(lines(await consume(topic, '-p', '0', '-o', '3')), ['m3', 'm4'])
  assert.deepEqual(lines(await consume(topic, '-p', '0', '-o', '-2')), ['m3', 'm4'])
})

test('consume from timestamp', async () => {
  const topic = await filled(2)
  await new Promise(resolve => setTimeout(resolve, 20))
  const now = Date.now()
  await new Promise(resolve => setTimeout(resolve, 20))
  await produce(topic, 'm2\n')
  assert.deepEqual(lines(await consume(topic, '-o', `s@${now}`)), ['m2'])
})

test('list offsets', async () => {
  const topic = await filled(4)
  assert.match(await kcat(['-Q', '-t', `${topic}:0:-1`]), / offset 4\b/)
  assert.match(await kcat(['-Q', '-t', `${topic}:0:-2`]), / offset 0\b/)
  assert.match(await kcat(['-Q', '-t', `${topic}:0:1000`]), / offset 0\b/)
  assert.match(await kcat(['-Q', '-t', `${topic}:0:${Date.now() + 60_000}`]), / offset (-1|4)\b/)
})

test('consume many small batches', async () => {
  const topic = unique('kcat')
  const sent = Array.from({ length: 500 }, (_, i) => `m${i}`)
  await produce(topic, `${sent.join('\n')}\n`, '-X', 'batch.num.messages=1')
  assert.deepEqual(lines(await consume(topic, '-o', 'beginning', '-X', 'fetch.message.max.bytes=1000')), sent)
})

test('group join', async () => {
  const topic = await filled(3)
  const out = await kcat(['-G', unique('group'), '-X', 'auto.offset.reset=earliest', '-e', '-q', topic])
  assert.deepEqual(lines(out), ['m0', 'm1', 'm2'])
})

test('group resumes from the committed offset', async () => {
  const topic = await filled(2)
  const group = unique('group')
  const read = () => kcat(['-G', group, '-X', 'auto.offset.reset=earliest', '-e', '-q', topic])
  assert.deepEqual(lines(await read()), ['m0', 'm1'])
  await produce(topic, 'm2\n')
  assert.deepEqual(lines(await read()), ['m2'])
})

test('group rebalance', async () => {
  const topics = [await filled(1), await filled(1)]
  const group = unique('group')
  const settings = ['-X', 'auto.offset.reset=earliest', '-X', 'heartbeat.interval.ms=300', '-u']
  settings.push('-X', 'session.timeout.ms=6000', '-X', 'partition.assignment.strategy=roundrobin')
  const assigned = state => /assigned: (.*)(?![\s\S]*assigned: )/.exec(state.err)?.[1].split(', ').length ?? 0
  const one = start(['-G', group, ...settings, ...topics])
  await eventually(() => assigned(one) === 2, { what: 'both partitions at the first' })
  const two = start(['-G', group, ...settings, ...topics])
  await eventually(() => assigned(one) === 1 && assigned(two) === 1, { what: 'one partition each' })
  await two.stop()
  await eventually(() => assigned(one) === 2, { what: 'both partitions back at the first' })
  await one.stop()
})

test(
  'transaction commit',
  async () => {
    const topic = await filled(1)
    await produce(topic, 'a\nb\n', '-X', `transactional.id=${topic}`)
    assert.deepEqual(lines(await consume(topic, '-o', 'beginning')), ['m0', 'a', 'b'])
  },
  { needs: 'transactions' },
)

// librdkafka as it speaks to a broker that cannot be asked for its versions.
for (const version of ['0.8.2', '0.9.0', '0.10.0', '0.11.0']) {
  const old = ['-X', 'api.version.request=false', '-X', `broker.version.fallback=${version}`]

  for (const codec of ['none', 'gzip', 'snappy', 'lz4']) {
    test(`as to ${version}: produce ${codec}`, async () => {
      const topic = unique('kcat')
      const sent = Array.from({ length: 300 }, (_, i) => `${i} ${'abc'.repeat(60)}`)
      await produce(topic, `${sent.join('\n')}\n`, ...old, ...(codec === 'none' ? [] : ['-z', codec]))
      assert.deepEqual(lines(await consume(topic, '-o', 'beginning', ...old)), sent)
      assert.deepEqual(lines(await consume(topic, '-o', 'beginning')), sent)
    })
  }

  test(`as to ${version}: beside new clients`, async () => {
    const topic = await filled(2)
    await produce(topic, 'k:old 0\nk:\n', '-K', ':', '-Z', '-z', 'gzip', ...old)
    await produce(topic, 'new\n', '-H', 'one=x', '-z', 'snappy')
    await produce(topic, 'old 1\n', ...old)
    for (const settings of [old, []]) {
      const read = lines(await consume(topic, '-o', 'beginning', '-J', ...settings)).map(line => JSON.parse(line))
      assert.deepEqual(
        read.map(({ offset, key, payload }) => [offset, key, payload]),
        [
          [0, null, 'm0'],
          [1, null, 'm1'],
          [2, 'k', 'old 0'],
          [3, 'k', null],
          [4, null, 'new'],
          [5, null, 'old 1'],
        ],
      )
    }
  })

  test(`as to ${version}: consume from offset`, async () => {
    const topic = await filled(5)
    assert.deepEqual(lines(await consume(topic, '-p', '0', '-o', '3', ...old)), ['m3', 'm4'])
    assert.deepEqual(lines(await consume(topic, '-p', '0', '-o', '-2', ...old)), ['m3', 'm4'])
  })

  test(`as to ${version}: messages larger than the fetch size`, async () => {
    const topic = unique('kcat')
    const sent = ['a'.repeat(30_000), 'small', 'b'.repeat(60_000)]
    await produce(topic, `${sent.join('\n')}\n`, '-X', 'batch.num.messages=1')
    const small = ['-X', 'fetch.message.max.bytes=1000']
    assert.deepEqual(lines(await consume(topic, '-o', 'beginning', ...small, ...old)), sent)
  })

  if (version !== '0.8.2') {
    test(`as to ${version}: group`, async () => {
      const topic = await filled(2)
      const group = unique('group')
      const settings = ['-X', 'auto.offset.reset=earliest', '-X', 'session.timeout.ms=6000', ...old]
      const read = () => kcat(['-G', group, '-e', '-q', ...settings, topic])
      assert.deepEqual(lines(await read()), ['m0', 'm1'])
      await produce(topic, 'm2\n', ...old)
      assert.deepEqual(lines(await read()), ['m2'])
    })
  }
}

await runAll(async () => {
  for (const child of running) child.kill('SIGKILL')
}, 3)
