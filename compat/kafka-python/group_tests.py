"""Consumer groups and their administration."""
import threading

from kafka import TopicPartition
from kafka.admin import MemberToRemove
from kafka.errors import GroupIdNotFoundError, NonEmptyGroupError, UnknownMemberIdError
from kafka.structs import OffsetAndMetadata

from clients import admin, consumer, fresh_topic, poll, send
from harness import equal, eventually, test, unique


class Member:
    """A consumer polled by a thread of its own."""

    def __init__(self, group, topic, **settings):
        self.client = consumer(topic, group_id=group, **settings)
        self.seen = 0
        self.assigned = set()
        self.error = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while not self._closing.is_set():
                self.seen += sum(len(records) for records in self.client.poll(50).values())
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
    one = Member(unique('group'), fresh_topic(3))
    one.wait(3)
    one.close()


@test('group rebalance')
def _():
    topic, group = fresh_topic(4), unique('group')
    one = Member(group, topic)
    one.wait(4)
    two = Member(group, topic)
    one.wait(2)
    two.wait(2)
    equal(one.assigned | two.assigned, {0, 1, 2, 3})
    two.close()
    one.wait(4)
    for partition in range(4):
        send(topic, [b'x'] * 5, partition=partition)
    eventually(lambda: one.seen == 20, '20 messages')
    one.close()


@test('group commit and fetch offsets')
def _():
    topic, group = fresh_topic(), unique('group')
    send(topic, [b'a', b'b', b'c'])
    client = consumer(topic, group_id=group)
    poll(client, 3)
    client.commit({TopicPartition(topic, 0): OffsetAndMetadata(2, '', -1)})
    client.close()
    again = consumer(topic, group_id=group)
    equal([message.value for message in poll(again, 1)], [b'c'])
    again.close()


@test('group commit with metadata')
def _():
    topic, group = fresh_topic(), unique('group')
    part = TopicPartition(topic, 0)
    client = consumer(group_id=group)
    client.assign([part])
    client.commit({part: OffsetAndMetadata(17, 'note \u00e9', -1)})
    found = client.committed(part, metadata=True)
    equal((found.offset, found.metadata), (17, 'note \u00e9'))
    client.close()


@test('group static member')
def _():
    topic, group = fresh_topic(2), unique('group')
    one = Member(group, topic, group_instance_id='one', session_timeout_ms=30000)
    two = Member(group, topic, group_instance_id='two', session_timeout_ms=30000)
    one.wait(1)
    two.wait(1)
    client = admin()
    members = client.describe_groups([group])[group]['members']
    equal(sorted(member['group_instance_id'] for member in members), ['one', 'two'])
    removed = client.remove_group_members(group, [MemberToRemove(group_instance_id='nobody')])
    equal(list(removed.values()), [UnknownMemberIdError])
    client.close()
    one.close()
    two.close()


@test('list groups')
def _():
    group = unique('group')
    one = Member(group, fresh_topic())
    one.wait(1)
    client = admin()
    (found,) = [each for each in client.list_groups() if each['group_id'] == group]
    equal((found['protocol_type'], found['group_state'], found['group_type']), ('consumer', 'Stable', 'classic'))
    assert group not in [each['group_id'] for each in client.list_groups(states_filter=['Empty'])]
    client.close()
    one.close()


@test('describe groups')
def _():
    topic, group = fresh_topic(2), unique('group')
    one = Member(group, topic)
    one.wait(2)
    client = admin()
    found = client.describe_groups([group])[group]
    equal((found['group_state'], found['protocol_type'], len(found['members'])), ('Stable', 'consumer', 1))
    equal(found['members'][0]['client_host'], '/127.0.0.1')
    client.close()
    one.close()


@test('delete groups')
def _():
    group = unique('group')
    one = Member(group, fresh_topic())
    one.wait(1)
    client = admin()

    def delete():
        answer = client.delete_groups([group])
        return dict(answer)[group] if not isinstance(answer, dict) else answer[group]

    def is_error(answer, kind):
        return isinstance(answer, kind) or answer is kind or (isinstance(answer, str) and kind.__name__ in answer)
    first = delete()
    assert is_error(first, NonEmptyGroupError), first
    one.close()
    delete()
    last = delete()
    assert is_error(last, GroupIdNotFoundError), last
    client.close()


@test('set offsets')
def _():
    topic, group = fresh_topic(), unique('group')
    part = TopicPartition(topic, 0)
    client = admin()
    client.alter_group_offsets(group, {part: OffsetAndMetadata(5, 'set', -1)})
    equal(client.list_group_offsets({group: None})[group][part].offset, 5)
    client.close()


@test('delete offsets')
def _():
    topic, group = fresh_topic(), unique('group')
    part = TopicPartition(topic, 0)
    client = admin()
    client.alter_group_offsets(group, {part: OffsetAndMetadata(5, '', -1)})
    client.delete_group_offsets(group, [part])
    equal(client.list_group_offsets({group: None})[group], {})
    client.close()


@test('fetch offsets of an unknown group')
def _():
    topic, group = fresh_topic(), unique('group')
    part = TopicPartition(topic, 0)
    client = admin()
    equal(client.list_group_offsets({group: [part]})[group][part].offset, -1)
    client.close()
