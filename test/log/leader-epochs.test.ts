import fc from 'fast-check'
import t from 'tap'
import { MemoryDisk } from '../../src/host/memory.ts'
import { LeaderEpochs } from '../../src/log/leader-epochs.ts'
import { SimLogger } from '../sim/host.ts'

async function fresh() {
  const host = { disk: new MemoryDisk(), log: new SimLogger() }
  await host.disk.makeDirectory('/p-0')
  return { host, epochs: new LeaderEpochs(host, '/p-0') }
}

function pairs(epochs: LeaderEpochs): number[][] {
  return epochs.entries.map(({ epoch, startOffset }) => [epoch, startOffset])
}

t.test('assigning', async t => {
  const { epochs } = await fresh()
  t.equal(epochs.latest, null)
  t.equal(epochs.assign(0, 0), true)
  t.equal(epochs.assign(0, 5), false, 'the same epoch goes on')
  t.equal(epochs.assign(2, 10), true)
  t.equal(epochs.assign(3, 10), true)
  t.same(
    pairs(epochs),
    [
      [0, 0],
      [3, 10],
    ],
    'an epoch without records leaves nothing',
  )
  epochs.assign(5, 20)
  epochs.assign(4, 15)
  t.same(
    pairs(epochs),
    [
      [0, 0],
      [3, 10],
      [4, 15],
    ],
    'what contradicts is forgotten',
  )
  epochs.assign(4, 12)
  t.same(
    pairs(epochs),
    [
      [0, 0],
      [3, 10],
      [4, 12],
    ],
    'an epoch may turn out to begin earlier',
  )
})

t.test('where an epoch ended', async t => {
  const { epochs } = await fresh()
  t.equal(epochs.endOffsetFor(0, 50), null, 'nothing is known')
  epochs.assign(2, 10)
  epochs.assign(4, 20)
  epochs.assign(7, 30)
  t.equal(epochs.endOffsetFor(-1, 50), null)
  t.same(epochs.endOffsetFor(7, 50), { epoch: 7, endOffset: 50 })
  t.equal(epochs.endOffsetFor(8, 50), null, 'larger than the latest')
  t.same(epochs.endOffsetFor(4, 50), { epoch: 4, endOffset: 30 })
  t.same(epochs.endOffsetFor(5, 50), { epoch: 4, endOffset: 30 }, 'between two')
  t.same(epochs.endOffsetFor(2, 50), { epoch: 2, endOffset: 20 })
  t.same(epochs.endOffsetFor(1, 50), { epoch: 1, endOffset: 10 }, 'before the first')
  t.equal(epochs.epochForOffset(9), null)
  t.equal(epochs.epochForOffset(10), 2)
  t.equal(epochs.epochForOffset(29), 4)
  t.equal(epochs.epochForOffset(1000), 7)
})

t.test('truncation', async t => {
  const { epochs } = await fresh()
  const start = () => {
    epochs.clear()
    for (const [epoch, offset] of [
      [2, 10],
      [4, 20],
      [7, 30],
    ])
      epochs.assign(epoch, offset)
  }
  const cases: [string, (epochs: LeaderEpochs) => void, number[][]][] = [
    [
      'end in the middle of an epoch',
      e => e.truncateFromEnd(25),
      [
        [2, 10],
        [4, 20],
      ],
    ],
    ['end at the start of an epoch', e => e.truncateFromEnd(20), [[2, 10]]],
    [
      'end after everything',
      e => e.truncateFromEnd(99),
      [
        [2, 10],
        [4, 20],
        [7, 30],
      ],
    ],
    ['end before everything', e => e.truncateFromEnd(0), []],
    [
      'start in the middle',
      e => e.truncateFromStart(25),
      [
        [4, 25],
        [7, 30],
      ],
    ],
    [
      'start at the start of an epoch',
      e => e.truncateFromStart(20),
      [
        [4, 20],
        [7, 30],
      ],
    ],
    [
      'start before everything',
      e => e.truncateFromStart(5),
      [
        [2, 10],
        [4, 20],
        [7, 30],
      ],
    ],
    ['start after everything', e => e.truncateFromStart(99), [[7, 99]]],
  ]
  for (const [name, cut, expected] of cases) {
    start()
    cut(epochs)
    t.same(pairs(epochs), expected, name)
  }
})

t.test('the file', async t => {
  const { host, epochs } = await fresh()
  t.equal(await epochs.load(), false, 'absent')
  epochs.assign(0, 0)
  epochs.assign(3, 12)
  await epochs.save()
  const file = await host.disk.open('/p-0/leader-epoch-checkpoint', 'read')
  t.equal(String(await file.read(0, 100)), '0\n2\n0 0\n3 12\n')
  const again = new LeaderEpochs(host, '/p-0')
  t.equal(await again.load(), true)
  t.same(pairs(again), [
    [0, 0],
    [3, 12],
  ])
  await host.disk.remove('/p-0/leader-epoch-checkpoint')
  await again.save()
  t.equal(await host.disk.exists('/p-0/leader-epoch-checkpoint'), false, 'nothing changed, nothing is written')
  const bad = await host.disk.open('/p-0/leader-epoch-checkpoint', 'create')
  await bad.append([Buffer.from('0\n2\n3 12\n1 20\n')])
  t.equal(await again.load(), false, 'epochs that go back make no sense')
})

t.test('an epoch without records is not written, until it has one', async t => {
  const { host, epochs } = await fresh()
  const path = '/p-0/leader-epoch-checkpoint'
  epochs.assign(0, 0)
  await epochs.save(5)
  await host.disk.remove(path)
  epochs.assign(1, 5)
  await epochs.save(5)
  t.equal(await host.disk.exists(path), false, 'the file says what it said')
  t.equal(epochs.isSaved, false)
  await epochs.save(6)
  t.equal(await host.disk.exists(path), true)
  t.equal(epochs.isSaved, true)
  epochs.assign(2, 9)
  epochs.truncateFromEnd(9)
  await epochs.save(9)
  t.equal(epochs.isSaved, true, 'there and back again')
})

t.test('after anything, the cache is what the batch headers say', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), n: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ kind: fc.constant('elect' as const), n: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant('cut end' as const), n: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ kind: fc.constant('cut start' as const), n: fc.integer({ min: 0, max: 40 }) }),
  )
  const { epochs } = await fresh()
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), steps => {
      epochs.clear()
      // The log: the epoch of each offset, from `start` on.
      let start = 0
      let log: number[] = []
      let epoch = 0
      for (const { kind, n } of steps) {
        const end = start + log.length
        if (kind === 'elect') epoch += n
        else if (kind === 'append') {
          epochs.assign(epoch, end)
          log.push(...Array.from({ length: n }, () => epoch))
        } else if (kind === 'cut end') {
          const at = Math.min(end, start + n)
          log = log.slice(0, at - start)
          epochs.truncateFromEnd(at)
        } else {
          const at = Math.min(end, start + n)
          log = log.slice(at - start)
          start = at
          epochs.truncateFromStart(at)
        }
      }
      const expected = log.flatMap((of, at) => (at === 0 || of !== log[at - 1] ? [[of, start + at]] : []))
      // An epoch whose records are all gone from the start may stay as the epoch of the end.
      const known = pairs(epochs).filter(([, from]) => from < start + log.length)
      return JSON.stringify(known) === JSON.stringify(expected)
    }),
    { numRuns: 500, seed: 20260101 },
  )
})
