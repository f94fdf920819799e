import t from 'tap'
import { Scenario } from './scenario.ts'

t.test('a producer id for a new id, and a higher epoch for each producer that comes', async t => {
  const s = new Scenario()
  t.equal(s.init(), '100:0')
  t.match(s.written[0], { kind: 'transaction', value: { state: 'Empty', startMs: -1, lastProducerEpoch: -1 } })
  t.equal(s.init(), '100:1')
  t.equal(s.restarted().init(), '100:2')
})

t.test('a timeout within limits', async t => {
  const s = new Scenario({ timeoutMaxMs: 1000 })
  for (const timeoutMs of [0, -1, 1001]) t.equal(s.init(null, { timeoutMs }), 'INVALID_TRANSACTION_TIMEOUT')
  t.equal(s.init(null, { timeoutMs: 1000 }), '100:0')
})

t.test('a producer that says who it is (KIP-360)', async t => {
  const s = new Scenario()
  s.init()
  t.equal(s.init('100:0'), '100:1')
  t.equal(s.init('100:0'), '100:1', 'the answer was lost')
  t.equal(s.init('100:0'), '100:1')
  t.equal(s.init('100:1'), '100:2')
  t.equal(s.init('100:0'), 'PRODUCER_FENCED')
  t.equal(s.init('99:2'), 'PRODUCER_FENCED')
  t.equal(s.init(), '100:3')
  t.equal(s.init('100:2'), 'PRODUCER_FENCED', 'somebody else has come since')
})

t.test('an open transaction is aborted first', async t => {
  for (const version of [0, 1, 2]) {
    const s = new Scenario({ version: () => version })
    s.init()
    s.add('100:0', ['a-0'])
    t.equal(s.init(), 'CONCURRENT_TRANSACTIONS')
    t.equal(s.state, 'PrepareAbort 100:1', 'the old producer is fenced by the marker')
    t.equal(s.init(), 'CONCURRENT_TRANSACTIONS')
    t.equal(s.endOld('100:0', true), 'PRODUCER_FENCED')
    t.match(s.answerMarkers(), { producerEpoch: 1, commit: false, transactionVersion: version === 2 ? 2 : version })
    t.equal(s.state, 'CompleteAbort 100:1')
    t.equal(s.init(), '100:2')
  }
})

t.test('a late request of a producer whose transaction goes on does not abort it', async t => {
  const s = new Scenario()
  s.init()
  t.equal(s.init('100:0'), '100:1')
  s.write('100:1', 'a-0')
  t.equal(s.init('100:0'), 'PRODUCER_FENCED')
  t.equal(s.state, 'Ongoing 100:1')
})

t.test('when the epochs run out, another producer id takes over', async t => {
  const s = new Scenario()
  s.init()
  s.forceEpoch(32765)
  t.equal(s.init(), '100:32766')
  t.equal(s.init('100:32766'), '101:0')
  t.equal(s.init('100:32766'), '101:0', 'the answer was lost')
  t.equal(s.init('101:0'), '101:1')
  s.forceEpoch(32766)
  s.write('101:32766', 'a-0')
  t.equal(s.init(), 'CONCURRENT_TRANSACTIONS')
  t.equal(s.state, 'PrepareAbort 101:32767', 'the last epoch is for fencing')
  s.answerMarkers()
  t.equal(s.init(), '102:0')
})
