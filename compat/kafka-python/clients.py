"""Clients and topics for the tests."""
import logging
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from harness import BOOTSTRAP, unique

logging.disable(logging.ERROR)
BASE = {'bootstrap_servers': BOOTSTRAP, 'client_id': 'compat-kafka-python', 'request_timeout_ms': 15000}


def admin():
    return KafkaAdminClient(**BASE)


def new_topic(client, partitions=1, **configs):
    topic = unique('kafkapython')
    configs = {key.replace('_', '.'): value for key, value in configs.items()}
    client.create_topics({topic: {'num_partitions': partitions, 'replication_factor': 1, 'configs': configs}}, wait_for_metadata=True)
    return topic


def fresh_topic(partitions=1, **configs):
    client = admin()
    try:
        return new_topic(client, partitions, **configs)
    finally:
        client.close()


def send(topic, values, partition=0, settings=None, **fields):
    producer = KafkaProducer(**BASE, **(settings or {}))
    try:
        futures = [producer.send(topic, value, partition=partition, **fields) for value in values]
        return [future.get(15) for future in futures]
    finally:
        producer.close(5)


def consumer(*topics, **settings):
    client = KafkaConsumer(**{
        **BASE, 'auto_offset_reset': 'earliest', 'enable_auto_commit': False, 'fetch_max_wait_ms': 50,
        'heartbeat_interval_ms': 500, 'session_timeout_ms': 10000, **settings,
    })
    if topics:
        # It must not join before it has the metadata of its topics: see FINDINGS.md.
        client.subscribe(topics)
        for topic in topics:
            client.partitions_for_topic(topic)
        client.topics()
    return client


def poll(client, count, timeout_s=20):
    messages = []
    end = time.monotonic() + timeout_s
    while len(messages) < count:
        for records in client.poll(200).values():
            messages.extend(records)
        assert time.monotonic() < end, f'only {len(messages)} of {count} messages'
    return messages


def read(topic, offset, count, **settings):
    client = consumer(**settings)
    part = TopicPartition(topic, 0)
    client.assign([part])
    client.seek(part, offset)
    try:
        return poll(client, count)
    finally:
        client.close()
