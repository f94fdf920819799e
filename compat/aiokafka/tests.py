"""aiokafka against a broker: asyncio, and the oldest versions of the group APIs that are still in wide use."""
import time

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import InvalidTopicError, MessageSizeTooLargeError, TopicAlreadyExistsError
from aiokafka.structs import OffsetAndMetadata

from clients import BASE, Admin, consumer, eventually, new_topic, poll, read, send, test
from harness import equal, run_all, unique


@test('connect')
async def _():
    async with Admin() as client:
        assert await client.list_topics() is not None


@test('describe cluster')
async def _():
    async with Admin() as client:
        cluster = await client.describe_cluster()
        equal(len(cluster['brokers']), 1)


@test('metadata')
async def _():
    topic = await new_topic(3)
    async with Admin() as client:
        (found,) = await client.describe_topics([topic])
        equal(len(found['partitions']), 3)


@test('create topic')
async def _():
    topic = await new_topic(2)
    async with Admin() as client:
        try:
            answer = await client.create_topics([NewTopic(topic, 1, 1)])
            equal(answer.topic_errors[0][1], TopicAlreadyExistsError.errno)
        except TopicAlreadyExistsError:
            pass


@test('create topic errors')
async def _():
    async with Admin() as client:
        try:
            answer = await client.create_topics([NewTopic('bad name!', 1, 1)])
            equal(answer.topic_errors[0][1], InvalidTopicError.errno)
        except InvalidTopicError:
            pass


@test('delete topic')
async def _():
    topic = await new_topic()
    async with Admin() as client:
        await client.delete_topics([topic])
        for _ in range(100):
            if topic not in await client.list_topics():
                return
        raise AssertionError('the topic is still there')


@test('create partitions')
async def _():
    topic = await new_topic()
    async with Admin() as client:
        await client.create_partitions({topic: NewPartitions(3)})
        for _ in range(100):
            (found,) = await client.describe_topics([topic])
            if len(found['partitions']) == 3:
                return
        raise AssertionError('no three partitions')


async def _configs(client, kind, name):
    (answer,) = await client.describe_configs([ConfigResource(kind, name)])
    (resource,) = answer.resources
    equal(resource[0], 0)
    return {entry[0]: entry[1] for entry in resource[4]}


@test('describe topic configs')
async def _():
    topic = await new_topic(retention_ms='4242')
    async with Admin() as client:
        found = await _configs(client, ConfigResourceType.TOPIC, topic)
        equal((found['retention.ms'], found['cleanup.policy']), ('4242', 'delete'))


@test('alter configs')
async def _():
    topic = await new_topic()
    async with Admin() as client:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {'max.message.bytes': '4242'})])
        for _ in range(100):
            if (await _configs(client, ConfigResourceType.TOPIC, topic))['max.message.bytes'] == '4242':
                return
        raise AssertionError('the config did not change')


@test('delete records')
async def _():
    part = TopicPartition(await new_topic(), 0)
    await send(part.topic, [b'a', b'b', b'c'])
    async with Admin() as client:
        await client.delete_records({part: RecordsToDelete(before_offset=2)})
    async with consumer() as client:
        equal((await client.beginning_offsets([part]))[part], 2)


def _codec(codec):
    @test(f'produce {codec}')
    async def run():
        topic = await new_topic()
        sent = [f'{i}:'.encode() + b'abc' * 60 for i in range(200)]
        await send(topic, sent, settings={'compression_type': None if codec == 'none' else codec, 'linger_ms': 20})
        equal([message.value for message in await read(topic, 0, 200)], sent)


for each in ('none', 'gzip', 'snappy', 'lz4', 'zstd'):
    _codec(each)


def _acks(acks):
    @test(f'produce acks={acks}')
    async def run():
        topic = await new_topic()
        await send(topic, [b'one', b'two'], settings={'acks': acks})
        equal([message.value for message in await read(topic, 0, 2)], [b'one', b'two'])


for each in (0, 1, 'all'):
    _acks(each)


@test('produce idempotent')
async def _():
    topic = await new_topic()
    sent = [b'm%d' % i for i in range(300)]
    answers = await send(topic, sent, settings={'enable_idempotence': True, 'max_batch_size': 200})
    equal([answer.offset for answer in answers], list(range(300)))


@test('produce keys, headers and tombstones')
async def _():
    topic = await new_topic()
    headers = [('one', b'x'), ('two', b''), ('one', b'y')]
    await send(topic, [None], key=b'k', headers=headers)
    (message,) = await read(topic, 0, 1)
    equal((message.key, message.value, list(message.headers)), (b'k', None, headers))


@test('produce timestamps')
async def _():
    topic = await new_topic()
    stamp = int(time.time() * 1000) - 50_000
    await send(topic, [b'x'], timestamp_ms=stamp)
    (message,) = await read(topic, 0, 1)
    equal((message.timestamp, message.timestamp_type), (stamp, 0))


@test('produce too large a message')
async def _():
    topic = await new_topic(max_message_bytes='1000')
    try:
        await send(topic, [b'x' * 2000])
    except MessageSizeTooLargeError:
        return
    raise AssertionError('no error')


@test('auto-create topic on produce')
async def _():
    async with AIOKafkaProducer(**BASE) as producer:
        equal((await producer.send_and_wait(unique('aiokafka-auto'), b'x')).offset, 0)


@test('consume from earliest')
async def _():
    topic = await new_topic()
    await send(topic, [b'a', b'b'])
    async with consumer(topic) as client:
        equal([message.value for message in await poll(client, 2)], [b'a', b'b'])


@test('consume from latest')
async def _():
    topic = await new_topic()
    part = TopicPartition(topic, 0)
    await send(topic, [b'a', b'b'])
    async with consumer() as client:
        client.assign([part])
        await client.seek_to_end(part)
        equal(await client.position(part), 2)
        await send(topic, [b'late'])
        equal([message.value for message in await poll(client, 1)], [b'late'])


@test('consume from offset')
async def _():
    topic = await new_topic()
    await send(topic, [b'm%d' % i for i in range(5)])
    equal([message.value for message in await read(topic, 3, 2)], [b'm3', b'm4'])


@test('consume from timestamp')
async def _():
    topic = await new_topic()
    part = TopicPartition(topic, 0)
    base = int(time.time() * 1000) - 60_000
    for i in range(4):
        await send(topic, [b'x'], timestamp_ms=base + i * 1000)
    async with consumer() as client:
        found = (await client.offsets_for_times({part: base + 1500}))[part]
        equal((found.offset, found.timestamp), (2, base + 2000))
        equal((await client.offsets_for_times({part: base + 90_000}))[part], None)
        equal((await client.end_offsets([part]))[part], 4)


@test('consume read_committed')
async def _():
    topic = await new_topic()
    await send(topic, [b'a', b'b'])
    equal([message.value for message in await read(topic, 0, 2, isolation_level='read_committed')], [b'a', b'b'])


@test('consume by topic pattern')
async def _():
    topic = await new_topic()
    await send(topic, [b'a'])
    client = consumer(group_id=unique('group'))
    client.subscribe(pattern=f'^{topic}$')
    async with client:
        equal([message.value for message in await poll(client, 1)], [b'a'])


@test('group join')
async def _():
    topic = await new_topic(3)
    async with consumer(topic, group_id=unique('group')) as client:
        await eventually(lambda: len(client.assignment()) == 3, 'three partitions')


@test('group rebalance')
async def _():
    topic, group = await new_topic(4), unique('group')
    async with consumer(topic, group_id=group) as one:
        await eventually(lambda: len(one.assignment()) == 4, 'four partitions')
        async with consumer(topic, group_id=group) as two:
            await eventually(lambda: len(one.assignment()) == 2 and len(two.assignment()) == 2, 'two and two')
            equal({part.partition for part in one.assignment() | two.assignment()}, {0, 1, 2, 3})
        await eventually(lambda: len(one.assignment()) == 4, 'four partitions again')
        for partition in range(4):
            await send(topic, [b'x'] * 3, partition=partition)
        equal(len(await poll(one, 12)), 12)


@test('group static member')
async def _():
    topic, group = await new_topic(2), unique('group')
    async with consumer(topic, group_id=group, group_instance_id='two') as two:
        async with consumer(topic, group_id=group, group_instance_id='one') as one:
            await eventually(lambda: len(one.assignment()) == 1 and len(two.assignment()) == 1, 'one and one')


@test('group commit and fetch offsets')
async def _():
    topic, group = await new_topic(), unique('group')
    part = TopicPartition(topic, 0)
    await send(topic, [b'a', b'b', b'c'])
    async with consumer(topic, group_id=group) as client:
        await poll(client, 3)
        await client.commit({part: OffsetAndMetadata(2, 'note \u00e9')})
        equal(await client.committed(part), 2)
    async with consumer(topic, group_id=group) as client:
        equal([message.value for message in await poll(client, 1)], [b'c'])
    async with Admin() as client:
        found = await client.list_consumer_group_offsets(group)
        equal(found[part], OffsetAndMetadata(2, 'note \u00e9'))


@test('list groups')
async def _():
    topic, group = await new_topic(), unique('group')
    async with consumer(topic, group_id=group) as one:
        await eventually(lambda: one.assignment(), 'a partition')
        async with Admin() as client:
            assert (group, 'consumer') in [tuple(each[:2]) for each in await client.list_consumer_groups()]


@test('describe groups')
async def _():
    topic, group = await new_topic(), unique('group')
    async with consumer(topic, group_id=group) as one:
        await eventually(lambda: one.assignment(), 'a partition')
        async with Admin() as client:
            (answer,) = await client.describe_consumer_groups([group])
            (found,) = answer.groups
            equal((found[0], found[1], found[2]), (0, group, 'Stable'))


async def _transaction(commit):
    topic = await new_topic()
    async with AIOKafkaProducer(**BASE, transactional_id=f'tx-{topic}') as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b'inside')
        await (producer.commit_transaction() if commit else producer.abort_transaction())
    await send(topic, [b'after'])
    expected = [b'inside', b'after'] if commit else [b'after']
    equal([message.value for message in await read(topic, 0, len(expected), isolation_level='read_committed')], expected)


@test('transaction commit', needs='transactions')
async def _():
    await _transaction(True)


@test('transaction abort', needs='transactions')
async def _():
    await _transaction(False)


run_all(parallel=2)
