/** The command line for people against a broker: what it prints for a person and for a program, and its exit codes. */
import t from 'tap'
import { consumerGroupHeartbeat } from '../../protocol/index.ts'
import { startBroker } from '../../src/index.ts'
import { typed, typist } from '../cli/typed.ts'
import { RawClient } from '../network/raw-client.ts'
import { TransactionalProducer } from './transactional-producer.ts'

const broker = await startBroker()
t.teardown(() => broker.close())
const type = typist(broker.bootstrap)

t.test('topics', async t => {
  t.strictSame(await type('topic list'), { code: 0, out: '', err: 'no topics\n' })
  t.strictSame(await type('topic create orders payments -p 2 -c retention.ms=1000'), {
    code: 0,
    out: 'created topic orders (2 partitions, 1 replica)\ncreated topic payments (2 partitions, 1 replica)\n',
    err: '',
  })
  t.equal(
    (await type('topic list')).out,
    'TOPIC     PARTITIONS  REPLICAS\norders             2         1\npayments           2         1\n',
  )
  const again = await type('topic create orders')
  t.equal(again.code, 5)
  t.match(again.err, /^error: topic orders: TOPIC_ALREADY_EXISTS/)
  const some = await type('topic create orders fresh')
  t.equal(some.code, 6, 'one was made, the other not')
  t.match(some.out, 'created topic fresh')
  t.equal((await type('topic create orders --if-not-exists')).code, 0)
  const near = await type('topic describe oders')
  t.strictSame(near, { code: 4, out: '', err: 'error: there is no topic oders\n  Did you mean orders?\n' })
  t.equal((await type('topic delete fresh')).code, 9, 'nobody there to confirm')
  t.equal((await type('topic delete fresh', { columns: 80, input: 'n\n' })).code, 9)
  t.equal((await type('topic delete fresh', { columns: 80, input: 'y\n' })).code, 0)
  t.equal(
    (await type('topic delete fresh payments --yes --if-exists')).out,
    'there is no topic fresh\ndeleted topic payments\n',
  )
})

t.test('records there and back', async t => {
  const lines = 'a\tone\nb\tNULL\nc\t\n'
  t.strictSame(
    await type("record produce orders -K '\\t' -Z NULL -H x=1 --timestamp 1700000000000", { input: lines }),
    {
      code: 0,
      out: '',
      err: '',
    },
  )
  const { out } = await type("record consume orders -f '%k=%v %h %T %V\\n' -Z null")
  t.strictSame(out.split('\n').sort(), [
    '',
    'a=one x=1 1700000000000 3',
    'b=null x=1 1700000000000 -1',
    'c= x=1 1700000000000 0',
  ])
  const json = await type('record consume orders --json')
  t.equal((await type('topic create copy -p 2')).code, 0)
  const copied = await type('record produce copy -f json --json -z zstd', { input: json.out })
  t.match(JSON.parse(copied.out), { topic: 'copy', records: 3 })
  const plain = (text: string) =>
    text
      .replaceAll(/"(topic|offset)":("\w+"|\d+),/g, '')
      .split('\n')
      .sort()
  t.strictSame(plain((await type('record consume copy --json')).out), plain(json.out))
})

t.test('mistakes', async t => {
  t.equal((await type('topic lst')).code, 2)
  t.equal((await type('topic create')).code, 2)
  t.equal((await type('record consume orders --from never')).code, 2)
  const nobody = await typed('topic list', { environment: { OTTLA_BOOTSTRAP: '127.0.0.1:1' } })
  t.equal(nobody.code, 3)
  t.match(nobody.err, /^error: cannot connect to 127\.0\.0\.1:1: .*ECONNREFUSED.*\n {2}Is a broker running there\?/)
})

t.test('a group of two members, seen while it works', async t => {
  t.equal((await type('topic create shared -p 2')).code, 0)
  t.equal((await type('record produce shared -p 0', { input: 'a\nb\n' })).code, 0)
  t.equal((await type('record produce shared -p 1', { input: 'c\n' })).code, 0)
  const stop = new AbortController()
  const heard: string[] = []
  const both = new Promise<void>(resolve => {
    const onOutput = (piece: string) => {
      heard.push(...piece.trim().split('\n'))
      if (heard.length >= 5) resolve()
    }
    // The second comes when the first has its records; what is produced then goes to either of them.
    const first = type('record consume shared --follow --group pair', {
      interrupted: stop.signal,
      onOutput: piece => {
        onOutput(piece)
        if (heard.length === 3) void join(first, onOutput)
      },
    })
  })
  const members: Promise<unknown>[] = []
  async function join(first: Promise<unknown>, onOutput: (piece: string) => void) {
    members.push(first, type('record consume shared --follow --group pair', { interrupted: stop.signal, onOutput }))
    for (;;) {
      const { groups } = JSON.parse((await type('group describe pair --json')).out)
      if (groups[0].state === 'Stable' && groups[0].members.length === 2) break
    }
    await type('record produce shared -p 0', { input: 'd\n' })
    await type('record produce shared -p 1', { input: 'e\n' })
  }
  await both
  t.strictSame(heard.sort(), ['a', 'b', 'c', 'd', 'e'])
  const shown = await type('group describe pair --members')
  t.match(shown.out, /ottla-cli +\S+ +shared:0\n/)
  t.match(shown.out, /ottla-cli +\S+ +shared:1\n/)
  t.equal((await type('group reset pair --topic shared --to earliest --execute')).code, 5, 'not while it has members')
  t.equal((await type('group delete pair --yes')).code, 5)
  stop.abort('SIGTERM')
  const ended = await Promise.all(members)
  for (const each of ended) t.match(each, { code: 143 })
  const { groups } = JSON.parse((await type('group describe pair --json')).out)
  t.match(groups[0], { state: 'Empty', lag: 0 }, 'they have committed, and left')
  t.equal((await type('group reset pair --topic shared --to earliest --execute')).code, 0)
  t.equal(JSON.parse((await type('group describe pair --json')).out).groups[0].lag, 5)
})

t.test('a group of the newer protocol', async t => {
  t.equal((await type('topic create modern -p 2')).code, 0)
  const client = await RawClient.connect(broker.port)
  const member = { groupId: 'new-style', memberId: 'm'.repeat(22), instanceId: null, rackId: null }
  const joining = {
    memberEpoch: 0,
    rebalanceTimeoutMs: 30_000,
    subscribedTopicNames: ['modern'],
    serverAssignor: null,
    topicPartitions: [],
  }
  const joined = await client.call(consumerGroupHeartbeat, 0, { ...member, ...joining })
  t.equal(joined?.errorCode, 0)
  t.match((await type('group list')).out, /^new-style +consumer +\w+ +consumer$/m)
  const { groups } = JSON.parse((await type('group describe new-style --json')).out)
  t.match(groups[0], {
    type: 'consumer',
    assignor: 'uniform',
    members: [
      {
        subscribed: ['modern'],
        assigned: [
          { topic: 'modern', partition: 0 },
          { topic: 'modern', partition: 1 },
        ],
      },
    ],
  })
  t.match((await type('group describe new-style --members')).out, /modern:0,1\n/)
  t.equal((await type('group reset new-style --topic modern --to earliest --execute')).code, 5, 'it has a member')
  await client.call(consumerGroupHeartbeat, 0, {
    ...member,
    ...joining,
    memberEpoch: -1,
    subscribedTopicNames: null,
    topicPartitions: null,
  })
  t.equal((await type('group reset new-style --topic modern --to earliest --execute')).code, 0)
  t.equal((await type('group delete new-style --yes')).code, 0)
})

t.test('transactions', async t => {
  t.equal((await type('topic create written')).code, 0)
  const producer = await TransactionalProducer.start(broker.port, 'writer')
  t.equal(await producer.write('written', ['one', 'two']), 'NONE')
  t.equal(await producer.end(true), 'NONE')
  t.equal(await producer.write('written', ['three']), 'NONE')
  t.equal((await type('record consume written')).out, 'one\ntwo\n')
  t.equal((await type('record consume written --isolation read_uncommitted')).out, 'one\ntwo\nthree\n')
  t.match((await type('transaction list --state Ongoing')).out, /^writer +1 +\d+ +Ongoing$/m)
  t.match((await type('transaction describe writer')).out, /^Partitions: +written:0$/m)
  t.match((await type('transaction describe writr')).err, 'Did you mean writer?')
  const { producers } = JSON.parse((await type('transaction producers written:0 --json')).out)
  t.match(producers, [{ topic: 'written', partition: 0, producerId: producer.producerId, transactionStartOffset: 3 }])
  t.equal((await type('transaction find-hanging --older-than 1ms')).code, 0, 'its coordinator knows of it')
  t.equal((await type('transaction abort writer --yes')).out, 'aborted the transaction of writer\n')
  t.equal((await type('record consume written')).out, 'one\ntwo\n')
  t.not(await producer.write('written', ['four']), 'NONE', 'its producer is fenced')
  const again = await TransactionalProducer.start(broker.port, 'writer')
  t.equal(await again.write('written', ['five']), 'NONE')
  const start = JSON.parse((await type('transaction producers written:0 --json')).out).producers.find(
    (each: { transactionStartOffset: number }) => each.transactionStartOffset >= 0,
  ).transactionStartOffset
  t.equal((await type(`transaction abort --partition written:0 --start-offset ${start} --yes`)).code, 0)
  t.equal(
    (await type(`transaction abort --partition written:0 --start-offset ${start} --yes`)).code,
    4,
    'nothing is open there',
  )
  t.equal((await type('record consume written')).out, 'one\ntwo\n')
})

t.test('on a terminal', async t => {
  const name = `a-${'very-'.repeat(10)}long-name`
  t.equal((await type(`topic create ${name}`, { columns: 60 })).code, 0)
  const { out } = await type('topic list', { columns: 40 })
  for (const line of out.split('\n')) t.ok(line.length <= 40, line)
  t.match((await type(`topic list --match ${name}`)).out, name, 'in a pipe nothing is cut')
  t.match((await type('record produce orders', { columns: 80, input: 'x\n' })).err, /1 record produced to orders/)
})
