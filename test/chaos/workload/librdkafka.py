"""librdkafka by its Python binding: a producer and members of a group. Prints what happens as lines of JSON."""
import json
import random
import sys
import threading
import time

import confluent_kafka
from confluent_kafka import Consumer, KafkaException, Producer

bootstrap, topic, partitions, group, members, pause_ms = sys.argv[1:7]
partitions, members, pause_ms = int(partitions), int(members), int(pause_ms)
stopping = threading.Event()
printing = threading.Lock()


def tell(**line):
    with printing:
        sys.stdout.write(json.dumps(line) + '\n')
        sys.stdout.flush()


def now():
    return time.monotonic() * 1000


def write():
    producer = Producer({
        'bootstrap.servers': bootstrap,
        'enable.idempotence': True,
        'linger.ms': 2,
        'socket.connection.setup.timeout.ms': 1000,
        'reconnect.backoff.max.ms': 500,
        'retry.backoff.ms': 50,
        'socket.timeout.ms': 5000,
        'topic.metadata.refresh.interval.ms': 2000,
        'message.timeout.ms': 60000,
    })

    def delivered(error, message):
        value = message.value().decode()
        if error is None:
            tell(what='ok', value=value, offset=message.offset())
        else:
            tell(what='info', value=value, error=error.str())

    sequence = 0
    while not stopping.is_set():
        value = f'rd.{sequence}.0'
        sequence += 1
        partition = random.randrange(partitions)
        tell(what='produce', value=value, partition=partition, time=now())
        try:
            producer.produce(topic, value.encode(), partition=partition, on_delivery=delivered)
        except (BufferError, KafkaException) as error:
            tell(what='fail', value=value, error=str(error))
        producer.poll(0)
        time.sleep(random.random() * 2 * pause_ms / 1000)
        producer.poll(0)
    producer.flush(60)


def consume(name):
    consumer = Consumer({
        'bootstrap.servers': bootstrap,
        'group.id': group,
        'enable.auto.commit': False,
        'auto.offset.reset': 'earliest',
        'session.timeout.ms': 6000,
        'heartbeat.interval.ms': 500,
        'fetch.wait.max.ms': 200,
        'socket.connection.setup.timeout.ms': 1000,
        'reconnect.backoff.max.ms': 500,
        'retry.backoff.ms': 50,
        'topic.metadata.refresh.interval.ms': 2000,
    })

    def assigned(_, given):
        tell(what='assigned', member=name, partitions=[one.partition for one in given])

    def revoked(_, taken):
        tell(what='assigned', member=name, partitions=[])

    consumer.subscribe([topic], on_assign=assigned, on_revoke=revoked, on_lost=revoked)
    while not stopping.is_set():
        batch = consumer.consume(50, 0.2)
        records, ends = {}, {}
        for message in batch:
            if message.error():
                tell(what='error', member=name, error=str(message.error()))
                continue
            records.setdefault(message.partition(), []).append([message.offset(), message.value().decode()])
            ends[message.partition()] = message.offset() + 1
        if not records:
            continue
        tell(what='poll', member=name, records=records)
        tell(what='commit', member=name, offsets=ends)
        try:
            offsets = [confluent_kafka.TopicPartition(topic, partition, offset) for partition, offset in ends.items()]
            answers = consumer.commit(offsets=offsets, asynchronous=False)
            bad = [str(one.error) for one in answers if one.error]
            tell(what='commit-info' if bad else 'commit-ok', member=name, error=', '.join(bad))
        except KafkaException as error:
            tell(what='commit-info', member=name, error=str(error))
    consumer.close()


threads = [threading.Thread(target=write)]
threads += [threading.Thread(target=consume, args=(f'rd-member-{i}',)) for i in range(members)]
for thread in threads:
    thread.start()
sys.stdin.readline()
stopping.set()
for thread in threads:
    thread.join()
tell(what='end')
