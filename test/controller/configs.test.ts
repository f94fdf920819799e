import t from 'tap'
import { type ErrorCode, Errors } from '../../protocol/errors.ts'
import { type ConfigOperation, configOperations, type ResourceOutcome } from '../../src/controller/events.ts'
import { Decider } from './decide.ts'

const { set, append, subtract } = configOperations
const remove = configOperations.delete

function cluster(): Decider {
  const decider = new Decider({ 'log.cleanup.policy': 'delete' }).begin()
  decider.brokers(1)
  decider.topic('t')
  return decider
}

const op = (name: string, operation: number, value: string | null = null): ConfigOperation => ({
  name,
  operation,
  value,
})

function alter(
  decider: Decider,
  resourceType: number,
  resourceName: string,
  operations: ConfigOperation[],
  options: { replace?: boolean; validateOnly?: boolean } = {},
) {
  const { records, reply } = decider.ask({
    question: 'alterConfigs',
    resources: [{ resourceType, resourceName, operations }],
    replace: options.replace ?? false,
    validateOnly: options.validateOnly ?? false,
  })
  const [outcome] = (reply as { answer: readonly ResourceOutcome[] }).answer
  return { records, outcome }
}

t.test('the four operations', async t => {
  const decider = cluster()
  const own = () => [...decider.state.configsOf(2, 't')]
  t.match(alter(decider, 2, 't', [op('retention.ms', set, '5'), op('segment.ms', set, '6')]).records, [
    { kind: 'config', value: { resourceType: 2, resourceName: 't', name: 'retention.ms', value: '5' } },
    { kind: 'config', value: { name: 'segment.ms', value: '6' } },
  ])
  t.same(alter(decider, 2, 't', [op('retention.ms', set, '5')]).records, [], 'what is so already is not written')
  alter(decider, 2, 't', [op('segment.ms', remove)])
  t.same(own(), [['retention.ms', '5']])
  alter(decider, 2, 't', [op('cleanup.policy', append, 'compact')])
  t.same(own()[1], ['cleanup.policy', 'delete,compact'], 'appended to the default')
  alter(decider, 2, 't', [op('cleanup.policy', subtract, 'delete,other')])
  t.same(own()[1], ['cleanup.policy', 'compact'])
  alter(decider, 2, 't', [op('cleanup.policy', append, 'compact')])
  t.same(own()[1], ['cleanup.policy', 'compact'])
})

t.test('replacing deletes what is not named', async t => {
  const decider = cluster()
  alter(decider, 2, 't', [op('retention.ms', set, '5'), op('segment.ms', set, '6')])
  const { records } = alter(decider, 2, 't', [op('segment.ms', set, '7')], { replace: true })
  t.same([...decider.state.configsOf(2, 't')], [['segment.ms', '7']])
  t.equal(records.length, 2)
})

t.test('validation alone changes nothing', async t => {
  const decider = cluster()
  const { records, outcome } = alter(decider, 2, 't', [op('retention.ms', set, '5')], { validateOnly: true })
  t.same(records, [])
  t.equal(outcome.errorCode, Errors.NONE)
})

t.test('what is refused', async t => {
  const cases: [number, string, ConfigOperation[], ErrorCode][] = [
    [2, 't', [op('foo', set, '1')], Errors.INVALID_CONFIG],
    [2, 't', [op('retention.ms', set, 'x')], Errors.INVALID_CONFIG],
    [2, 't', [op('retention.ms', append, '1')], Errors.INVALID_CONFIG],
    [2, 't', [op('retention.ms', set, null)], Errors.INVALID_REQUEST],
    [2, 't', [op('retention.ms', 9, '1')], Errors.INVALID_REQUEST],
    [2, 't', [op('retention.ms', set, '1'), op('retention.ms', remove)], Errors.INVALID_REQUEST],
    [2, 't', [op('min.compaction.lag.ms', set, '9'), op('max.compaction.lag.ms', set, '8')], Errors.INVALID_CONFIG],
    [2, 't', [op('remote.storage.enable', set, 'true')], Errors.INVALID_CONFIG],
    [2, 't', [op('compression.type', set, `gzip${' '.repeat(32768)}`)], Errors.INVALID_CONFIG],
    [2, 'nope', [op('retention.ms', set, '1')], Errors.UNKNOWN_TOPIC_OR_PARTITION],
    [2, '../x', [op('retention.ms', set, '1')], Errors.INVALID_TOPIC_EXCEPTION],
    [2, '', [op('retention.ms', set, '1')], Errors.INVALID_REQUEST],
    [4, '1', [op('node.id', set, '2')], Errors.INVALID_REQUEST],
    [4, '', [op('num.partitions', set, '2')], Errors.INVALID_REQUEST],
    [4, '', [op('listeners', set, 'PLAINTEXT://:1')], Errors.INVALID_REQUEST],
    [4, '', [op('message.max.bytes', set, '-1')], Errors.INVALID_REQUEST],
    [4, '9', [op('message.max.bytes', set, '1')], Errors.INVALID_REQUEST],
    [4, 'x', [op('message.max.bytes', set, '1')], Errors.INVALID_REQUEST],
    [8, '1', [op('root', set, 'DEBUG')], Errors.INVALID_REQUEST],
    [16, '', [op('metrics', set, 'a')], Errors.INVALID_REQUEST],
    [16, 's', [op('match', set, 'client_id=a,b')], Errors.INVALID_CONFIG],
    [32, 'g', [op('consumer.session.timeout.ms', set, '1')], Errors.INVALID_CONFIG],
    [99, 'x', [op('a', set, 'b')], Errors.INVALID_REQUEST],
  ]
  const decider = cluster()
  for (const [type, name, operations, expected] of cases) {
    const { records, outcome } = alter(decider, type, name, operations)
    t.equal(outcome.errorCode, expected, `${type} ${name} ${operations[0].name}`)
    t.same(records, [])
  }
})

t.test('brokers, groups and client metrics', async t => {
  const decider = cluster()
  for (const [type, name, setting, value] of [
    [4, '', 'message.max.bytes', '7'],
    [4, '1', 'message.max.bytes', '8'],
    [4, '', 'some.plug.in', 'x'],
    [16, 's', 'match', 'client_id=a'],
    [32, 'g', 'consumer.session.timeout.ms', '50000'],
  ] as const) {
    t.equal(alter(decider, type, name, [op(setting, set, value)]).outcome.errorCode, Errors.NONE, setting)
    t.equal(decider.state.configsOf(type, name).get(setting), value)
  }
})

t.test('a value that became invalid elsewhere does not hinder another change', async t => {
  const decider = cluster()
  decider.state.apply(
    {
      kind: 'config',
      version: 0,
      value: { resourceType: 4, resourceName: '', name: 'log.retention.ms', value: 'bad' },
    },
    99,
  )
  t.equal(alter(decider, 4, '', [op('message.max.bytes', set, '7')]).outcome.errorCode, Errors.NONE)
})

t.test('one resource twice is refused each time', async t => {
  const resource = { resourceType: 2, resourceName: 't', operations: [op('retention.ms', set, '1')] }
  const { records, reply } = cluster().ask({
    question: 'alterConfigs',
    resources: [resource, resource],
    replace: false,
    validateOnly: false,
  })
  t.same(records, [])
  t.match(reply, { answer: [{ errorCode: Errors.INVALID_REQUEST }, { errorCode: Errors.INVALID_REQUEST }] })
})
