import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/** Groups of the consumer protocol (KIP-848), also beside members of the classic one. */
final class ConsumerProtocolTests {
    private static final Admin ADMIN = Clients.ADMIN;
    private static final String[] NEW = {"group.protocol", "consumer"};

    private ConsumerProtocolTests() {}

    static void add(Suite suite) {
        suite.test("consumer protocol join", () -> {
            try (Member one = new Member(group(), Clients.newTopic(3), NEW)) {
                one.awaitPartitions(3);
            }
        });
        suite.test("consumer protocol rebalance", () -> rebalance("uniform"));
        suite.test("consumer protocol range assignor", () -> rebalance("range"));
        suite.test("consumer protocol commit and fetch offsets", ConsumerProtocolTests::commit);
        suite.test("consumer protocol static member", ConsumerProtocolTests::staticMember);
        suite.test("consumer protocol pattern", ConsumerProtocolTests::pattern);
        suite.test("consumer protocol beside classic", ConsumerProtocolTests::migration);
        suite.test("consumer protocol partitions added", ConsumerProtocolTests::partitionsAdded);
        suite.test("consumer protocol describe and list", ConsumerProtocolTests::describe);
        suite.test("tool consumer-groups describe, consumer protocol", ConsumerProtocolTests::tool);
    }

    /** A new group whose members are heard of often, as far as the broker allows it. */
    private static String group() {
        String group = Suite.unique("group");
        ConfigResource resource = new ConfigResource(ConfigResource.Type.GROUP, group);
        try {
            ADMIN.incrementalAlterConfigs(Map.of(resource, List.of(
                new AlterConfigOp(new ConfigEntry("consumer.heartbeat.interval.ms", "500"), AlterConfigOp.OpType.SET),
                new AlterConfigOp(new ConfigEntry("consumer.assignment.interval.ms", "100"), AlterConfigOp.OpType.SET)))).all().get();
        } catch (Exception e) {
            System.err.println("heartbeats as the broker likes them: " + e.getMessage());
        }
        return group;
    }

    private static KafkaConsumer<String, String> consumer(String group, String... pairs) {
        var properties = Clients.config(pairs);
        properties.put("group.id", group);
        properties.put("auto.offset.reset", "earliest");
        properties.put("fetch.max.wait.ms", "100");
        properties.put("enable.auto.commit", "false");
        var text = new org.apache.kafka.common.serialization.StringDeserializer();
        return new KafkaConsumer<>(properties, text, text);
    }

    /** A consumer polled by a thread of its own, which commits what it has read. */
    private static final class Member implements AutoCloseable {
        private final KafkaConsumer<String, String> consumer;
        private final AtomicBoolean closing = new AtomicBoolean();
        private final Thread thread;
        private final Set<String> values;
        volatile Set<TopicPartition> assigned = Set.of();
        volatile Throwable error;

        Member(String group, String topic, String... pairs) {
            this(group, topic, ConcurrentHashMap.newKeySet(), pairs);
        }

        Member(String group, String topic, Set<String> values, String... pairs) {
            this.values = values;
            consumer = consumer(group, pairs);
            thread = new Thread(() -> {
                try {
                    if (topic.endsWith("*")) consumer.subscribe(new SubscriptionPattern(topic));
                    else consumer.subscribe(List.of(topic));
                    while (!closing.get()) {
                        consumer.poll(Duration.ofMillis(50)).forEach(each -> values.add(each.value()));
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

    private static void rebalance(String assignor) throws Exception {
        String topic = Clients.newTopic(4);
        String group = group();
        String[] pairs = {"group.protocol", "consumer", "group.remote.assignor", assignor};
        Set<String> values = ConcurrentHashMap.newKeySet();
        try (Member one = new Member(group, topic, values, pairs)) {
            one.awaitPartitions(4);
            try (Member two = new Member(group, topic, values, pairs)) {
                two.awaitPartitions(2);
                one.awaitPartitions(2);
                Set<TopicPartition> all = new HashSet<>(one.assigned);
                all.addAll(two.assigned);
                Suite.equal(all.size(), 4);
                try (var producer = Clients.producer()) {
                    for (int i = 0; i < 40; i++) producer.send(new ProducerRecord<>(topic, i % 4, null, "v" + i));
                }
                Suite.eventually("40 records", () -> values.size() == 40);
            }
            one.awaitPartitions(4);
        }
    }

    private static void commit() throws Exception {
        String topic = Clients.newTopic(1);
        String group = group();
        Clients.send(topic, "a", "b", "c");
        try (var consumer = consumer(group, "group.protocol", "consumer", "max.poll.records", "2")) {
            consumer.subscribe(List.of(topic));
            Clients.poll(consumer, 2);
            consumer.commitSync();
        }
        try (var consumer = consumer(group, NEW)) {
            consumer.subscribe(List.of(topic));
            Suite.equal(Clients.values(Clients.poll(consumer, 1)), List.of("c"));
        }
    }

    private static void staticMember() throws Exception {
        String topic = Clients.newTopic(2);
        String group = group();
        String[] first = {"group.protocol", "consumer", "group.instance.id", "one"};
        try (Member two = new Member(group, topic, "group.protocol", "consumer", "group.instance.id", "two")) {
            Set<TopicPartition> before;
            try (Member one = new Member(group, topic, first)) {
                one.awaitPartitions(1);
                two.awaitPartitions(1);
                before = one.assigned;
            }
            try (Member again = new Member(group, topic, first)) {
                again.awaitPartitions(1);
                Suite.equal(again.assigned, before);
                Suite.equal(two.assigned.size(), 1);
            }
        }
    }

    /** The broker looks for topics that match; one that comes later is found too. */
    private static void pattern() throws Exception {
        String topic = Clients.newTopic(2);
        try (Member one = new Member(group(), topic + ".*", NEW)) {
            one.awaitPartitions(2);
        }
    }

    /** One by one, in both directions, without a record lost. */
    private static void migration() throws Exception {
        String topic = Clients.newTopic(4);
        String group = group();
        Set<String> values = ConcurrentHashMap.newKeySet();
        String[] classic = {"group.protocol", "classic", "heartbeat.interval.ms", "500", "session.timeout.ms", "10000"};
        try (Member old = new Member(group, topic, values, classic)) {
            old.awaitPartitions(4);
            try (Member fresh = new Member(group, topic, values, NEW)) {
                fresh.awaitPartitions(2);
                old.awaitPartitions(2);
                Suite.equal(ADMIN.describeConsumerGroups(List.of(group)).all().get().get(group).type(), GroupType.CONSUMER);
                try (var producer = Clients.producer()) {
                    for (int i = 0; i < 20; i++) producer.send(new ProducerRecord<>(topic, i % 4, null, "v" + i));
                }
                Suite.eventually("20 records", () -> values.size() == 20);
            }
            old.awaitPartitions(4);
            Suite.equal(ADMIN.describeConsumerGroups(List.of(group)).all().get().get(group).type(), GroupType.CLASSIC);
            try (var producer = Clients.producer()) {
                for (int i = 20; i < 40; i++) producer.send(new ProducerRecord<>(topic, i % 4, null, "v" + i));
            }
            Suite.eventually("40 records", () -> values.size() == 40);
        }
    }

    private static void partitionsAdded() throws Exception {
        String topic = Clients.newTopic(1);
        String group = group();
        try (Member one = new Member(group, topic, NEW)) {
            one.awaitPartitions(1);
            ADMIN.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all().get();
            one.awaitPartitions(3);
        }
    }

    private static void describe() throws Exception {
        String topic = Clients.newTopic(2);
        String group = group();
        try (Member one = new Member(group, topic, NEW)) {
            one.awaitPartitions(2);
            Suite.eventually("a stable group", () ->
                ADMIN.describeConsumerGroups(List.of(group)).all().get().get(group).groupState() == GroupState.STABLE);
            var described = ADMIN.describeConsumerGroups(List.of(group)).all().get().get(group);
            Suite.equal(described.type(), GroupType.CONSUMER);
            Suite.equal(described.partitionAssignor(), "uniform");
            var member = described.members().iterator().next();
            Suite.equal(member.assignment().topicPartitions().size(), 2);
            Suite.equal(member.targetAssignment().get().topicPartitions(), member.assignment().topicPartitions());
            Suite.equal(member.memberEpoch().get(), described.groupEpoch().get());
            var listed = ADMIN.listGroups(new ListGroupsOptions().withTypes(Set.of(GroupType.CONSUMER))).all().get();
            Suite.check(listed.stream().anyMatch(each -> each.groupId().equals(group)), "it is listed");
        }
        Suite.eventually("an empty group", () ->
            ADMIN.describeConsumerGroups(List.of(group)).all().get().get(group).groupState() == GroupState.EMPTY);
        ADMIN.deleteConsumerGroups(List.of(group)).all().get();
    }

    private static void tool() throws Exception {
        String topic = Clients.newTopic(1);
        String group = group();
        String[] bootstrap = {"--bootstrap-server", Suite.BOOTSTRAP};
        try (Member one = new Member(group, topic, NEW)) {
            one.awaitPartitions(1);
            Suite.eventually("a stable group", () ->
                ADMIN.describeConsumerGroups(List.of(group)).all().get().get(group).groupState() == GroupState.STABLE);
            String tool = "consumer.group.ConsumerGroupCommand";
            Suite.contains(Suite.ok("", tool, with(bootstrap, "--describe", "--group", group)), topic, "compat-java");
            Suite.contains(Suite.ok("", tool, with(bootstrap, "--describe", "--group", group, "--state")), "uniform", "Stable");
            String members = Suite.ok("", tool, with(bootstrap, "--describe", "--group", group, "--members", "--verbose"));
            Suite.contains(members, "TARGET-ASSIGNMENT", topic + ":0");
            Suite.contains(Suite.ok("", tool, with(bootstrap, "--list", "--type", "consumer")), group);
        }
    }

    private static String[] with(String[] first, String... more) {
        String[] all = java.util.Arrays.copyOf(first, first.length + more.length);
        System.arraycopy(more, 0, all, first.length, more.length);
        return all;
    }
}
