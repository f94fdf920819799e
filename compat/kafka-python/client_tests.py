"""Producer and consumer without a group."""
import time

from kafka import KafkaProducer, TopicPartition
from kafka.errors import MessageSizeTooLargeError

from clients import BASE, consumer, fresh_topic, poll, read, send
from harness import equal, test, unique


def _codec(codec):
    @test(f'produce {codec}')
    def run():
        topic = fresh_topic()
        sent = [f'{i}:'.encode() + b'abc' * 60 for i in range(200)]
        send(topic, sent, settings={'compression_type': None if codec == 'none' else codec, 'linger_ms': 20})
        equal([message.value for message in read(topic, 0, 200)], sent)


for each in ('none', 'gzip', 'snappy', 'lz4', 'zstd'):
    _codec(each)


def _acks(acks):
    @test(f'produce acks={acks}')
    def run():
        topic = fresh_topic()
        send(topic, [b'one', b'two'], settings={'acks': acks, 'enable_idempotence': False})
        equal([message.value for message in read(topic, 0, 2)], [b'one', b'two'])


for each in (0, 1, 'all'):
    _acks(each)


@test('produce idempotent')
def _():
    topic = fresh_topic()
    sent = [b'm%d' % i for i in range(300)]
    answers = send(topic, sent, settings={'enable_idempotence': True, 'batch_size': 200})
    equal([answer.offset for answer in answers], list(range(300)))


@test('produce keys, headers and tombstones')
def _():
    topic = fresh_topic()
    headers = [('one', b'x'), ('two', b''), ('one', b'y')]
    send(topic, [None], key=b'k', headers=headers)
    (message,) = read(topic, 0, 1)
    equal((message.key, message.value, list(message.headers)), (b'k', None, headers))


@test('produce timestamps')
def _():
    topic = fresh_topic()
    stamp = int(time.time() * 1000) - 50_000
    send(topic, [b'x'], timestamp_ms=stamp)
    (message,) = read(topic, 0, 1)
    equal((message.timestamp, message.timestamp_type), (stamp, 0))


@test('produce too large a message')
def _():
    topic = fresh_topic(max_message_bytes='1000')
    try:
        send(topic, [b'x' * 2000])
    except MessageSizeTooLargeError:
        return
    raise AssertionError('no error')


@test('auto-create topic on produce')
def _():
    topic = unique('kafkapython-auto')
    producer = KafkaProducer(**BASE)
    equal(producer.send(topic, b'x').get(15).offset, 0)
    producer.close(5)


@test('consume from earliest')
def _():
    topic = fresh_topic()
    send(topic, [b'a', b'b'])
    client = consumer()
    client.assign([TopicPartition(topic, 0)])
    client.seek_to_beginning()
    equal([message.value for message in poll(client, 2)], [b'a', b'b'])
    client.close()


@test('consume from latest')
def _():
    topic = fresh_topic()
    part = TopicPartition(topic, 0)
    send(topic, [b'a', b'b'])
    client = consumer()
    client.assign([part])
    client.seek_to_end(part)
    equal(client.position(part), 2)
    send(topic, [b'late'])
    equal([message.value for message in poll(client, 1)], [b'late'])
    client.close()


@test('consume from offset')
def _():
    topic = fresh_topic()
    send(topic, [b'm%d' % i for i in range(5)])
    equal([message.value for message in read(topic, 3, 2)], [b'm3', b'm4'])


@test('consume from timestamp')
def _():
    topic = fresh_topic()
    part = TopicPartition(topic, 0)
    base = int(time.time() * 1000) - 60_000
    for i in range(4):
        send(topic, [b'x'], timestamp_ms=base + i * 1000)
    client = consumer()
    found = client.offsets_for_times({part: base + 1500})[part]
    equal((found.offset, found.timestamp), (2, base + 2000))
    equal(client.offsets_for_times({part: base + 90_000})[part], None)
    client.close()


@test('consume out of range resets')
def _():
    topic = fresh_topic()
    send(topic, [b'a', b'b'])
    equal([message.value for message in read(topic, 1000, 2)], [b'a', b'b'])


@test('consume read_committed')
def _():
    topic = fresh_topic()
    send(topic, [b'a', b'b'])
    equal([message.value for message in read(topic, 0, 2, isolation_level='read_committed')], [b'a', b'b'])


@test('consume many partitions')
def _():
    topic = fresh_topic(6)
    for partition in range(6):
        send(topic, [b'%d:%d' % (partition, i) for i in range(10)], partition=partition)
    client = consumer()
    client.assign([TopicPartition(topic, partition) for partition in range(6)])
    client.seek_to_beginning()
    equal(len({message.value for message in poll(client, 60)}), 60)
    client.close()


@test('consume small fetches')
def _():
    topic = fresh_topic()
    sent = [b'%d:' % i + b'x' * 1000 for i in range(50)]
    send(topic, sent, settings={'batch_size': 3000})
    got = read(topic, 0, 50, max_partition_fetch_bytes=1500, fetch_max_bytes=2000)
    equal([message.value for message in got], sent)


@test('list offsets')
def _():
    topic = fresh_topic()
    part = TopicPartition(topic, 0)
    send(topic, [b'a', b'b', b'c'])
    client = consumer()
    equal((client.beginning_offsets([part])[part], client.end_offsets([part])[part]), (0, 3))
    client.close()


def _transaction(commit):
    topic = fresh_topic()
    producer = KafkaProducer(**BASE, transactional_id=f'tx-{topic}')
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(topic, b'inside').get(10)
    if commit:
        producer.commit_transaction()
    else:
        producer.abort_transaction()
    producer.close(5)
    send(topic, [b'after'])
    expected = [b'inside', b'after'] if commit else [b'after']
    equal([message.value for message in read(topic, 0, len(expected), isolation_level='read_committed')], expected)


@test('transaction commit', needs='transactions')
def _():
    _transaction(True)


@test('transaction abort', needs='transactions')
def _():
    _transaction(False)


