import t from 'tap'
import { checkHistory, describeAnomalies } from './check.ts'
import { History, readHistory } from './history.ts'
import { idempotent, leaderOnly, plain, repeating, Story } from './story.ts'

/** Each story with the classes that must be found in it, and no others. */
function stories(name: string, table: Readonly<Record<string, readonly [Story, readonly string[]]>>): void {
  t.test(name, async t => {
    for (const [what, [story, expected]] of Object.entries(table)) {
      t.same(story.found, [...expected].sort(), what)
    }
  })
}

const story = () => new Story()
const committed = { isolation: 'read_committed' } as const

stories('all is well', {
  nothing: [story(), []],
  'written and read': [
    story().sent(idempotent, 'a b', 0).sent(plain, 'c', 2).polled('0:a').polled('1:b 2:c').finally('0:a 1:b 2:c'),
    [],
  ],
  'gaps in the offsets': [story().sent(plain, 'a', 0).sent(plain, 'b', 5).finally('0:a 5:b'), []],
  'unknown writes may be there or not': [story().unsure(idempotent, 'a').unsure(plain, 'b').finally('0:b'), []],
})

stories('values at one offset', {
  'read twice with different values': [
    story().unsure(plain, 'a').unsure(repeating, 'b').polled('0:a').polled('0:b', { consumer: 'd' }),
    ['inconsistent-offsets'],
  ],
  'acknowledged where another one is': [
    story()
      .sent(plain, 'a', 0)
      .sent({ ...plain, name: 'q' }, 'b', 0),
    ['inconsistent-offsets'],
  ],
  'what only the leader had may be replaced': [story().sent(leaderOnly, 'a', 0).sent(plain, 'b', 0).finally('0:b'), []],
})

stories('duplicates', {
  'of an idempotent producer': [story().sent(idempotent, 'a', 0).finally('0:a 1:a'), ['duplicate']],
  'of an idempotent producer that does not know': [story().unsure(idempotent, 'a').finally('0:a 1:a'), ['duplicate']],
  'of a client that sends once': [story().unsure(plain, 'a').finally('0:a 1:a'), ['duplicate']],
  'acknowledged here, read there': [
    story().sent(idempotent, 'a', 0).sent(idempotent, 'b', 1).finally('1:b 2:a'),
    ['duplicate', 'lost-write'],
  ],
  'of a client that sends again': [story().sent(repeating, 'a', 1).finally('0:a 1:a'), []],
})

stories('losses', {
  'readers went past it': [story().sent(plain, 'a', 0).sent(plain, 'b', 1).polled('1:b'), ['lost-write']],
  'part of a batch of unknown end': [story().unsure(plain, 'a b c').polled('0:a 2:c'), []],
  'at the end': [story().sent(plain, 'a', 0).sent(plain, 'b', 1).finally('0:a'), ['unseen']],
  everything: [story().sent(plain, 'a', 0).finally(''), ['unseen']],
  'offset not told': [story().sent(plain, 'a', null).finally(''), ['unseen']],
  'nobody read to the end': [story().sent(plain, 'a', 0).sent(plain, 'b', 1).polled('0:a'), []],
  'a second copy does not make up for it': [
    story().sent(repeating, 'a', 0).sent(repeating, 'b', 1).finally('1:b 2:a'),
    ['lost-write'],
  ],
  'acknowledged by the leader alone': [story().sent(leaderOnly, 'a', 0).sent(plain, 'b', 1).finally('1:b'), []],
  'deleted on request': [
    story()
      .sent(plain, 'a b', 0)
      .note('admin', 'deleteRecords', { partition: 't-0', before: 1 }, { logStartOffset: 1 })
      .finally('1:b'),
    [],
  ],
  'more deleted than asked': [
    story()
      .sent(plain, 'a b c', 0)
      .note('admin', 'deleteRecords', { partition: 't-0', before: 1 }, { logStartOffset: 1 })
      .finally('2:c'),
    ['lost-write'],
  ],
})

t.test('the rest of a batch of which something was read must be there', async t => {
  const { found } = story().unsure(plain, 'a b').finally('0:a')
  t.same(found, ['unseen'])
})

stories('what may not be read', {
  refused: [story().refused(plain, 'a').polled('0:a'), ['aborted-read']],
  aborted: [story().sent(idempotent, 'a', 0, 'x').ended('x', false).polled('0:a', committed), ['aborted-read']],
  'aborted, by who reads everything': [story().sent(idempotent, 'a', 0, 'x').ended('x', false).polled('0:a'), []],
  'a commit that was refused': [
    (() => {
      const refused = story().sent(idempotent, 'a', 0, 'x')
      refused.begin('tx', 'end', { transaction: 'x', commit: true }).fail('fenced')
      return refused.polled('0:a', committed)
    })(),
    ['aborted-read'],
  ],
  'a commit of unknown end': [
    (() => {
      const unsure = story().sent(idempotent, 'a', 0, 'x')
      unsure.begin('tx', 'end', { transaction: 'x', commit: true }).info('timed out')
      return unsure.polled('0:a', committed)
    })(),
    [],
  ],
  'its own transaction': [
    story()
      .sent(idempotent, 'a', 0, 'x')
      .polled('0:a', { ...committed, transaction: 'x' })
      .ended('x', true),
    ['precommitted-read'],
  ],
  'what nobody wrote': [story().polled('0:a'), ['unwritten-read']],
  'what was written elsewhere': [
    story()
      .note('p', 'produce', { partition: 't-1', values: ['a'], producer: plain }, { offset: 0 })
      .polled('0:a'),
    ['unwritten-read'],
  ],
})

stories('polls', {
  'going back in one': [story().sent(plain, 'a b', 0).polled('1:b 0:a'), ['int-nonmonotonic-poll']],
  'twice the same in one': [story().sent(plain, 'a', 0).polled('0:a 0:a'), ['int-nonmonotonic-poll']],
  'leaving out in one': [
    story().sent(plain, 'a b c', 0).polled('0:a 2:c').polled('1:b', { consumer: 'd' }),
    ['int-poll-skip'],
  ],
  'going back': [story().sent(plain, 'a b', 0).polled('0:a 1:b').polled('0:a'), ['nonmonotonic-poll']],
  'leaving out': [
    story().sent(plain, 'a b c', 0).polled('0:a').polled('2:c').polled('1:b', { consumer: 'd' }),
    ['poll-skip'],
  ],
  'after seeking': [
    story()
      .sent(plain, 'a b', 0)
      .polled('0:a 1:b')
      .note('c', 'assign', { consumer: 'c', partitions: ['t-0'], sought: true }, {})
      .polled('0:a'),
    [],
  ],
  'after assigning the same': [
    story()
      .sent(plain, 'a b', 0)
      .polled('0:a 1:b')
      .note('c', 'assign', { consumer: 'c', partitions: ['t-0'] }, {})
      .polled('0:a'),
    ['nonmonotonic-poll'],
  ],
  'after a poll of unknown end': [
    (() => {
      const unsure = story().sent(plain, 'a b c', 0).polled('0:a')
      unsure.begin('c', 'poll', { consumer: 'c' }).info('crashed')
      return unsure.polled('2:c').polled('1:b', { consumer: 'd' })
    })(),
    [],
  ],
  'aborted records may be left out': [
    story()
      .sent(plain, 'a', 0)
      .sent(idempotent, 'b', 1, 'x')
      .sent(plain, 'c', 2)
      .ended('x', false)
      .polled('0:a 2:c', committed),
    [],
  ],
})

stories('the order of writes', {
  'within a write': [story().unsure(plain, 'a b').finally('0:b 1:a'), ['int-nonmonotonic-send']],
  'of an idempotent producer': [
    story().unsure(idempotent, 'a').sent(idempotent, 'b', 0).finally('0:b 1:a'),
    ['nonmonotonic-send'],
  ],
  'of a plain producer, when the first may come late': [
    story().unsure(plain, 'a').sent(plain, 'b', 0).finally('0:b 1:a'),
    [],
  ],
  'after an acknowledgement': [
    story()
      .sent(plain, 'a', 1)
      .sent({ ...plain, name: 'q' }, 'b', 0)
      .finally('0:b 1:a'),
    ['order-inversion'],
  ],
  'at the same time': [
    (() => {
      const both = story()
      const first = both.sending(plain, 'a')
      const second = both.sending({ ...plain, name: 'q' }, 'b')
      first.ok({ offset: 1 })
      second.ok({ offset: 0 })
      return both.finally('0:b 1:a')
    })(),
    [],
  ],
})

/** Ten values in the log, read by somebody. */
function filled(): Story {
  const values = 'a b c d e f g h i j'
  const records = values.split(' ').map((value, offset) => `${offset}:${value}`)
  return story().sent(plain, values, 0).polled(records.join(' '), { consumer: 'reader' })
}

stories('committed offsets', {
  'told what was committed': [filled().told(-1).committed(3).told(3).committed(5).told(5), []],
  'going back': [filled().committed(3).committed(5).told(3), ['committed-offset-back']],
  'going back to nothing': [filled().committed(3).told(-1), ['committed-offset-back']],
  'never committed': [filled().committed(3).told(7), ['committed-offset-invented']],
  'committed lower on purpose': [filled().committed(5).committed(3).told(3), []],
  'of unknown end: either': [
    (() => {
      const unsure = filled().committed(3)
      unsure.begin('m', 'commitOffsets', { group: 'g', offsets: { 't-0': 5 } }).info('timed out')
      return unsure.told(3).told(5)
    })(),
    [],
  ],
  'of unknown end: once seen it stays': [
    (() => {
      const unsure = filled().committed(3)
      unsure.begin('m', 'commitOffsets', { group: 'g', offsets: { 't-0': 5 } }).info('timed out')
      return unsure.told(5).told(3)
    })(),
    ['committed-offset-back'],
  ],
  refused: [
    (() => {
      const refused = filled().committed(3)
      refused.begin('m', 'commitOffsets', { group: 'g', offsets: { 't-0': 5 } }).fail('ILLEGAL_GENERATION')
      return refused.told(5)
    })(),
    ['committed-offset-invented'],
  ],
  'of an aborted transaction': [filled().committed(5, 'x').ended('x', false).told(5), ['committed-offset-invented']],
  'of a committed transaction': [filled().committed(5, 'x').ended('x', true).told(-1), ['committed-offset-back']],
})

stories('a member that is given a partition', {
  'goes on from the committed offset': [filled().committed(3).given('c', 1).polled('3:d 4:e'), []],
  'goes on from the beginning': [filled().given('c', 1).polled('0:a'), []],
  'goes back': [filled().committed(3).committed(5).given('c', 1).polled('3:d'), ['committed-offset-back']],
  'forgets what was committed': [filled().committed(5).given('c', 1).polled('0:a'), ['committed-offset-back']],
  'leaves out': [filled().committed(3).given('c', 1).polled('5:f'), ['committed-offset-invented']],
  'keeps its place in what it kept': [
    filled().given('c', 1).polled('0:a 1:b').committed(1).given('c', 2, ['t-0']).polled('2:c'),
    [],
  ],
  'goes back because it seeks': [
    filled()
      .committed(5)
      .given('c', 1)
      .note('c', 'assign', { consumer: 'c', partitions: [], sought: true }, {})
      .polled('0:a'),
    [],
  ],
  'shares it with another': [filled().given('c', 1).given('d', 1), ['two-owners']],
  'has it after another': [filled().given('c', 1).given('d', 2).given('d', 2), []],
})

stories('what brokers tell', {
  'the end goes back': [story().listed('latest', { 't-0': 5 }).listed('latest', { 't-0': 4 }), ['high-watermark-back']],
  'the end goes back for another client': [
    story().listed('latest', { 't-0': 5 }).listed('latest', { 't-0': 4 }, 'm'),
    [],
  ],
  'the beginning goes back': [
    story().listed('earliest', { 't-0': 5 }).listed('earliest', { 't-0': 4 }),
    ['log-start-back'],
  ],
  'deleted records come back': [
    story()
      .note('l', 'deleteRecords', { partition: 't-0', before: 5 }, { logStartOffset: 5 })
      .listed('earliest', { 't-0': 0 }),
    ['log-start-back'],
  ],
  'timestamps in order': [story().listed(100, { 't-0': 5 }).listed(50, { 't-0': 3 }).listed(200, { 't-0': -1 }), []],
  'timestamps out of order': [story().listed(100, { 't-0': 5 }).listed(50, { 't-0': 7 }), ['timestamp-offsets']],
  'one leader in each epoch': [
    story().metadata(1, 1, 1).metadata(2, 1, 1).metadata(1, 2, 2).metadata(2, -1, 1).metadata(2, 2, 2),
    [],
  ],
  'two leaders in one epoch': [story().metadata(1, 1, 1).metadata(2, 2, 1), ['two-leaders']],
  'epochs going back': [story().metadata(1, 1, 2).metadata(1, 2, 1), ['leader-epoch-back']],
  'replicas alike': [story().replica(1, 'x').replica(2, 'x').replica(3, 'y', 5), []],
  'replicas that differ': [story().replica(1, 'x').replica(2, 'y'), ['replica-divergence']],
})

function transactions(reads: Readonly<Record<string, string>>): Story {
  const all = story()
    .sent(idempotent, 'a', 0, 'x')
    .sent({ ...idempotent, name: 'j' }, 'b', 1, 'y')
  for (const [transaction, records] of Object.entries(reads)) {
    all.polled(records, { ...committed, transaction, consumer: transaction })
  }
  return all.ended('x', true).ended('y', true)
}

stories('circles of transactions', {
  'each read the other': [transactions({ x: '1:b', y: '0:a' }), ['G1c', 'undecided-read']],
  'one read the other': [transactions({ y: '0:a' }), ['undecided-read']],
})

const inOne = () => story().sent(idempotent, 'a', 0, 'x').sent(idempotent, 'b', 1, 'x')

function unsureEnd(all: Story): Story {
  all.begin('tx', 'end', { transaction: 'x', commit: true }).info('timed out')
  return all
}

stories('whole or not at all', {
  'a commit of unknown end that came true': [unsureEnd(inOne()).finally('0:a 1:b', 'read_committed'), []],
  'one that did not': [unsureEnd(inOne()).finally('', 'read_committed'), []],
  'one that came true in part': [
    unsureEnd(inOne()).finally('1:b', 'read_committed'),
    ['lost-write', 'torn-transaction'],
  ],
  'an abort in part': [
    inOne().ended('x', false).finally('0:a', 'read_committed'),
    ['aborted-read', 'torn-transaction'],
  ],
  'never asked to be committed': [
    story()
      .note('tx', 'begin', { transaction: 'x', producer: idempotent }, {})
      .sent(idempotent, 'a', 0, 'x')
      .finally('0:a', 'read_committed'),
    ['aborted-read'],
  ],
  'read before it was decided': [
    inOne().polled('0:a', committed).ended('x', true).finally('0:a 1:b', 'read_committed'),
    ['undecided-read'],
  ],
  'read while it is decided': [
    (() => {
      const deciding = inOne()
      const end = deciding.begin('tx', 'end', { transaction: 'x', commit: true })
      deciding.polled('0:a', committed)
      end.ok({})
      return deciding.finally('0:a 1:b', 'read_committed')
    })(),
    [],
  ],
})

function instances(first: string, second: string): Story {
  const transactionalId = 't'
  return story()
    .note('tx', 'fence', { transactionalId, instance: '1' }, {})
    .note('tx', 'begin', { transaction: 'x', producer: idempotent, instance: first }, {})
    .sent(idempotent, 'a', 0, 'x')
    .note('tx', 'fence', { transactionalId, instance: '2' }, {})
    .note('tx', 'begin', { transaction: 'y', producer: idempotent, instance: second }, {})
    .ended(second === '2' ? 'y' : 'x', true)
}

stories('instances', {
  'the one that was replaced commits': [instances('1', '1'), ['zombie-commit']],
  'the new one commits': [instances('1', '2'), []],
})

/** Two records, copied by one transaction each unless told otherwise; the offset in the group is 2 then. */
function copied(...sources: readonly (readonly string[])[]): Story {
  const all = story().sent(plain, 'a b', 0).polled('0:a 1:b')
  sources.forEach((list, at) => {
    const transaction = `x${at}`
    const values = list.map((_, n) => `${at}:${n}`)
    const call = {
      partition: 'o-0',
      values,
      sources: list.map(offset => `t-0@${offset}`),
      transaction,
      producer: idempotent,
    }
    if (values.length > 0) all.note('tx', 'produce', call, { offset: null })
    all.committed(at === sources.length - 1 ? 2 : 1, transaction).ended(transaction, true)
  })
  return all
}

stories('records that are worked on in transactions', {
  once: [copied(['0'], ['1']), []],
  'in one': [copied(['0', '1']), []],
  twice: [copied(['0'], ['0', '1']), ['copied-twice']],
  'left out': [copied(['0'], []), ['not-copied']],
})

t.test('what is allowed is told, not held against the cluster', async t => {
  const { history } = story().sent(plain, 'a', 0).finally('')
  const { anomalies, allowed } = checkHistory(history.operations, { allowed: ['unseen'] })
  t.same(anomalies, [])
  t.match(allowed, [{ kind: 'unseen', operations: [0] }])
  t.match(describeAnomalies(allowed), ['unseen: 1', /"a" at t-0@0 \(operations 0\)/])
})

t.test('counts', async t => {
  const all = story().sent(plain, 'a', 0).sent(leaderOnly, 'b', 1).unsure(plain, 'c').sent(repeating, 'd', 4)
  const { counts, anomalies } = checkHistory(all.finally('0:a 2:c 3:d 4:d').history.operations)
  t.same(anomalies, [])
  t.same(counts, { acknowledged: 3, lossesAllowed: 1, duplicatesAllowed: 1, recovered: 1 })
})

t.test('a history is stored as lines and read again, cut off at any place', async t => {
  const lines: string[] = []
  let now = 0
  const history = new History(
    () => now++,
    entry => lines.push(`${JSON.stringify(entry)}\n`),
  )
  history.invoke('p', 'produce', { partition: 't-0', values: ['a'], producer: plain }).ok({ offset: 0 })
  const open = history.invoke('p', 'produce', { partition: 't-0', values: ['b'], producer: plain })
  open.info('timed out')
  open.ok({ offset: 1 })
  history.invoke('c', 'poll', { consumer: 'c' })
  const text = lines.join('')
  t.same(readHistory(text), history.operations)
  t.equal(history.operations[1].outcome, 'info', 'only the first end counts')
  t.equal(history.operations[2].ended, Number.POSITIVE_INFINITY)
  t.equal(readHistory(text.slice(0, -5)).length, 2)
  t.throws(() => readHistory(`{\n${text}`), /line 1/)
})

t.test('a hundred thousand operations take seconds', async t => {
  const long = new Story()
  const count = 100_000
  for (let i = 0; i < count; i++) {
    long.sent(i % 2 ? idempotent : plain, `v${i}`, i)
    if (i % 10 === 9) long.committed(i)
  }
  for (let i = 0; i < count; i += 10) {
    long.polled(Array.from({ length: 10 }, (_, at) => `${i + at}:v${i + at}`).join(' '), { final: ['t-0'] })
  }
  const started = performance.now()
  t.same(long.found, [])
  t.comment(`${Math.round(performance.now() - started)} ms`)
})
