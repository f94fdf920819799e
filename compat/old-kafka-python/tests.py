"""Old releases of kafka-python, told which Kafka they speak to (and so asking no broker for its versions): tests.py VERSION ..."""
import logging
import sys
import threading
import time

from confluent_kafka import Consumer as ModernConsumer, Producer as ModernProducer
from confluent_kafka.admin import AdminClient, NewTopic
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import MessageSizeTooLargeError
from kafka.structs import OffsetAndMetadata

from harness import BOOTSTRAP, equal, eventually, run_all, test, unique

logging.disable(logging.CRITICAL)
MODERN = {'bootstrap.servers': BOOTSTRAP}
ADMIN = AdminClient(MODERN)


def new_topic(partitions=1, **configs):
    topic = unique('oldpython')
    configs = {key.replace('_', '.'): value for key, value in configs.items()}
    for future in ADMIN.create_topics([NewTopic(topic, partitions, 1, config=configs)]).values():
        future.result(10)
    return topic


def produce_modern(topic, values, codec='none'):
    producer = ModernProducer({**MODERN, 'compression.type': codec, 'linger.ms': 5})
    for value in values:
        producer.produce(topic, value, partition=0, headers={'h': b'x'})
    equal(producer.flush(10), 0)


def consume_modern(topic, count):
    consumer = ModernConsumer({**MODERN, 'group.id': unique('modern'), 'auto.offset.reset': 'earliest'})
    consumer.subscribe([topic])
    values = []
    eventually(lambda: values.extend(m.value() for m in consumer.consume(100, 0.1) if not m.error()) or len(values) >= count)
    consumer.close()
    return values


class Old:
    """Clients that take the broker for a Kafka of this version."""

    def __init__(self, version):
        self.version = tuple(int(part) for part in version.split('.'))
        if self.version == (2, 0):
            self.version = (2, 0, 0)  # as kafka-python names it
        if self.version in ((1, 0), (0, 11)):
            self.version += (0,)
        self.base = {'bootstrap_servers': BOOTSTRAP, 'client_id': 'compat-old-python', 'api_version': self.version}

    def send(self, topic, values, partition=0, settings=None, **fields):
        producer = KafkaProducer(**{**self.base, 'acks': 'all', **(settings or {})})
        try:
            futures = [producer.send(topic, value, partition=partition, **fields) for value in values]
            return [future.get(15) for future in futures]
        finally:
            producer.close(5)

    def consumer(self, *topics, **settings):
        client = KafkaConsumer(**{
            **self.base, 'auto_offset_reset': 'earliest', 'enable_auto_commit': False, 'fetch_max_wait_ms': 50, **settings,
        })
        if topics:
            client.subscribe(topics)
        return client

    @staticmethod
    def poll(client, count, timeout_s=20):
        messages = []
        end = time.monotonic() + timeout_s
        while len(messages) < count:
            for records in client.poll(200).values():
                messages.extend(records)
            assert time.monotonic() < end, f'only {len(messages)} of {count} messages'
        return messages

    def read(self, topic, offset, count, **settings):
        client = self.consumer(**settings)
        part = TopicPartition(topic, 0)
        client.assign([part])
        client.seek(part, offset)
        try:
            return self.poll(client, count)
        finally:
            client.close()


def values(messages):
    return [message.value for message in messages]


def register(name):
    old = Old(name)
    codecs = ['none', 'gzip', 'snappy'] + (['lz4'] if old.version >= (0, 8, 2) else [])

    def codec_test(codec):
        @test(f'{name}: produce {codec}')
        def _():
            topic = new_topic()
            sent = [f'{i}:'.encode() + b'abc' * 60 for i in range(200)]
            old.send(topic, sent, settings={'compression_type': None if codec == 'none' else codec, 'linger_ms': 20})
            equal(values(old.read(topic, 0, 200)), sent)
            equal(consume_modern(topic, 200), sent)
    for each in codecs:
        codec_test(each)

    @test(f'{name}: produce keys and tombstones')
    def _():
        topic = new_topic()
        old.send(topic, [b'v', None], key=b'k')
        equal([(m.offset, m.key, m.value) for m in old.read(topic, 0, 2)], [(0, b'k', b'v'), (1, b'k', None)])

    @test(f'{name}: produce acks=0')
    def _():
        topic = new_topic()
        old.send(topic, [b'one', b'two'], settings={'acks': 0})
        equal(values(old.read(topic, 0, 2)), [b'one', b'two'])

    @test(f'{name}: produce too large a message')
    def _():
        topic = new_topic(max_message_bytes='1000')
        try:
            old.send(topic, [b'x' * 2000])
        except MessageSizeTooLargeError:
            return
        raise AssertionError('no error')

    @test(f'{name}: beside new clients')
    def _():
        topic = new_topic()
        produce_modern(topic, ['new 0', 'new 1'])
        old.send(topic, [b'old 0', b'old 1'], settings={'compression_type': 'gzip', 'linger_ms': 20})
        produce_modern(topic, ['new 2', 'new 3'], 'snappy')
        old.send(topic, [b'old 2'])
        produce_modern(topic, ['new 4'], 'lz4')
        expected = [b'new 0', b'new 1', b'old 0', b'old 1', b'new 2', b'new 3', b'old 2', b'new 4']
        equal(values(old.read(topic, 0, 8)), expected)
        equal(consume_modern(topic, 8), expected)

    @test(f'{name}: consume from offset')
    def _():
        topic = new_topic()
        old.send(topic, [b'm%d' % i for i in range(5)], settings={'compression_type': 'gzip', 'linger_ms': 20})
        equal(values(old.read(topic, 3, 2)), [b'm3', b'm4'])

    @test(f'{name}: consume small fetches')
    def _():
        topic = new_topic()
        sent = [b'%d:' % i + b'x' * 1000 for i in range(50)]
        produce_modern(topic, sent)
        equal(values(old.read(topic, 0, 50, max_partition_fetch_bytes=3000)), sent)

    @test(f'{name}: consume out of range resets')
    def _():
        topic = new_topic()
        old.send(topic, [b'a', b'b'])
        equal(values(old.read(topic, 1000, 2)), [b'a', b'b'])

    @test(f'{name}: list offsets')
    def _():
        topic = new_topic()
        part = TopicPartition(topic, 0)
        old.send(topic, [b'a', b'b', b'c'])
        client = old.consumer()
        equal((client.beginning_offsets([part])[part], client.end_offsets([part])[part]), (0, 3))
        client.close()

    @test(f'{name}: commit and fetch offsets without a group')
    def _():
        topic = new_topic()
        part = TopicPartition(topic, 0)
        old.send(topic, [b'a', b'b', b'c'])
        group = unique('group')
        client = old.consumer(group_id=group)
        client.assign([part])
        client.commit({part: OffsetAndMetadata(2, 'm')})
        equal(client.committed(part), 2)
        client.close()
        client = old.consumer(group_id=group)
        client.assign([part])
        equal(values(old.poll(client, 1)), [b'c'])
        client.close()

    if old.version >= (0, 10):
        @test(f'{name}: consume timestamps')
        def _():
            topic = new_topic()
            stamp = int(time.time() * 1000) - 50_000
            old.send(topic, [b'x'], timestamp_ms=stamp)
            (message,) = old.read(topic, 0, 1)
            equal((message.timestamp, message.timestamp_type), (stamp, 0))
            topic = new_topic(message_timestamp_type='LogAppendTime')
            old.send(topic, [b'x'], timestamp_ms=stamp, settings={'compression_type': 'gzip'})
            (message,) = old.read(topic, 0, 1)
            assert message.timestamp > stamp
            equal(message.timestamp_type, 1)

    if old.version >= (0, 9):
        group_tests(name, old)


def group_tests(name, old):
    settings = {'heartbeat_interval_ms': 300, 'session_timeout_ms': 10_000}

    @test(f'{name}: group join')
    def _():
        topic = new_topic(2)
        group = unique('group')
        old.send(topic, [b'a', b'b'])
        old.send(topic, [b'c'], partition=1)
        client = old.consumer(topic, group_id=group, **settings)
        equal(sorted(values(old.poll(client, 3))), [b'a', b'b', b'c'])
        client.commit()
        client.close()
        old.send(topic, [b'd'])
        client = old.consumer(topic, group_id=group, **settings)
        equal(values(old.poll(client, 1)), [b'd'])
        client.close()

    @test(f'{name}: group rebalance')
    def _():
        topic = new_topic(2)
        group = unique('group')
        one = Member(lambda: old.consumer(topic, group_id=group, **settings))
        eventually(lambda: one.count == 2, 'both partitions')
        two = Member(lambda: old.consumer(topic, group_id=group, **settings))
        eventually(lambda: (one.count, two.count) == (1, 1), 'one partition each')
        two.stop()
        eventually(lambda: one.count == 2, 'both partitions back')
        one.stop()


class Member:
    """A consumer in a thread of its own, since its poll waits for the others of its group."""

    def __init__(self, connect):
        self.count = 0
        self._stopped = False
        self._thread = threading.Thread(target=self._run, args=(connect,), daemon=True)
        self._thread.start()

    def _run(self, connect):
        client = connect()
        while not self._stopped:
            client.poll(50)
            self.count = len(client.assignment())
        client.close()

    def stop(self):
        self._stopped = True
        self._thread.join()


for each in sys.argv[1:]:
    register(each)
run_all(4)
