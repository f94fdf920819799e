import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import type { QuotaAlteration } from '../../src/controller/events.ts'
import { recordsOf } from '../../src/metadata/snapshot.ts'
import { MetadataState } from '../../src/metadata/state.ts'
import { Decider } from './decide.ts'

type Op = QuotaAlteration['ops'][number]

const set = (key: string, value: number): Op => ({ key, value, remove: false })
const remove = (key: string): Op => ({ key, value: 0, remove: true })

/** Parts as `user=u`, `user` for the default. */
function entityOf(parts: string) {
  return parts.split(',').map(part => {
    const [entityType, entityName = null] = part.split('=')
    return { entityType, entityName }
  })
}

function alter(decider: Decider, parts: string, ...ops: Op[]) {
  return decider.answer('alterQuotas', { entries: [{ entity: entityOf(parts), ops }], validateOnly: false })[0]
}

function quotasOf(state: MetadataState) {
  return [...state.quotas.values()].map(({ entity, values }) => ({ entity, values: [...values] }))
}

t.test('set, altered, removed, and kept by snapshots', async t => {
  const decider = new Decider().begin()
  t.equal(alter(decider, 'user=u,client-id', set('producer_byte_rate', 5), set('request_percentage', 1.5)).errorCode, 0)
  const expected = [
    {
      entity: [
        { entityType: 'client-id', entityName: null },
        { entityType: 'user', entityName: 'u' },
      ],
      values: [
        ['producer_byte_rate', 5],
        ['request_percentage', 1.5],
      ],
    },
  ]
  t.same(quotasOf(decider.state), expected)
  const restored = new MetadataState()
  for (const record of recordsOf(decider.state)) restored.apply(record, 0)
  t.same(quotasOf(restored), expected)
  const before = decider.records.length
  alter(decider, 'client-id,user=u', set('producer_byte_rate', 5), remove('consumer_byte_rate'))
  t.equal(decider.records.length, before, 'what is so already is not written')
  alter(decider, 'client-id,user=u', remove('producer_byte_rate'), remove('request_percentage'))
  t.same(quotasOf(decider.state), [])
})

t.test('validation alone changes nothing', async t => {
  const decider = new Decider().begin()
  const entries = [{ entity: entityOf('user'), ops: [set('producer_byte_rate', 5)] }]
  t.match(decider.answer('alterQuotas', { entries, validateOnly: true }), [{ errorCode: 0 }])
  t.equal(decider.state.quotas.size, 0)
})

t.test('what is refused', async t => {
  const cases: [string, Op][] = [
    ['group=g', set('producer_byte_rate', 5)],
    ['user=', set('producer_byte_rate', 5)],
    ['user=a,user=b', set('producer_byte_rate', 5)],
    ['user=a,ip=10.0.0.1', set('producer_byte_rate', 5)],
    ['ip=nowhere', set('connection_creation_rate', 5)],
    ['ip=10.0.0.1', set('producer_byte_rate', 5)],
    ['user=a', set('connection_creation_rate', 5)],
    ['user=a', set('other', 5)],
    ['user=a', set('producer_byte_rate', 0)],
    ['user=a', set('producer_byte_rate', -1)],
    ['user=a', set('producer_byte_rate', Number.NaN)],
    ['user=a', set('producer_byte_rate', Number.POSITIVE_INFINITY)],
    ['user=a', set('producer_byte_rate', 1.5)],
  ]
  for (const [parts, op] of cases) {
    const decider = new Decider().begin()
    t.equal(alter(decider, parts, op).errorCode, Errors.INVALID_REQUEST, `${parts} ${op.key} ${op.value}`)
    t.equal(decider.state.quotas.size, 0)
  }
  const decider = new Decider().begin()
  const empty = decider.answer('alterQuotas', { entries: [{ entity: [], ops: [] }], validateOnly: false })
  t.equal(empty[0].errorCode, Errors.INVALID_REQUEST)
  const twice = [1, 2].map(value => ({ entity: entityOf('user=a'), ops: [set('producer_byte_rate', value)] }))
  t.match(decider.answer('alterQuotas', { entries: twice, validateOnly: false }), [
    { errorCode: Errors.NONE },
    { errorCode: Errors.INVALID_REQUEST },
  ])
  t.equal(alter(decider, 'user=a', remove('unknown')).errorCode, Errors.NONE, 'what is not there need not be known')
})
