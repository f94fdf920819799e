"""AdminClient."""
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import ConfigResource, NewPartitions, NewTopic

from clients import ADMIN, MODERN, consumer, done, new_topic, read, send, values
from harness import BOOTSTRAP, equal, eventually, test, unique

TOPIC = ConfigResource.Type.TOPIC
BROKER = ConfigResource.Type.BROKER


def _fails(name, futures):
    try:
        done(futures)
    except KafkaException as error:
        equal(error.args[0].name(), name)
    else:
        raise AssertionError(f'no error, expected {name}')


@test('connect')
def _():
    cluster = ADMIN.list_topics(timeout=10)
    equal(len(cluster.brokers), 1)
    assert cluster.cluster_id
    (broker,) = cluster.brokers.values()
    equal(f'{broker.host}:{broker.port}', BOOTSTRAP)


@test('metadata')
def _():
    topic = new_topic(3)
    metadata = ADMIN.list_topics(topic, timeout=10).topics[topic]
    equal(len(metadata.partitions), 3)
    for partition in metadata.partitions.values():
        equal(partition.isrs, partition.replicas)
        equal(partition.leader, partition.replicas[0])
    missing = unique('no')  # asked by a consumer: for a producer's client the topic would be made
    client = consumer()
    assert client.list_topics(missing, timeout=10).topics[missing].error is not None
    client.close()


@test('create topic')
def _():
    topic = new_topic(2)
    _fails('TOPIC_ALREADY_EXISTS', ADMIN.create_topics([NewTopic(topic, 1, 1)]))


@test('create topic errors')
def _():
    _fails('TOPIC_EXCEPTION', ADMIN.create_topics([NewTopic('bad name!', 1, 1)]))
    _fails('INVALID_REPLICATION_FACTOR', ADMIN.create_topics([NewTopic(unique('t'), 1, 5)]))
    _fails('INVALID_CONFIG', ADMIN.create_topics([NewTopic(unique('t'), 1, 1, config={'no.such.key': '1'})]))


@test('create topic validate only')
def _():
    topic = unique('confluent')
    done(ADMIN.create_topics([NewTopic(topic, 1, 1)], validate_only=True))
    assert topic not in ADMIN.list_topics(timeout=10).topics


@test('delete topic')
def _():
    topic = new_topic()
    done(ADMIN.delete_topics([topic]))
    eventually(lambda: topic not in ADMIN.list_topics(timeout=10).topics, 'the topic to go')
    _fails('UNKNOWN_TOPIC_OR_PART', ADMIN.delete_topics([topic]))


@test('create partitions')
def _():
    topic = new_topic()
    done(ADMIN.create_partitions([NewPartitions(topic, 3)]))
    eventually(lambda: len(ADMIN.list_topics(topic, timeout=10).topics[topic].partitions) == 3, 'three partitions')
    _fails('INVALID_PARTITIONS', ADMIN.create_partitions([NewPartitions(topic, 2)]))


@test('describe topic configs')
def _():
    resource = ConfigResource(TOPIC, new_topic(retention_ms='4242'))
    (entries,) = done(ADMIN.describe_configs([resource])).values()
    equal(entries['retention.ms'].value, '4242')
    equal(entries['retention.ms'].source, 1)
    equal(entries['cleanup.policy'].value, 'delete')
    equal(entries['cleanup.policy'].is_default, True)
    assert len(entries) >= 33, len(entries)


@test('describe broker configs')
def _():
    broker = next(iter(ADMIN.list_topics(timeout=10).brokers))
    (entries,) = done(ADMIN.describe_configs([ConfigResource(BROKER, str(broker))])).values()
    equal(entries['log.segment.bytes'].value, '1073741824')
    assert len(entries) >= 200, len(entries)


@test('alter configs')
def _():
    topic = new_topic(retention_ms='99')
    done(ADMIN.alter_configs([ConfigResource(TOPIC, topic, set_config={'max.message.bytes': '4242'})]))

    def found():
        (entries,) = done(ADMIN.describe_configs([ConfigResource(TOPIC, topic)])).values()
        return (entries['max.message.bytes'].value, entries['retention.ms'].value)
    eventually(lambda: found() == ('4242', '604800000'), 'the new configs')


if MODERN:
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, OffsetSpec
    from confluent_kafka import TopicCollection

    @test('incremental alter configs')
    def _():
        topic = new_topic()
        entries = [
            ConfigEntry('retention.ms', '77', incremental_operation=AlterConfigOpType.SET),
            ConfigEntry('cleanup.policy', 'compact', incremental_operation=AlterConfigOpType.APPEND),
        ]
        done(ADMIN.incremental_alter_configs([ConfigResource(TOPIC, topic, incremental_configs=entries)]))

        def found():
            (entries,) = done(ADMIN.describe_configs([ConfigResource(TOPIC, topic)])).values()
            return (entries['retention.ms'].value, entries['cleanup.policy'].value)
        eventually(lambda: found() == ('77', 'delete,compact'), 'the new configs')

    @test('describe cluster')
    def _():
        cluster = ADMIN.describe_cluster(include_authorized_operations=True, request_timeout=10).result(15)
        equal(len(cluster.nodes), 1)
        assert cluster.cluster_id and cluster.controller is not None

    @test('describe topics')
    def _():
        topic = new_topic(2)
        (found,) = done(ADMIN.describe_topics(TopicCollection([topic]), request_timeout=10)).values()
        equal((found.name, len(found.partitions), found.is_internal), (topic, 2, False))
        assert str(found.topic_id) != '', found.topic_id

    @test('admin list offsets')
    def _():
        part = TopicPartition(new_topic(), 0)
        send(part.topic, ['a', 'b', 'c'])
        for spec, expected in ((OffsetSpec.earliest(), 0), (OffsetSpec.latest(), 3), (OffsetSpec.for_timestamp(0), 0)):
            (found,) = done(ADMIN.list_offsets({part: spec}, request_timeout=10)).values()
            equal(found.offset, expected)
        (found,) = done(ADMIN.list_offsets({part: OffsetSpec.max_timestamp()}, request_timeout=10)).values()
        assert found.offset >= 0 and found.timestamp > 0

    @test('delete records')
    def _():
        part = TopicPartition(new_topic(), 0, 2)
        send(part.topic, ['a', 'b', 'c'])
        (found,) = done(ADMIN.delete_records([part], request_timeout=10)).values()
        equal(found.low_watermark, 2)
        equal(values(read(part.topic, 2, 1)), ['c'])

    @test('describe scram credentials')
    def _():
        future = ADMIN.describe_user_scram_credentials(request_timeout=10)
        equal(future.result(15), {})
