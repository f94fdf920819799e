"""Producer and consumer without a group."""
import time

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, KafkaError, KafkaException, Producer, TopicPartition

from clients import BASE, consumer, new_topic, poll, read, send, values
from harness import equal, test, unique


def _codec(codec):
    @test(f'produce {codec}')
    def run():
        topic = new_topic()
        sent = [f'{i}:' + 'abc' * 60 for i in range(300)]
        send(topic, sent, settings={'compression.type': codec})
        equal(values(read(topic, 0, 300)), sent)
        equal(values(read(topic, 295, 5)), sent[295:])


for each in ('none', 'gzip', 'snappy', 'lz4', 'zstd'):
    _codec(each)


def _acks(acks):
    @test(f'produce acks={acks}')
    def run():
        topic = new_topic()
        send(topic, ['one', 'two'], settings={'acks': acks})
        equal(values(read(topic, 0, 2)), ['one', 'two'])


for each in ('0', '1', 'all'):
    _acks(each)


@test('produce idempotent')
def _():
    topic = new_topic()
    sent = [f'm{i}' for i in range(1000)]
    messages = send(topic, sent, settings={'enable.idempotence': True, 'batch.num.messages': 7})
    equal([message.offset() for message in messages], list(range(1000)))


@test('produce keys, headers and tombstones')
def _():
    topic = new_topic()
    headers = [('one', b'x'), ('two', b''), ('none', None), ('one', b'y')]
    send(topic, [None], key='k', headers=headers)
    (message,) = read(topic, 0, 1)
    equal((message.key(), message.value(), message.headers()), (b'k', None, headers))


@test('produce timestamps')
def _():
    topic = new_topic()
    stamp = int(time.time() * 1000) - 50_000
    send(topic, ['x'], timestamp=stamp)
    equal(read(topic, 0, 1)[0].timestamp(), (1, stamp))


@test('produce with log append time')
def _():
    topic = new_topic(message_timestamp_type='LogAppendTime')
    send(topic, ['x'], timestamp=1000)
    kind, stamp = read(topic, 0, 1)[0].timestamp()
    equal(kind, 2)
    assert abs(stamp - time.time() * 1000) < 20_000, stamp


@test('produce too large a message')
def _():
    topic = new_topic(max_message_bytes='1000')
    try:
        send(topic, ['x' * 2000])
    except KafkaException as error:
        equal(error.args[0].code(), KafkaError.MSG_SIZE_TOO_LARGE)
    else:
        raise AssertionError('no error')


@test('auto-create topic on produce')
def _():
    topic = unique('confluent-auto')
    send(topic, ['x'])
    equal(values(read(topic, 0, 1)), ['x'])


@test('consume from earliest')
def _():
    topic = new_topic()
    send(topic, ['a', 'b'])
    equal(values(read(topic, OFFSET_BEGINNING, 2)), ['a', 'b'])


@test('consume from latest')
def _():
    topic = new_topic()
    send(topic, ['a', 'b'])
    client = consumer(enable_partition_eof=True)
    client.assign([TopicPartition(topic, 0, OFFSET_END)])
    end = time.monotonic() + 15
    while True:
        message = client.poll(0.2)
        if message is not None and message.error() and message.error().code() == KafkaError._PARTITION_EOF:
            break
        assert time.monotonic() < end, 'no end of partition'
    send(topic, ['late'])
    while True:
        message = client.poll(0.2)
        if message is not None and not message.error():
            break
        assert time.monotonic() < end, 'no message'
    equal(message.value(), b'late')
    client.close()


@test('consume from offset')
def _():
    topic = new_topic()
    send(topic, [f'm{i}' for i in range(5)])
    equal(values(read(topic, 3, 2)), ['m3', 'm4'])


@test('consume from timestamp')
def _():
    topic = new_topic()
    base = int(time.time() * 1000) - 60_000
    for i in range(4):
        send(topic, [f'm{i}'], timestamp=base + i * 1000)
    client = consumer()
    (found,) = client.offsets_for_times([TopicPartition(topic, 0, base + 1500)], timeout=10)
    equal(found.offset, 2)
    (past,) = client.offsets_for_times([TopicPartition(topic, 0, base + 90_000)], timeout=10)
    equal(past.offset, OFFSET_END)
    client.close()


@test('consume out of range resets')
def _():
    topic = new_topic()
    send(topic, ['a', 'b'])
    equal(values(read(topic, 1000, 2)), ['a', 'b'])


@test('consume read_committed')
def _():
    topic = new_topic()
    send(topic, ['a', 'b'])
    equal(values(read(topic, 0, 2, isolation_level='read_committed')), ['a', 'b'])


@test('consume many partitions')
def _():
    topic = new_topic(10)
    for partition in range(10):
        send(topic, [f'{partition}:{i}' for i in range(10)], partition=partition)
    client = consumer()
    client.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(10)])
    equal(len(set(values(poll(client, 100)))), 100)
    client.close()


@test('consume small fetches')
def _():
    topic = new_topic()
    sent = [f'{i}:' + 'x' * 1000 for i in range(100)]
    send(topic, sent, settings={'batch.num.messages': 4})
    got = read(topic, 0, 100, **{'max_partition_fetch_bytes': 1500, 'fetch_max_bytes': 2000, 'message_max_bytes': 2000})
    equal(values(got), sent)


@test('list offsets')
def _():
    topic = new_topic()
    send(topic, ['a', 'b', 'c'])
    client = consumer()
    equal(client.get_watermark_offsets(TopicPartition(topic, 0), timeout=10), (0, 3))
    client.close()


def _transaction(commit):
    topic = new_topic()
    producer = Producer({**BASE, 'transactional.id': f'tx-{topic}'})
    producer.init_transactions(15)
    producer.begin_transaction()
    producer.produce(topic, 'inside')
    producer.flush(10)
    if commit:
        producer.commit_transaction(15)
    else:
        producer.abort_transaction(15)
    send(topic, ['after'])
    expected = ['inside', 'after'] if commit else ['after']
    equal(values(read(topic, 0, len(expected))), expected)


@test('transaction commit', needs='transactions')
def _():
    _transaction(True)


@test('transaction abort', needs='transactions')
def _():
    _transaction(False)


@test('transaction with offsets', needs='transactions')
def _():
    topic = new_topic()
    send(topic, ['in'])
    client = consumer()
    client.subscribe([topic])
    poll(client, 1)
    producer = Producer({**BASE, 'transactional.id': f'tx-{topic}'})
    producer.init_transactions(15)
    producer.begin_transaction()
    producer.send_offsets_to_transaction([TopicPartition(topic, 0, 1)], client.consumer_group_metadata(), 15)
    producer.commit_transaction(15)
    equal(client.committed([TopicPartition(topic, 0)], timeout=10)[0].offset, 1)
    client.close()
