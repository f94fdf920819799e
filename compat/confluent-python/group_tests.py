"""Consumer groups."""
import sys
import threading
import time

from confluent_kafka import OFFSET_INVALID, TopicPartition

try:
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions
except ImportError:  # an old version, which does not know the consumer protocol either
    AlterConfigOpType = None

from clients import ADMIN, MODERN, consumer, done, new_topic, poll, send, values
from harness import equal, eventually, test, unique


class Member:
    """A consumer polled by a thread of its own."""

    def __init__(self, group, topic, **settings):
        self.client = consumer(group, **settings)
        self.seen = 0
        self.assigned = set()
        self.error = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(topic,), daemon=True)
        self._thread.start()

    def _run(self, topic):
        try:
            self.client.subscribe([topic])
            while not self._closing.is_set():
                message = self.client.poll(0.05)
                if message is not None and not message.error():
                    self.seen += 1
                self.assigned = {part.partition for part in self.client.assignment()}
        except Exception as error:  # what ends a member is what its test looks at
            self.error = error
        self.client.close()

    def wait(self, count):
        def ready():
            if self.error:
                raise self.error
            return len(self.assigned) == count
        eventually(ready, f'{count} partitions')

    def close(self):
        self._closing.set()
        self._thread.join(15)


@test('group join')
def _():
    one = Member(unique('group'), new_topic(3))
    one.wait(3)
    one.close()


def _rebalance(**settings):
    topic, group = new_topic(4), unique('group')
    one = Member(group, topic, **settings)
    one.wait(4)
    two = Member(group, topic, **settings)
    one.wait(2)
    two.wait(2)
    equal(one.assigned | two.assigned, {0, 1, 2, 3})
    two.close()
    one.wait(4)
    for partition in range(4):
        send(topic, ['x'] * 5, partition=partition)
    eventually(lambda: one.seen == 20, '20 messages')
    one.close()


@test('group rebalance')
def _():
    _rebalance()


@test('group rebalance, cooperative')
def _():
    _rebalance(partition_assignment_strategy='cooperative-sticky')


@test('group commit and fetch offsets')
def _():
    topic, group = new_topic(), unique('group')
    send(topic, ['a', 'b', 'c'])
    client = consumer(group)
    client.subscribe([topic])
    poll(client, 2)
    client.commit(offsets=[TopicPartition(topic, 0, 2)], asynchronous=False)
    client.close()
    again = consumer(group)
    again.subscribe([topic])
    equal(values(poll(again, 1)), ['c'])
    again.close()


@test('group commit with metadata')
def _():
    topic = new_topic()
    client = consumer()
    part = TopicPartition(topic, 0, 17, 'note \u00e9') if MODERN else TopicPartition(topic, 0, 17)
    client.commit(offsets=[part], asynchronous=False)
    (found,) = client.committed([TopicPartition(topic, 0)], timeout=10)
    equal(found.offset, 17)
    if MODERN:
        equal(found.metadata, 'note \u00e9')
    client.close()


@test('fetch offsets of an unknown group')
def _():
    client = consumer()
    (found,) = client.committed([TopicPartition(new_topic(), 0)], timeout=10)
    equal(found.offset, OFFSET_INVALID)
    client.close()


@test('group static member')
def _():
    topic, group = new_topic(2), unique('group')
    one = Member(group, topic, group_instance_id='one', session_timeout_ms=30000)
    two = Member(group, topic, group_instance_id='two', session_timeout_ms=30000)
    one.wait(1)
    two.wait(1)
    before = one.assigned
    one.close()
    again = Member(group, topic, group_instance_id='one', session_timeout_ms=30000)
    again.wait(1)
    equal(again.assigned, before)
    equal(len(two.assigned), 1)
    again.close()
    two.close()


@test('list groups')
def _():
    group = unique('group')
    one = Member(group, new_topic())
    one.wait(1)
    (found,) = ADMIN.list_groups(group, timeout=10)
    equal((found.id, found.state, found.protocol_type), (group, 'Stable', 'consumer'))
    equal(found.members[0].client_id, 'compat-confluent')
    one.close()


if MODERN:
    from confluent_kafka import ConsumerGroupState, ConsumerGroupTopicPartitions

    @test('describe groups')
    def _():
        topic, group = new_topic(2), unique('group')
        one = Member(group, topic)
        one.wait(2)
        description = ADMIN.describe_consumer_groups([group], request_timeout=10)[group].result(15)
        equal(description.state, ConsumerGroupState.STABLE)
        equal(len(description.members[0].assignment.topic_partitions), 2)
        equal(description.members[0].host, '/127.0.0.1')
        listed = ADMIN.list_consumer_groups(request_timeout=10).result(15)
        assert any(each.group_id == group for each in listed.valid), listed.valid
        one.close()

    @test('delete groups')
    def _():
        topic, group = new_topic(), unique('group')
        one = Member(group, topic)
        one.wait(1)
        future = ADMIN.delete_consumer_groups([group], request_timeout=10)[group]
        error = future.exception(15)
        assert error and error.args[0].name() == 'NON_EMPTY_GROUP', error
        one.close()
        ADMIN.delete_consumer_groups([group], request_timeout=10)[group].result(15)

    @test('set offsets')
    def _():
        topic, group = new_topic(), unique('group')
        wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 5)])
        ADMIN.alter_consumer_group_offsets([wanted], request_timeout=10)[group].result(15)
        asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0)])
        found = ADMIN.list_consumer_group_offsets([asked], request_timeout=10)[group].result(15)
        equal(found.topic_partitions[0].offset, 5)

    @test('list group offsets, all topics')
    def _():
        topic, group = new_topic(), unique('group')
        wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 7)])
        ADMIN.alter_consumer_group_offsets([wanted], request_timeout=10)[group].result(15)
        found = ADMIN.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], request_timeout=10)[group].result(15)
        equal([(part.topic, part.offset) for part in found.topic_partitions], [(topic, 7)])

    @test('list groups by state')
    def _():
        group = unique('group')
        one = Member(group, new_topic())
        one.wait(1)
        listed = ADMIN.list_consumer_groups(request_timeout=10, states={ConsumerGroupState.STABLE}).result(15)
        assert any(each.group_id == group for each in listed.valid)
        listed = ADMIN.list_consumer_groups(request_timeout=10, states={ConsumerGroupState.EMPTY}).result(15)
        assert not any(each.group_id == group for each in listed.valid)
        one.close()


def _new(group, topic, **settings):
    """A member of the consumer protocol (KIP-848), whose timing is the broker's."""
    return Member(group, topic, group_protocol='consumer', heartbeat_interval_ms=None, session_timeout_ms=None, **settings)


def _group():
    """A group whose members are heard of often, as far as the broker allows it."""
    group = unique('group')
    entries = [ConfigEntry('consumer.heartbeat.interval.ms', '500', incremental_operation=AlterConfigOpType.SET)]
    try:
        done(ADMIN.incremental_alter_configs([ConfigResource(ConfigResource.Type.GROUP, group, incremental_configs=entries)]))
    except Exception as error:
        print(f'heartbeats as the broker likes them: {error}', file=sys.stderr)
    return group


if AlterConfigOpType:
    @test('consumer protocol join')
    def _():
        one = _new(_group(), new_topic(3))
        one.wait(3)
        one.close()

    @test('consumer protocol rebalance')
    def _():
        topic, group = new_topic(4), _group()
        one = _new(group, topic)
        one.wait(4)
        two = _new(group, topic)
        two.wait(2)
        one.wait(2)
        equal(one.assigned | two.assigned, {0, 1, 2, 3})
        for partition in range(4):
            send(topic, ['x'] * 5, partition=partition)
        eventually(lambda: one.seen + two.seen == 20, '20 messages')
        two.close()
        one.wait(4)
        one.close()

    @test('consumer protocol beside classic')
    def _():
        topic, group = new_topic(4), _group()
        old = Member(group, topic)
        old.wait(4)
        new = _new(group, topic)
        new.wait(2)
        old.wait(2)
        for partition in range(4):
            send(topic, ['x'] * 5, partition=partition)
        eventually(lambda: old.seen + new.seen == 20, '20 messages')
        new.close()
        old.wait(4)
        old.close()

    @test('consumer protocol static member')
    def _():
        topic, group = new_topic(2), _group()
        one = _new(group, topic, group_instance_id='one')
        two = _new(group, topic, group_instance_id='two')
        one.wait(1)
        two.wait(1)
        before = one.assigned
        one.close()
        again = _new(group, topic, group_instance_id='one')
        again.wait(1)
        equal(again.assigned, before)
        again.close()
        two.close()

    @test('consumer protocol pattern')
    def _():
        topic = new_topic(2)
        one = _new(_group(), '^' + topic[:-1] + '.')
        one.wait(2)
        one.close()

    class Churner:
        """Tells of each partition that it takes and gives up; what it has polled is committed."""
        owners, values, problems, lock = {}, set(), [], threading.Lock()

        def __init__(self, group, topic, settings):
            self.client = consumer(group, enable_auto_commit=True, auto_commit_interval_ms=200, **settings)
            self.closing = threading.Event()
            self.client.subscribe([topic], on_assign=self.take, on_revoke=self.give, on_lost=self.give)
            self.thread = threading.Thread(target=self.run, daemon=True)
            self.thread.start()

        def take(self, _, parts):
            with self.lock:
                for part in parts:
                    if self.owners.setdefault(part.partition, self) is not self:
                        self.problems.append(f'{part.partition} is owned twice')

        def give(self, _, parts):
            with self.lock:
                for part in parts:
                    if self.owners.get(part.partition) is self:
                        del self.owners[part.partition]

        def run(self):
            while not self.closing.is_set():
                message = self.client.poll(0.05)
                if message is not None and not message.error():
                    with self.lock:
                        self.values.add(message.value())
            self.client.close()

        def close(self):
            self.closing.set()
            self.thread.join(15)

    @test('consumer protocol churn')
    def _():
        topic, group = new_topic(4), _group()
        new = dict(group_protocol='consumer', heartbeat_interval_ms=None, session_timeout_ms=None)
        old = dict(heartbeat_interval_ms=200)
        kinds = [new, old, new, new, old]
        members, sent = [Churner(group, topic, new)], 0
        for step in range(10):
            if step % 3 == 2:
                members.pop(step % len(members)).close()
            else:
                members.append(Churner(group, topic, kinds[step % 5]))
            if step == 5:
                done(ADMIN.create_partitions([NewPartitions(topic, 6)]))
            for partition in range(4):
                send(topic, [f'{sent + i}' for i in range(10)], partition=partition)
                sent += 10
            time.sleep(0.7)
        eventually(lambda: len(Churner.values) == sent, 'every record')
        eventually(lambda: len(Churner.owners) == 6, 'an owner for every partition')
        for member in members:
            member.close()
        equal(Churner.problems, [])
        equal(len(Churner.values), sent)
