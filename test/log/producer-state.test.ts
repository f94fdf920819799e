import fc from 'fast-check'
import t from 'tap'
import { Errors, errorName, KafkaError } from '../../protocol/errors.ts'
import {
  type AppendOrigin,
  type CheckOptions,
  type ProducerBatch,
  ProducerState,
} from '../../src/log/producer-state.ts'

const sequenceMax = 0x7fffffff
const options: CheckOptions = { transactionVersion: 0 }

interface Shape {
  producerId?: number
  epoch?: number
  first?: number
  count?: number
  transactional?: boolean
  timestampMs?: number
}

function data(shape: Shape = {}): ProducerBatch {
  const first = shape.first ?? 0
  const last = first + (shape.count ?? 1) - 1
  return {
    producerId: shape.producerId ?? 1,
    producerEpoch: shape.epoch ?? 0,
    baseSequence: first,
    lastSequence: last > sequenceMax ? last - sequenceMax - 1 : last,
    maxTimestampMs: shape.timestampMs ?? 0,
    isTransactional: shape.transactional ?? false,
    marker: null,
  }
}

function marker(commit: boolean, shape: { producerId?: number; epoch?: number; coordinatorEpoch?: number } = {}) {
  return {
    ...data({ producerId: shape.producerId, epoch: shape.epoch, transactional: true }),
    baseSequence: -1,
    lastSequence: -1,
    marker: { commit, coordinatorEpoch: shape.coordinatorEpoch ?? 0 },
  }
}

/** A log of which only the offsets matter. */
class Partition {
  readonly state = new ProducerState()
  end = 0

  append(batch: ProducerBatch, origin: AppendOrigin = 'client', check = options): string {
    try {
      const duplicate = this.state.check(batch, origin, check)
      if (duplicate) return `duplicate of ${duplicate.lastOffset - duplicate.offsetDelta}`
    } catch (error) {
      if (error instanceof KafkaError) return errorName(error.code)
      throw error
    }
    const count = batch.marker ? 1 : ((batch.lastSequence - batch.baseSequence + 2 ** 31) % 2 ** 31) + 1
    const base = this.end
    this.end += count
    const completed = this.state.apply(batch, base, this.end - 1, batch.maxTimestampMs)
    if (completed) return `${completed.aborted ? 'abort' : 'commit'} ${completed.firstOffset}..${completed.lastOffset}`
    return `at ${base}`
  }
}

t.test('sequences of one producer', async t => {
  const p = new Partition()
  t.equal(p.append(data({ first: 5, count: 2 })), 'at 0', 'an unknown producer may begin anywhere')
  t.equal(p.append(data({ first: 7, count: 3 })), 'at 2')
  t.equal(p.append(data({ first: 7, count: 3 })), 'duplicate of 2')
  t.equal(p.append(data({ first: 5, count: 2 })), 'duplicate of 0')
  t.equal(p.append(data({ first: 7, count: 2 })), 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'a part of a batch is no duplicate')
  t.equal(p.append(data({ first: 11 })), 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'a gap')
  t.equal(p.append(data({ producerId: 2, first: 0 })), 'at 5', 'producers do not mind each other')
  t.equal(p.append(data({ first: 10 })), 'at 6')
  t.equal(p.append(data({ first: 99 }), 'coordinator'), 'at 7', 'only clients have their sequences checked')
})

t.test('five batches are remembered', async t => {
  const p = new Partition()
  for (let first = 0; first < 6; first++) p.append(data({ first }))
  t.equal(p.append(data({ first: 5 })), 'duplicate of 5')
  t.equal(p.append(data({ first: 1 })), 'duplicate of 1')
  t.equal(p.append(data({ first: 0 })), 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'the sixth is forgotten')
})

t.test('sequences wrap', async t => {
  const p = new Partition()
  t.equal(p.append(data({ first: sequenceMax - 1, count: 4 })), 'at 0')
  t.equal(p.append(data({ first: sequenceMax - 1, count: 4 })), 'duplicate of 0')
  t.equal(p.append(data({ first: 2 })), 'at 4')
  const q = new Partition()
  q.append(data({ first: sequenceMax }))
  t.equal(q.append(data({ first: 0 })), 'at 1')
})

t.test('epochs', async t => {
  const p = new Partition()
  p.append(data({ epoch: 3, first: 10 }))
  t.equal(p.append(data({ epoch: 2, first: 11 })), 'INVALID_PRODUCER_EPOCH')
  t.equal(p.append(data({ epoch: 2, first: 11 }), 'coordinator'), 'INVALID_PRODUCER_EPOCH')
  t.equal(p.append(data({ epoch: 4, first: 11 })), 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'a new epoch begins at 0')
  t.equal(p.append(data({ epoch: 4, first: 0 })), 'at 1')
  t.equal(p.append(data({ epoch: 3, first: 10 })), 'INVALID_PRODUCER_EPOCH', 'an old epoch has no duplicates')
  t.equal(p.append(data({ epoch: 2, first: 50 }), 'replication'), 'at 2', 'the leader has checked')
})

t.test('transactions: what is unstable, and what was aborted', async t => {
  const p = new Partition()
  p.append(data({ producerId: 9, first: 0 }))
  t.equal(p.state.firstUnstableOffset(100), null)
  t.equal(p.append(data({ producerId: 1, first: 0, count: 2, transactional: true })), 'at 1')
  t.equal(p.append(data({ producerId: 2, first: 0, transactional: true })), 'at 3')
  t.equal(p.append(data({ producerId: 1, first: 2 })), 'INVALID_TXN_STATE')
  t.equal(p.append(data({ producerId: 1, first: 2, transactional: true })), 'at 4')
  t.ok(p.state.hasOpenTransaction(1, 0))
  t.notOk(p.state.hasOpenTransaction(1, 1))
  t.equal(p.state.firstUnstableOffset(100), 1)

  t.equal(p.append(marker(false), 'coordinator'), 'abort 1..5')
  const aborted = { producerId: 1, firstOffset: 1, lastOffset: 5, aborted: true }
  t.equal(p.state.lastStableOffsetAfter(aborted), 3, 'producer 2 still has one open')
  t.equal(p.state.firstUnstableOffset(5), 1, 'the marker is not replicated')
  t.equal(p.state.firstUnstableOffset(6), 3)
  t.equal(p.append(marker(true), 'coordinator'), 'at 6', 'a marker without data completes nothing')
  t.equal(p.append(data({ producerId: 1, first: 3, transactional: true })), 'at 7', 'sequences go on after a marker')
  t.equal(p.append(marker(true, { producerId: 2 }), 'coordinator'), 'commit 3..8')
  t.equal(p.state.firstUnstableOffset(9), 7)
  t.same(
    p.state
      .activeProducers()
      .map(({ producerId, lastSequence, currentTxnStartOffset }) => [producerId, lastSequence, currentTxnStartOffset]),
    [
      [9, 0, -1],
      [1, 3, 7],
      [2, 0, -1],
    ],
  )
})

t.test('the log start moves past transactions', async t => {
  const p = new Partition()
  p.append(data({ first: 0, transactional: true }))
  p.append(marker(true), 'coordinator')
  t.equal(p.state.firstUnstableOffset(1), 0)
  p.state.logStartMoved(2)
  t.equal(p.state.firstUnstableOffset(1), null)
})

t.test('markers', async t => {
  const p = new Partition()
  t.equal(p.append(marker(true, { epoch: 5, coordinatorEpoch: 3 }), 'coordinator'), 'at 0', 'of an unknown producer')
  t.equal(p.append(marker(true, { epoch: 5, coordinatorEpoch: 2 }), 'coordinator'), 'TRANSACTION_COORDINATOR_FENCED')
  t.equal(p.append(marker(true, { epoch: 4, coordinatorEpoch: 3 }), 'coordinator'), 'INVALID_PRODUCER_EPOCH')
  t.equal(p.append(data({ epoch: 5, first: 0, transactional: true })), 'at 1')
  const two = { transactionVersion: 2 }
  t.equal(p.append(marker(true, { epoch: 5, coordinatorEpoch: 3 }), 'coordinator', two), 'INVALID_PRODUCER_EPOCH')
  t.equal(p.append(marker(true, { epoch: 6, coordinatorEpoch: 3 }), 'coordinator', two), 'commit 1..2')
  t.equal(p.append(marker(true, { epoch: 6, coordinatorEpoch: 3 }), 'coordinator', two), 'at 3', 'a retry')
  t.equal(p.append(data({ epoch: 6, first: 1 })), 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'sequences begin anew')
  t.equal(p.append(data({ epoch: 6, first: 0 })), 'at 4')
  const q = new Partition()
  q.append(data({ epoch: 0x7fff, first: 0, transactional: true }))
  t.equal(q.append(marker(false, { epoch: 0x7fff }), 'coordinator', two), 'abort 0..1', 'the last epoch of all')
})

t.test('verification of transactions (KIP-890)', async t => {
  const p = new Partition()
  const verify = (batch: ProducerBatch, guard: symbol | null) => p.append(batch, 'client', { ...options, guard })
  const first = data({ first: 4, transactional: true })
  t.equal(verify(first, null), 'INVALID_TXN_STATE')
  const guard = p.state.verification.begin(1, 4, 0, false, 0)
  t.equal(p.state.verification.begin(1, 6, 0, false, 0), guard, 'batches of one producer share it')
  t.equal(verify(data({ first: 6, transactional: true }), guard), 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'it came too early')
  t.equal(verify(first, Symbol('another')), 'INVALID_TXN_STATE')
  t.equal(verify(first, guard), 'at 0')
  t.equal(verify(data({ first: 5, transactional: true }), null), 'at 1', 'the transaction is open now')

  const late = p.state.verification.begin(2, 0, 0, false, 0)
  p.append(marker(false, { producerId: 2 }), 'coordinator')
  t.equal(verify(data({ producerId: 2, transactional: true }), late), 'INVALID_TXN_STATE', 'a marker came in between')
  const bumping = p.state.verification.begin(3, 1, 0, true, 0)
  t.equal(verify(data({ producerId: 3, first: 1, transactional: true }), bumping), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  p.state.expire(100, 100)
  t.equal(p.state.verification.get(3), null)
})

t.test('what a replaced producer asks does not stand in the way of the new one', async t => {
  const p = new Partition()
  const verify = (batch: ProducerBatch, guard: symbol | null) => p.append(batch, 'client', { ...options, guard })
  const current = p.state.verification.begin(1, 0, 5, true, 0)
  t.equal(verify(data({ epoch: 5, transactional: true }), current), 'at 0')
  // Asked and refused by the coordinator: nothing follows that would end it.
  const old = p.state.verification.begin(1, 0, 4, true, 0)
  t.equal(verify(data({ epoch: 5, first: 1, transactional: true }), null), 'at 1')
  const next = p.state.verification.begin(1, 0, 6, true, 0)
  t.not(next, old, 'each epoch has its own guard')
  const late = p.state.verification.begin(1, 0, 5, true, 0)
  t.not(late, next)
  t.equal(p.state.verification.guardOf(1), next, 'an older one takes nothing away')
})

t.test('idle producers are forgotten, not those with an open transaction', async t => {
  const p = new Partition()
  p.append(data({ producerId: 1, first: 5, timestampMs: 1000 }))
  p.append(data({ producerId: 2, transactional: true, timestampMs: 1000 }))
  p.state.apply(data({ producerId: 3, timestampMs: 5 }), 2, 2, 1500)
  t.equal(p.state.expire(1999, 1000), 0)
  t.equal(p.state.expire(2000, 1000), 1)
  t.same(
    p.state.activeProducers().map(({ producerId }) => producerId),
    [2, 3],
    'old record timestamps do not make a producer idle',
  )
  t.equal(p.append(data({ producerId: 1, first: 77 })), 'at 2')
})

t.test('a failed check changes nothing', async t => {
  const p = new Partition()
  p.append(data({ first: 0, transactional: true }))
  const before = JSON.stringify([p.state.snapshot(), p.state.activeProducers(), p.state.firstUnstableOffset(0)])
  for (const batch of [data({ first: 9 }), data({ first: 1 }), data({ epoch: 7, first: 3 })]) {
    t.throws(() => p.state.check(batch, 'client', options))
  }
  t.equal(JSON.stringify([p.state.snapshot(), p.state.activeProducers(), p.state.firstUnstableOffset(0)]), before)
  t.throws(() => p.state.check(data({ first: 9 }), 'client', options), { code: Errors.OUT_OF_ORDER_SEQUENCE_NUMBER })
})

t.test('snapshot and the rest of the log give the state of the whole log', async () => {
  const step = fc.record({
    producerId: fc.integer({ min: 1, max: 3 }),
    epoch: fc.integer({ min: 0, max: 2 }),
    first: fc.integer({ min: 0, max: 6 }),
    count: fc.integer({ min: 1, max: 3 }),
    kind: fc.constantFrom('plain', 'transactional', 'commit', 'abort'),
  })
  const probe = (state: ProducerState, from: number) =>
    JSON.stringify([
      state.snapshot().sort((a, b) => a.producerId - b.producerId),
      state.firstUnstableOffset(Number.MAX_SAFE_INTEGER),
      from,
    ])
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(60), (steps, cut) => {
      const p = new Partition()
      const log: [ProducerBatch, number, number][] = []
      let snapshot = p.state.snapshot()
      let replayed = 0
      for (const { kind, ...shape } of steps) {
        const isMarker = kind === 'commit' || kind === 'abort'
        const batch = isMarker ? marker(kind === 'commit', shape) : data({ ...shape, transactional: kind !== 'plain' })
        const base = p.end
        if (/^(at|commit|abort) /.test(p.append(batch, isMarker ? 'coordinator' : 'client'))) {
          log.push([batch, base, p.end - 1])
        }
        if (log.length === cut) {
          snapshot = p.state.snapshot()
          replayed = log.length
        }
      }
      const restored = new ProducerState()
      restored.reset(snapshot)
      for (const [batch, base, last] of log.slice(replayed)) restored.apply(batch, base, last, 0)
      return probe(restored, 0) === probe(p.state, 0)
    }),
    { numRuns: 300, seed: 20260101 },
  )
})
