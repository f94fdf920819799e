"""Clients and topics for the tests; each test is a coroutine run by a loop of its own."""
import asyncio
import functools
import logging

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

import harness
from harness import BOOTSTRAP, unique

logging.disable(logging.CRITICAL)
BASE = {'bootstrap_servers': BOOTSTRAP, 'client_id': 'compat-aiokafka'}


def test(name, needs=None):
    """Decorator: registers a coroutine function as a test."""
    def register(run):
        @functools.wraps(run)
        def body():
            asyncio.run(asyncio.wait_for(run(), 28))
        return harness.test(name, needs=needs)(body)
    return register


class Admin:
    """An administrative client for one `async with`."""

    async def __aenter__(self):
        self._client = AIOKafkaAdminClient(**BASE)
        await self._client.start()
        return self._client

    async def __aexit__(self, *_):
        await self._client.close()


async def new_topic(partitions=1, **configs):
    topic = unique('aiokafka')
    configs = {key.replace('_', '.'): value for key, value in configs.items()}
    async with Admin() as client:
        answer = await client.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])
        assert all(error[1] == 0 for error in answer.topic_errors), answer.topic_errors
    return topic


async def send(topic, values, partition=0, settings=None, **fields):
    async with AIOKafkaProducer(**BASE, **(settings or {})) as producer:
        futures = [await producer.send(topic, value, partition=partition, **fields) for value in values]
        return [await future for future in futures]


def consumer(*topics, **settings):
    return AIOKafkaConsumer(*topics, **{
        **BASE, 'auto_offset_reset': 'earliest', 'enable_auto_commit': False, 'fetch_max_wait_ms': 50,
        'heartbeat_interval_ms': 500, 'session_timeout_ms': 10000, 'metadata_max_age_ms': 2000, **settings,
    })


async def poll(client, count):
    return [await asyncio.wait_for(client.getone(), 15) for _ in range(count)]


async def read(topic, offset, count, **settings):
    client = consumer(**settings)
    part = TopicPartition(topic, 0)
    client.assign([part])
    async with client:
        client.seek(part, offset)
        return await poll(client, count)


async def eventually(probe, what='condition', timeout_s=15):
    end = asyncio.get_running_loop().time() + timeout_s
    while not probe():
        assert asyncio.get_running_loop().time() < end, f'timed out waiting for {what}'
        await asyncio.sleep(0.05)
