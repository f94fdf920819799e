import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.GroupSubscribedToTopicException;
import org.apache.kafka.common.errors.UnknownMemberIdException;

/** Consumer groups of the classic protocol, and their administration. */
final class GroupTests {
    private static final Admin ADMIN = Clients.ADMIN;

    private GroupTests() {}

    static void add(Suite suite) {
        suite.test("group join", () -> {
            try (Member one = new Member(Suite.unique("group"), Clients.newTopic(3))) {
                one.awaitPartitions(3);
            }
        });
        suite.test("group rebalance", () -> rebalance());
        suite.test("group rebalance, cooperative", () -> rebalance("partition.assignment.strategy", CooperativeStickyAssignor.class.getName()));
        suite.test("group commit and fetch offsets", GroupTests::commit);
        suite.test("group commit with metadata", GroupTests::commitMetadata);
        suite.test("group commit by a stranger is refused", GroupTests::strangerCommit);
        suite.test("group static member", GroupTests::staticMember);
        suite.test("group static member is fenced", GroupTests::staticFenced);
        suite.test("group session timeout", GroupTests::sessionTimeout);
        suite.test("group remove members", GroupTests::removeMembers);
        suite.test("list groups", GroupTests::listGroups);
        suite.test("describe groups", GroupTests::describeGroups);
        suite.test("describe an unknown group", () ->
            Suite.fails(GroupIdNotFoundException.class, () -> ADMIN.describeConsumerGroups(List.of(Suite.unique("no"))).all().get()));
        suite.test("delete groups", GroupTests::deleteGroups);
        suite.test("delete offsets", GroupTests::deleteOffsets);
        suite.test("set offsets", GroupTests::alterOffsets);
        suite.test("fetch offsets of an unknown group", () ->
            Suite.equal(ADMIN.listConsumerGroupOffsets(Suite.unique("no")).partitionsToOffsetAndMetadata().get(), Map.of()));
        suite.test("group offsets of many topics", GroupTests::manyOffsets);
    }

    /** A consumer polled by a thread of its own. */
    private static final class Member implements AutoCloseable {
        final KafkaConsumer<String, String> consumer;
        private final AtomicBoolean closing = new AtomicBoolean();
        private final Thread thread;
        volatile Set<TopicPartition> assigned = Set.of();
        volatile int seen;
        volatile Throwable error;

        Member(String group, String topic, String... pairs) {
            consumer = Clients.consumer(group, pairs);
            thread = new Thread(() -> {
                try {
                    consumer.subscribe(List.of(topic));
                    while (!closing.get()) {
                        seen += consumer.poll(Duration.ofMillis(50)).count();
                        assigned = new HashSet<>(consumer.assignment());
                    }
                } catch (Throwable e) {
                    error = e;
                }
                consumer.close();
            });
            thread.setDaemon(true);
            thread.start();
        }

        void awaitPartitions(int count) throws Exception {
            Suite.eventually(count + " partitions", () -> {
                if (error != null) throw new Exception(error);
                return assigned.size() == count;
            });
        }

        @Override
        public void close() throws InterruptedException {
            closing.set(true);
            thread.join(15_000);
        }
    }

    private static void rebalance(String... pairs) throws Exception {
        String topic = Clients.newTopic(4);
        String group = Suite.unique("group");
        try (Member one = new Member(group, topic, pairs)) {
            one.awaitPartitions(4);
            try (Member two = new Member(group, topic, pairs); Member three = new Member(group, topic, pairs)) {
                Suite.eventually("a partition for each", () -> !two.assigned.isEmpty() && !three.assigned.isEmpty()
                    && one.assigned.size() + two.assigned.size() + three.assigned.size() == 4);
                try (var producer = Clients.producer()) {
                    for (int i = 0; i < 40; i++) producer.send(new ProducerRecord<>(topic, i % 4, null, "x"));
                }
                Suite.eventually("40 records", () -> one.seen + two.seen + three.seen == 40);
            }
            one.awaitPartitions(4);
        }
    }

    private static void commit() throws Exception {
        String topic = Clients.newTopic(1);
        String group = Suite.unique("group");
        TopicPartition partition = new TopicPartition(topic, 0);
        Clients.send(topic, "a", "b", "c");
        try (var consumer = Clients.consumer(group, "max.poll.records", "2")) {
            consumer.subscribe(List.of(topic));
            Clients.poll(consumer, 2);
            consumer.commitSync();
            Suite.equal(consumer.committed(Set.of(partition)).get(partition).offset(), 2L);
        }
        try (var consumer = Clients.consumer(group)) {
            consumer.subscribe(List.of(topic));
            Suite.equal(Clients.values(Clients.poll(consumer, 1)), List.of("c"));
        }
        var offsets = ADMIN.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        Suite.equal(offsets.get(partition).offset(), 2L);
        Suite.equal(offsets.get(partition).leaderEpoch(), Optional.of(0));
    }

    private static void commitMetadata() throws Exception {
        TopicPartition partition = new TopicPartition(Clients.newTopic(1), 0);
        try (var consumer = Clients.consumer(Suite.unique("group"))) {
            consumer.assign(List.of(partition));
            var committed = new OffsetAndMetadata(17, Optional.of(0), "note \u00e9");
            consumer.commitSync(Map.of(partition, committed));
            Suite.equal(consumer.committed(Set.of(partition)).get(partition), committed);
            Suite.fails(org.apache.kafka.common.errors.OffsetMetadataTooLarge.class, () ->
                consumer.commitSync(Map.of(partition, new OffsetAndMetadata(1, "x".repeat(5000)))));
        }
    }

    private static void strangerCommit() throws Exception {
        String topic = Clients.newTopic(1);
        String group = Suite.unique("group");
        try (Member one = new Member(group, topic); var stranger = Clients.consumer(group)) {
            one.awaitPartitions(1);
            TopicPartition partition = new TopicPartition(topic, 0);
            stranger.assign(List.of(partition));
            Suite.fails(CommitFailedException.class, () -> stranger.commitSync(Map.of(partition, new OffsetAndMetadata(1))));
        }
    }

    private static void staticMember() throws Exception {
        String topic = Clients.newTopic(2);
        String group = Suite.unique("group");
        String[] first = {"group.instance.id", "one", "session.timeout.ms", "30000"};
        try (Member two = new Member(group, topic, "group.instance.id", "two", "session.timeout.ms", "30000")) {
            Set<TopicPartition> before;
            String memberId;
            try (Member one = new Member(group, topic, first)) {
                one.awaitPartitions(1);
                two.awaitPartitions(1);
                before = one.assigned;
                memberId = memberId(group, "one");
            }
            Suite.equal(two.assigned.size(), 1); // a static member that leaves does not start a rebalance
            try (Member again = new Member(group, topic, first)) {
                again.awaitPartitions(1);
                Suite.equal(again.assigned, before);
                Suite.check(!memberId(group, "one").equals(memberId), "the member id is new");
            }
        }
    }

    private static String memberId(String group, String instance) throws Exception {
        return ADMIN.describeConsumerGroups(List.of(group)).all().get().get(group).members().stream()
            .filter(member -> member.groupInstanceId().equals(Optional.of(instance))).findFirst().orElseThrow().consumerId();
    }

    private static void staticFenced() throws Exception {
        String topic = Clients.newTopic(1);
        String group = Suite.unique("group");
        try (Member one = new Member(group, topic, "group.instance.id", "same")) {
            one.awaitPartitions(1);
            try (Member two = new Member(group, topic, "group.instance.id", "same")) {
                two.awaitPartitions(1);
                Suite.eventually("the first to be fenced", () -> one.error instanceof FencedInstanceIdException);
            }
        }
    }

    private static void sessionTimeout() throws Exception {
        String topic = Clients.newTopic(2);
        String group = Suite.unique("group");
        try (var silent = Clients.consumer(group, "session.timeout.ms", "6000", "heartbeat.interval.ms", "1000", "max.poll.interval.ms", "6000")) {
            silent.subscribe(List.of(topic));
            while (silent.assignment().isEmpty()) silent.poll(Duration.ofMillis(100));
            try (Member two = new Member(group, topic)) {
                two.awaitPartitions(2); // the silent one never answers the rebalance and is dropped
            }
        }
    }

    private static void removeMembers() throws Exception {
        String topic = Clients.newTopic(1);
        String group = Suite.unique("group");
        try (Member one = new Member(group, topic, "group.instance.id", "out")) {
            one.awaitPartitions(1);
            var unknown = new RemoveMembersFromConsumerGroupOptions(Set.of(new MemberToRemove("nobody")));
            Suite.fails(UnknownMemberIdException.class, () -> ADMIN.removeMembersFromConsumerGroup(group, unknown).all().get());
            var known = new RemoveMembersFromConsumerGroupOptions(Set.of(new MemberToRemove("out")));
            ADMIN.removeMembersFromConsumerGroup(group, known).all().get();
            Suite.eventually("the member to notice", () -> one.error != null || one.assigned.isEmpty()
                || !ADMIN.describeConsumerGroups(List.of(group)).all().get().get(group).members().isEmpty());
        }
    }

    private static void listGroups() throws Exception {
        String group = Suite.unique("group");
        try (Member one = new Member(group, Clients.newTopic(1))) {
            one.awaitPartitions(1);
            Suite.check(listed(new ListGroupsOptions(), group), "not listed");
            Suite.check(listed(new ListGroupsOptions().inGroupStates(Set.of(GroupState.STABLE)), group), "not listed as stable");
            Suite.check(!listed(new ListGroupsOptions().inGroupStates(Set.of(GroupState.EMPTY)), group), "listed as empty");
            Suite.check(listed(ListGroupsOptions.forConsumerGroups(), group), "not listed as a consumer group");
        }
        Suite.check(!listed(new ListGroupsOptions().inGroupStates(Set.of(GroupState.STABLE)), group), "still stable");
    }

    private static boolean listed(ListGroupsOptions options, String group) throws Exception {
        return ADMIN.listGroups(options).all().get().stream().anyMatch(listing -> listing.groupId().equals(group)
            && listing.protocol().equals("consumer") && listing.type().toString().equalsIgnoreCase("Optional[Classic]"));
    }

    private static void describeGroups() throws Exception {
        String topic = Clients.newTopic(2);
        String group = Suite.unique("group");
        try (Member one = new Member(group, topic)) {
            one.awaitPartitions(2);
            var description = ADMIN.describeConsumerGroups(List.of(group)).all().get().get(group);
            Suite.equal(description.groupState(), GroupState.STABLE);
            Suite.equal(description.partitionAssignor(), "range");
            Suite.equal(description.members().size(), 1);
            var member = description.members().iterator().next();
            Suite.equal(member.clientId(), "compat-java");
            Suite.equal(member.host(), "/127.0.0.1");
            Suite.equal(member.assignment().topicPartitions().size(), 2);
            Suite.check(description.coordinator().id() >= 0, "no coordinator");
        }
    }

    private static void deleteGroups() throws Exception {
        String group = Suite.unique("group");
        try (Member one = new Member(group, Clients.newTopic(1))) {
            one.awaitPartitions(1);
            Suite.fails(GroupNotEmptyException.class, () -> ADMIN.deleteConsumerGroups(List.of(group)).all().get());
        }
        ADMIN.deleteConsumerGroups(List.of(group)).all().get();
        Suite.fails(GroupIdNotFoundException.class, () -> ADMIN.deleteConsumerGroups(List.of(group)).all().get());
    }

    private static void deleteOffsets() throws Exception {
        String topic = Clients.newTopic(1);
        String group = Suite.unique("group");
        TopicPartition partition = new TopicPartition(topic, 0);
        ADMIN.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(5))).all().get();
        ADMIN.deleteConsumerGroupOffsets(group, Set.of(partition)).all().get();
        Suite.equal(ADMIN.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(partition), null);
        String busy = Suite.unique("group");
        try (Member one = new Member(busy, topic)) {
            one.awaitPartitions(1);
            Suite.fails(GroupSubscribedToTopicException.class, () -> ADMIN.deleteConsumerGroupOffsets(busy, Set.of(partition)).all().get());
        }
    }

    private static void alterOffsets() throws Exception {
        String topic = Clients.newTopic(1);
        String group = Suite.unique("group");
        TopicPartition partition = new TopicPartition(topic, 0);
        ADMIN.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(5, "set"))).all().get();
        Suite.equal(ADMIN.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(partition).offset(), 5L);
        try (Member one = new Member(group, topic)) {
            one.awaitPartitions(1);
            Suite.fails(UnknownMemberIdException.class, () ->
                ADMIN.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(1))).all().get());
        }
    }

    private static void manyOffsets() throws Exception {
        String group = Suite.unique("group");
        List<TopicPartition> partitions = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
            String topic = Clients.newTopic(4);
            for (int p = 0; p < 4; p++) partitions.add(new TopicPartition(topic, p));
        }
        Map<TopicPartition, OffsetAndMetadata> offsets = new java.util.HashMap<>();
        for (TopicPartition partition : partitions) offsets.put(partition, new OffsetAndMetadata(partition.partition() + 10L));
        ADMIN.alterConsumerGroupOffsets(group, offsets).all().get();
        var all = ADMIN.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        Suite.equal(all.size(), 12);
        for (TopicPartition partition : partitions) Suite.equal(all.get(partition).offset(), partition.partition() + 10L);
    }
}
