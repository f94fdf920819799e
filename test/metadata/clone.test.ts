import t from 'tap'
import { MetadataState } from '../../src/metadata/state.ts'
import { Decider } from '../controller/decide.ts'
import { contents, partitionChange } from './history.ts'

t.test('a copy goes its own way', async t => {
  const decider = new Decider().begin(30, 1)
  decider.brokers(1, 2)
  decider.topic('a', 3, 2)
  const { state } = decider
  const copy = state.clone()
  t.same(contents(copy), contents(state))
  t.equal(copy.lastOffset, state.lastOffset)
  const before = JSON.stringify(contents(state))
  copy.apply(partitionChange(state.topicId('a') ?? '', 0, { leader: -1 }), 100)
  copy.apply({ kind: 'config', version: 0, value: { resourceType: 2, resourceName: 'a', name: 'x', value: 'y' } }, 101)
  copy.apply({ kind: 'removeTopic', version: 0, value: { topicId: state.topicId('a') ?? '' } }, 102)
  t.equal(JSON.stringify(contents(state)), before)
  t.equal(copy.topics.size, 0)
})

t.test('an open transaction goes with it', async t => {
  const state = new MetadataState()
  const topic = (name: string, topicId: string) => ({ kind: 'topic', version: 0, value: { name, topicId } }) as const
  state.apply({ kind: 'beginTransaction', version: 0, value: { name: null } }, 0)
  state.apply(topic('a', 'AAAAAAAAAAAAAAAAAAAACA'), 1)
  const copy = state.clone()
  t.ok(copy.inTransaction)
  copy.apply({ kind: 'endTransaction', version: 0, value: {} }, 2)
  t.ok(copy.topics.has('a'))
  state.apply({ kind: 'abortTransaction', version: 0, value: { reason: null } }, 2)
  t.notOk(state.topics.has('a'))
})
