"""KafkaAdminClient."""
from kafka import TopicPartition
from kafka.admin import ACLFilter, ACLOperation, ACLPermissionType, ConfigResource, ConfigResourceType, OffsetSpec, ResourcePatternFilter, ResourceType
from kafka.admin import ACLResourcePatternType
from kafka.errors import (
    InvalidConfigurationError, InvalidPartitionsError, InvalidReplicationFactorError, InvalidTopicError, SecurityDisabledError,
    TopicAlreadyExistsError, UnknownTopicOrPartitionError,
)

from clients import admin, new_topic, read, send
from harness import equal, eventually, test, unique


def _admin_test(name, needs=None):
    def register(run):
        @test(name, needs=needs)
        def body():
            client = admin()
            try:
                run(client)
            finally:
                client.close()
        return body
    return register


def _fails(kind, run):
    try:
        run()
    except kind:
        return
    raise AssertionError(f'no error, expected {kind.__name__}')


@_admin_test('connect')
def _(client):
    assert client.list_topics() is not None


@_admin_test('api versions')
def _(client):
    assert client.api_versions()


@_admin_test('describe cluster')
def _(client):
    cluster = client.describe_cluster()
    equal(len(cluster['brokers']), 1)
    assert cluster['cluster_id'] and cluster['controller_id'] is not None, cluster


@_admin_test('describe features')
def _(client):
    feature = client.describe_features()['metadata.version']
    assert feature['finalized'][1] >= feature['supported'][0] > 0, feature
    assert feature['finalized_epoch'] >= 0, feature


@_admin_test('describe metadata quorum')
def _(client):
    quorum = client.describe_metadata_quorum()
    assert quorum, quorum


@_admin_test('metadata')
def _(client):
    topic = new_topic(client, 3)
    (found,) = client.describe_topics([topic])
    equal(len(found['partitions']), 3)
    (found,) = client.describe_topic_partitions([topic])['topics']
    equal((found['name'], len(found['partitions']), found['is_internal']), (topic, 3, False))


@_admin_test('describe topic partitions in pages')
def _(client):
    topic = new_topic(client, 5)
    page = client.describe_topic_partitions([topic], response_partition_limit=2)
    equal([part['partition_index'] for part in page['topics'][0]['partitions']], [0, 1])
    assert page['next_cursor'], page
    cursor = page['next_cursor']
    equal((cursor['topic_name'], cursor['partition_index']), (topic, 2))


@_admin_test('create topic')
def _(client):
    topic = new_topic(client, 2)
    _fails(TopicAlreadyExistsError, lambda: client.create_topics([topic]))


@_admin_test('create topic validate only')
def _(client):
    topic = unique('kafkapython')
    client.create_topics([topic], validate_only=True)
    assert topic not in client.list_topics()


@_admin_test('create topic errors')
def _(client):
    _fails(InvalidTopicError, lambda: client.create_topics(['bad name!']))
    _fails(InvalidReplicationFactorError, lambda: client.create_topics({unique('t'): {'replication_factor': 5, 'num_partitions': 1}}))
    _fails(InvalidPartitionsError, lambda: client.create_topics({unique('t'): {'num_partitions': 0}}))
    _fails(InvalidConfigurationError, lambda: client.create_topics({unique('t'): {'configs': {'no.such.key': '1'}}}))


@_admin_test('delete topic')
def _(client):
    topic = new_topic(client)
    client.delete_topics([topic])
    eventually(lambda: topic not in client.list_topics(), 'the topic to go')
    _fails(UnknownTopicOrPartitionError, lambda: client.delete_topics([topic]))


@_admin_test('create partitions')
def _(client):
    topic = new_topic(client)
    client.create_partitions({topic: 3})
    eventually(lambda: len(client.describe_topics([topic])[0]['partitions']) == 3, 'three partitions')
    _fails(InvalidPartitionsError, lambda: client.create_partitions({topic: 2}))


def _configs(client, kind, name):
    found = client.describe_configs([ConfigResource(kind, name)], include_synonyms=True, config_filter='all')
    return next(iter(found.values()))[name]


@_admin_test('describe topic configs')
def _(client):
    topic = new_topic(client, retention_ms='4242')
    found = _configs(client, ConfigResourceType.TOPIC, topic)
    equal(found['retention.ms']['value'], '4242')
    equal(found['cleanup.policy']['value'], 'delete')
    assert len(found) >= 33, len(found)


@_admin_test('describe broker configs')
def _(client):
    broker = client.describe_cluster()['brokers'][0]
    name = str(broker.get('broker_id', broker.get('node_id')))
    found = _configs(client, ConfigResourceType.BROKER, name)
    equal(found['log.segment.bytes']['value'], '1073741824')


@_admin_test('incremental alter configs')
def _(client):
    topic = new_topic(client)
    changes = {'retention.ms': ('SET', '77'), 'cleanup.policy': ('APPEND', 'compact')}
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, changes)])
    eventually(lambda: _configs(client, ConfigResourceType.TOPIC, topic)['retention.ms']['value'] == '77')
    equal(_configs(client, ConfigResourceType.TOPIC, topic)['cleanup.policy']['value'], 'delete,compact')


@_admin_test('alter configs')
def _(client):
    topic = new_topic(client, retention_ms='99')
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {'max.message.bytes': '4242'})], incremental=False)
    eventually(lambda: _configs(client, ConfigResourceType.TOPIC, topic)['max.message.bytes']['value'] == '4242')


@_admin_test('list config resources', needs='list-config-resources')
def _(client):
    topic = new_topic(client)
    found = client.list_config_resources(['TOPIC'])
    assert topic in next(iter(found.values())), found


@_admin_test('admin list offsets')
def _(client):
    part = TopicPartition(new_topic(client), 0)
    send(part.topic, [b'a', b'b', b'c'])
    for spec, offset in ((OffsetSpec.EARLIEST, 0), (OffsetSpec.LATEST, 3), (OffsetSpec.EARLIEST_LOCAL, 0), (0, 0)):
        equal(client.list_partition_offsets({part: spec})[part].offset, offset)
    assert client.list_partition_offsets({part: OffsetSpec.MAX_TIMESTAMP})[part].timestamp > 0
    equal(client.list_partition_offsets({part: OffsetSpec.LATEST_TIERED})[part].offset, -1)


@_admin_test('delete records')
def _(client):
    part = TopicPartition(new_topic(client), 0)
    send(part.topic, [b'a', b'b', b'c'])
    client.delete_records({part: 2})
    equal(client.list_partition_offsets({part: OffsetSpec.EARLIEST})[part].offset, 2)
    equal(read(part.topic, 2, 1)[0].value, b'c')


@_admin_test('describe log dirs')
def _(client):
    topic = new_topic(client)
    send(topic, [b'x' * 500])
    (broker,) = client.describe_log_dirs()
    assert topic in str(broker), broker


@_admin_test('describe producers')
def _(client):
    part = TopicPartition(new_topic(client), 0)
    send(part.topic, [b'x'], settings={'enable_idempotence': True})
    found = client.describe_producers([part])[part]
    equal(len(found.active_producers), 1)


@_admin_test('list partition reassignments')
def _(client):
    equal(client.list_partition_reassignments(), {})


@_admin_test('describe acls with security disabled')
def _(client):
    pattern = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    try:
        _, error = client.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, pattern))
    except SecurityDisabledError:
        return
    assert error is SecurityDisabledError or isinstance(error, SecurityDisabledError), error


@_admin_test('describe scram credentials')
def _(client):
    equal(client.describe_user_scram_credentials(), {})
