/** The command line for people against a broker: what it prints for a person and for a program, and its exit codes. */
import t from 'tap'
import { startBroker } from '../../src/index.ts'
import { typed, typist } from '../cli/typed.ts'

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
