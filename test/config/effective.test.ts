import t from 'tap'
import { parseBrokerConfig } from '../../src/config/broker.ts'
import { configSources, EffectiveConfigs, resourceTypes } from '../../src/config/effective.ts'

type Dynamic = Record<string, Record<string, string>>

function configs(settings: Record<string, string>, dynamic: Dynamic = {}): EffectiveConfigs {
  return new EffectiveConfigs(parseBrokerConfig(new Map(Object.entries(settings))), {
    configsOf: (type, name) => new Map(Object.entries(dynamic[`${type}:${name}`] ?? {})),
  })
}

const find = <E extends { name: string }>(entries: readonly E[], name: string): E => {
  const found = entries.find(entry => entry.name === name)
  if (!found) throw new Error(`no ${name}`)
  return found
}

t.test('a topic takes the strongest of its sources', async t => {
  const dynamic: Dynamic = {
    [`${resourceTypes.topic}:t`]: { 'retention.ms': '1' },
    [`${resourceTypes.broker}:1`]: { 'log.retention.ms': '2' },
    [`${resourceTypes.broker}:`]: { 'log.retention.ms': '3' },
  }
  const all = configs({ 'log.retention.hours': '4' }, dynamic)
  t.match(find(all.topic('t'), 'retention.ms'), {
    value: '1',
    source: configSources.topic,
    readOnly: false,
    synonyms: [
      { name: 'retention.ms', value: '1', source: configSources.topic },
      { name: 'log.retention.ms', value: '2', source: configSources.dynamicBroker },
      { name: 'log.retention.ms', value: '3', source: configSources.dynamicDefaultBroker },
      { name: 'log.retention.hours', value: '4', source: configSources.staticBroker },
      { name: 'log.retention.hours', value: '168', source: configSources.default },
    ],
  })
  t.equal(all.topicValue('t', 'retention.ms'), 1)
  t.equal(all.topicValue('other', 'retention.ms'), 2)
  delete dynamic[`${resourceTypes.broker}:1`]
  t.equal(all.topicValue('other', 'retention.ms'), 3)
  delete dynamic[`${resourceTypes.broker}:`]
  t.equal(all.topicValue('other', 'retention.ms'), 4 * 3_600_000, 'a broker counts in hours')
})

t.test('a coarser unit has its effect but is no synonym by itself, as in Kafka', async t => {
  const entry = find(configs({ 'log.roll.hours': '1' }).topic('t'), 'segment.ms')
  t.equal(entry.value, '3600000')
  t.same(entry.synonyms, [])
  t.equal(entry.source, configSources.default)
})

t.test('whether a value was asked for', async t => {
  t.notOk(configs({}).isTopicValueSet('t', 'flush.ms'))
  t.ok(configs({ 'log.flush.interval.ms': '1' }).isTopicValueSet('t', 'flush.ms'))
  t.ok(configs({ 'log.flush.scheduler.interval.ms': '1' }).isTopicValueSet('t', 'flush.ms'))
  t.ok(configs({}, { '2:t': { 'flush.messages': '1' } }).isTopicValueSet('t', 'flush.messages'))
})

t.test('a broker', async t => {
  const broker = configs(
    { 'ssl.keystore.password': 'secret', 'num.partitions': '3' },
    { '4:': { 'plug.in': 'x', 'message.max.bytes': '7' } },
  ).broker()
  t.match(find(broker, 'ssl.keystore.password'), {
    value: null,
    sensitive: true,
    synonyms: [{ value: null, source: configSources.staticBroker }],
  })
  t.match(find(broker, 'num.partitions'), { value: '3', readOnly: true, source: configSources.staticBroker })
  t.match(find(broker, 'message.max.bytes'), {
    value: '7',
    readOnly: false,
    source: configSources.dynamicDefaultBroker,
  })
  t.match(find(broker, 'broker.id'), { value: '1', source: configSources.staticBroker })
  t.match(find(broker, 'node.id'), { synonyms: [{ source: configSources.staticBroker }] })
  t.equal(find(broker, 'node.id').synonyms.length, 1, 'Kafka knows no default')
  t.match(find(broker, 'log.retention.ms'), { value: null, synonyms: [], source: configSources.default })
  t.match(find(broker, 'plug.in'), { value: null, sensitive: true, type: null, readOnly: true })
  t.notOk(
    broker.some(({ name }) => name === 'unstable.api.versions.enable'),
    'internal ones are not shown',
  )
  const rate = 'follower.replication.throttled.rate'
  const throttled = configs({}, { '4:1': { [rate]: '7' } }).broker()
  t.match(find(throttled, rate), { value: '7', source: configSources.dynamicBroker }, 'unless they are set')
})

t.test('groups and client metrics', async t => {
  const all = configs(
    { 'group.consumer.heartbeat.interval.ms': '6000' },
    { '32:g': { 'consumer.session.timeout.ms': '50000' }, '16:s': { metrics: 'a,b' } },
  )
  t.match(find(all.group('g'), 'consumer.session.timeout.ms'), { value: '50000', source: configSources.group })
  t.match(find(all.group('g'), 'consumer.heartbeat.interval.ms'), { value: '6000', source: configSources.staticBroker })
  t.match(find(all.group('g'), 'share.auto.offset.reset'), { value: 'latest', source: configSources.default })
  t.match(find(all.clientMetrics('s'), 'metrics'), { value: 'a,b', source: configSources.clientMetrics })
  t.match(find(all.clientMetrics('s'), 'interval.ms'), { value: '300000', source: configSources.default })
})
