import t from 'tap'
import { namesOf, Scenario } from './scenario.ts'

/** In a state, with the producer that is current then and the one before. */
function inState(state: string): { s: Scenario; before: string; now: string } {
  const s = new Scenario()
  let now = s.init()
  let before = '100:-1'
  if (state === 'Empty') return { s, before, now }
  s.write(now, 'a-0')
  if (state === 'Ongoing') return { s, before, now }
  before = now
  now = s.end(now, state.endsWith('Commit'))
  if (state.startsWith('Complete')) s.answerMarkers()
  return { s, before, now }
}

t.test('version 2: who may end what', async t => {
  const bump = 'bump'
  const table: Record<string, [string, string, string, string]> = {
    // abort by the epoch before, abort by the current one, commit by the one before, commit by the current one
    Empty: ['PRODUCER_FENCED', bump, 'PRODUCER_FENCED', 'INVALID_TXN_STATE'],
    Ongoing: ['PRODUCER_FENCED', bump, 'PRODUCER_FENCED', bump],
    CompleteAbort: ['same', bump, 'INVALID_TXN_STATE', 'INVALID_TXN_STATE'],
    CompleteCommit: ['INVALID_TXN_STATE', bump, 'same', 'INVALID_TXN_STATE'],
    // While markers are written, the producer of the next transaction has to wait, whatever it wants.
    PrepareAbort: [
      'CONCURRENT_TRANSACTIONS',
      'CONCURRENT_TRANSACTIONS',
      'INVALID_TXN_STATE',
      'CONCURRENT_TRANSACTIONS',
    ],
    PrepareCommit: [
      'INVALID_TXN_STATE',
      'CONCURRENT_TRANSACTIONS',
      'CONCURRENT_TRANSACTIONS',
      'CONCURRENT_TRANSACTIONS',
    ],
  }
  for (const [state, row] of Object.entries(table)) {
    row.forEach((wanted, i) => {
      const { s, before, now } = inState(state)
      const [id, epoch] = now.split(':')
      const expected = wanted === bump ? `${id}:${Number(epoch) + 1}` : wanted === 'same' ? now : wanted
      t.equal(s.end(i % 2 === 0 ? before : now, i >= 2), expected, `${state} ${['R', 'C'][i % 2]} commit ${i >= 2}`)
    })
  }
})

t.test('version 0: who may end what', async t => {
  const s = new Scenario()
  const p = s.init()
  t.equal(s.endOld(p, true), 'INVALID_TXN_STATE')
  t.equal(s.endOld(p, false), 'INVALID_TXN_STATE')
  t.equal(s.endOld('99:0', true), 'INVALID_PRODUCER_ID_MAPPING')
  t.equal(s.endOld('100:1', true), 'PRODUCER_FENCED')
  t.equal(s.add(p, ['a-0']), 'NONE')
  t.equal(s.endOld(p, true), 'NONE')
  t.equal(s.endOld(p, true), 'CONCURRENT_TRANSACTIONS')
  t.equal(s.endOld(p, false), 'INVALID_TXN_STATE')
  t.equal(s.add(p, ['a-0']), 'CONCURRENT_TRANSACTIONS')
  s.answerMarkers()
  t.equal(s.state, 'CompleteCommit 100:0')
  t.equal(s.endOld(p, true), 'NONE')
  t.equal(s.endOld(p, false), 'INVALID_TXN_STATE')
  t.equal(s.add(p, ['a-0']), 'NONE')
  t.equal(s.endOld(p, false), 'NONE')
  t.match(s.answerMarkers(), { commit: false, producerEpoch: 0, transactionVersion: 0 })
})

t.test('a request on an older connection is late', async t => {
  const s = new Scenario()
  const p = s.init(null, { connectionId: 5 })
  t.equal(s.add(p, ['a-0'], { connectionId: 5 }), 'NONE')
  t.equal(s.endOld(p, true, { connectionId: 7 }), 'NONE')
  s.answerMarkers()
  t.equal(s.add(p, ['a-0'], { connectionId: 7 }), 'NONE')
  t.equal(s.endOld(p, true, { connectionId: 5 }), 'late')
  t.equal(s.add(p, ['b-0'], { connectionId: 5 }), 'late')
  t.same(namesOf(s.transaction.partitions), ['a-0'])
  t.equal(s.state, 'Ongoing 100:0')
  t.equal(s.init(null, { connectionId: 3 }), 'CONCURRENT_TRANSACTIONS', 'a new producer may come by any connection')
  s.answerMarkers()
  const young = s.init(null, { connectionId: 3 })
  t.equal(s.add(young, ['a-0'], { connectionId: 3 }), 'NONE')
})

t.test('an abort of nothing costs one record and no markers', async t => {
  const s = new Scenario()
  t.equal(s.end(s.init(), false), '100:1')
  t.match(s.written, [{ kind: 'transaction', value: { state: 'CompleteAbort', partitions: new Map() } }])
  t.same(s.sends, [])
})

t.test('the epochs run out at the end of a transaction', async t => {
  const s = new Scenario()
  s.init()
  s.forceEpoch(32766)
  s.write('100:32766', 'a-0')
  t.equal(s.end('100:32766', true), '101:0', 'the client is told who it will be')
  t.equal(s.state, 'PrepareCommit 100:32767')
  t.equal(s.write('101:0', 'a-0'), 'CONCURRENT_TRANSACTIONS')
  t.equal(s.end('101:0', false), 'CONCURRENT_TRANSACTIONS')
  const again = s.restarted()
  for (const each of [s, again]) {
    t.match(each.answerMarkers(), { producerId: 100, producerEpoch: 32767 })
    t.equal(each.state, 'CompleteCommit 101:0')
    t.equal(each.end('100:32766', true), '101:0', 'the answer was lost')
    t.equal(each.end('100:32766', false), 'INVALID_TXN_STATE')
    t.equal(each.write('101:0', 'b-0'), 'NONE')
    t.equal(each.end('100:32766', true), 'INVALID_PRODUCER_ID_MAPPING')
  }
})

t.test('markers are asked for again until every partition has one', async t => {
  const s = new Scenario({ markerRetryMs: 10, markerRetryMaxMs: 40 })
  s.write(s.init(), 'a-0', 'a-1', 'b-0')
  s.end('100:0', true)
  t.same(namesOf(s.sends[0].partitions), ['a-0', 'a-1', 'b-0'])
  s.answerMarkers('a-1')
  t.equal(s.state, 'PrepareCommit 100:1')
  t.same(s.advance(9), [])
  t.same(s.advance(1), ['retryMarkers'])
  t.same(namesOf(s.sends[0].partitions), ['a-0', 'b-0'])
  s.answerMarkers('c-9')
  t.same([s.advance(19), s.advance(1)], [[], ['retryMarkers']])
  const later = s.restarted()
  t.same(namesOf(later.sends[0].partitions), ['a-0', 'a-1', 'b-0'], 'a new coordinator asks all of them')
  later.answerMarkers()
  t.equal(later.state, 'CompleteCommit 100:1')
  s.answerMarkers()
  t.equal(s.state, 'CompleteCommit 100:1')
  const { producerId, producerEpoch } = { producerId: 100, producerEpoch: 1 }
  s.write('100:1', 'a-0')
  s.tell({ kind: 'markersAnswered', transactionalId: 'tx', producerId, producerEpoch, settled: new Map() })
  t.equal(s.state, 'Ongoing 100:1', 'a late answer changes nothing')
})

t.test('a transaction that takes too long is aborted and its producer fenced', async t => {
  const s = new Scenario()
  s.init(null, { timeoutMs: 1000 })
  s.write('100:0', 'a-0')
  s.advance(600)
  s.write('100:0', 'b-0')
  t.same(s.advance(399), [])
  const moved = s.restarted()
  t.same([s.advance(1), moved.advance(1)], [['timedOut'], ['timedOut']])
  for (const each of [s, moved]) {
    t.equal(each.state, 'PrepareAbort 100:1')
    t.match(each.answerMarkers(), { commit: false, producerEpoch: 1, transactionVersion: 2 })
    t.equal(each.write('100:0', 'a-0'), 'PRODUCER_FENCED')
    t.equal(each.end('100:0', true), 'INVALID_TXN_STATE')
    t.equal(each.end('100:0', false), '100:1', 'its client may go on after it has aborted')
  }
  s.write('100:1', 'a-0')
  s.end('100:1', true)
  t.same(s.advance(2000), [], 'what is ended in time has no timer any more')
})

t.test('ids that nobody uses are forgotten', async t => {
  const s = new Scenario({ idExpirationMs: 1000, idExpirationCheckMs: 400 })
  s.init(null, { id: 'idle' })
  s.init()
  s.write('101:0', 'a-0')
  s.advance(1200)
  t.equal(s.machine.get('idle'), null)
  t.equal(s.state, 'Ongoing 101:0', 'not while a transaction is open')
  t.equal(s.restarted().machine.get('idle'), null)
})

t.test('what is in a transaction', async t => {
  const s = new Scenario()
  const p = s.init()
  const verify = (producer: string) => {
    const [producerId, producerEpoch] = producer.split(':').map(Number)
    return s.ask({ kind: 'verifyPartitions', transactionalId: 'tx', producerId, producerEpoch })
  }
  s.add(p, ['a-0', 'a-1'])
  const length = s.log.length
  t.equal(s.add(p, ['a-1']), 'NONE')
  t.equal(s.log.length, length, 'nothing new is not written')
  t.same(namesOf(verify(p).partitions), ['a-0', 'a-1'])
  s.endOld(p, true)
  t.match(verify(p), { errorCode: 51 })
  s.answerMarkers()
  t.same(namesOf(verify(p).partitions), [])
  t.match(verify('7:0'), { errorCode: 49 })
  t.match(verify('100:7'), { errorCode: 90 })
})
