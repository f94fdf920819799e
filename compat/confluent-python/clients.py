"""Clients and topics for the tests; what the installed version cannot do is left out by `modern`."""
import time

import confluent_kafka
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from harness import BOOTSTRAP, unique

MODERN = confluent_kafka.version()[0] >= '2'
BASE = {'bootstrap.servers': BOOTSTRAP, 'client.id': 'compat-confluent', 'log_level': 2}
ADMIN = AdminClient(BASE)


def done(futures):
    """The results of the futures that an administrative call returns, by key."""
    return {key: future.result(20) for key, future in futures.items()}


def new_topic(partitions=1, **config):
    topic = unique('confluent')
    config = {key.replace('_', '.'): value for key, value in config.items()}
    done(ADMIN.create_topics([NewTopic(topic, partitions, 1, config=config)]))
    return topic


def send(topic, values, partition=0, settings=None, **fields):
    producer = Producer({**BASE, 'linger.ms': 5, **(settings or {})})
    reports = []
    for value in values:
        producer.produce(topic, value=value, partition=partition, on_delivery=lambda e, m: reports.append((e, m)), **fields)
        producer.poll(0)
    assert producer.flush(20) == 0, 'not all delivered'
    errors = [error for error, _ in reports if error]
    if errors:
        raise confluent_kafka.KafkaException(errors[0])
    return [message for _, message in reports]


def consumer(group=None, **settings):
    settings = {key.replace('_', '.'): value for key, value in settings.items()}
    all_settings = {
        **BASE, 'group.id': group or unique('group'), 'auto.offset.reset': 'earliest', 'enable.auto.commit': False,
        'fetch.wait.max.ms': 50, 'heartbeat.interval.ms': 500, 'session.timeout.ms': 10000, **settings,
    }
    return Consumer({key: value for key, value in all_settings.items() if value is not None})


def poll(client, count, timeout_s=20):
    messages = []
    end = time.monotonic() + timeout_s
    while len(messages) < count:
        message = client.poll(0.2)
        if message is not None:
            if message.error():
                raise confluent_kafka.KafkaException(message.error())
            messages.append(message)
        assert time.monotonic() < end, f'only {len(messages)} of {count} messages'
    return messages


def read(topic, offset, count, **settings):
    client = consumer(**settings)
    client.assign([TopicPartition(topic, 0, offset)])
    try:
        return poll(client, count)
    finally:
        client.close()


def values(messages):
    return [message.value().decode() if message.value() is not None else None for message in messages]
