import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** KafkaConsumer without a group: positions, lookups, isolation. */
final class ConsumerTests {
    private ConsumerTests() {}

    static void add(Suite suite) {
        suite.test("consume from earliest", () -> {
            String topic = filled(3);
            Suite.equal(Clients.values(Clients.read(topic, 0, 3)), List.of("m0", "m1", "m2"));
        });
        suite.test("consume from latest", ConsumerTests::latest);
        suite.test("consume from offset", () -> Suite.equal(Clients.values(Clients.read(filled(5), 3, 2)), List.of("m3", "m4")));
        suite.test("consume from timestamp", ConsumerTests::byTimestamp);
        suite.test("consume out of range resets", ConsumerTests::outOfRange);
        suite.test("consume many partitions", ConsumerTests::manyPartitions);
        suite.test("consume by topic pattern", ConsumerTests::byPattern);
        suite.test("consume read_committed", () ->
            Suite.equal(Clients.values(Clients.read(filled(3), 0, 3, "isolation.level", "read_committed")), List.of("m0", "m1", "m2")));
        suite.test("consume small fetches", ConsumerTests::smallFetches);
        suite.test("consume a long poll wakes on data", ConsumerTests::longPoll);
        suite.test("consume across topic deletion", ConsumerTests::recreated);
    }

    private static String filled(int count) throws Exception {
        String topic = Clients.newTopic(1);
        String[] values = new String[count];
        for (int i = 0; i < count; i++) values[i] = "m" + i;
        Clients.send(topic, values);
        return topic;
    }

    private static void latest() throws Exception {
        TopicPartition partition = new TopicPartition(filled(3), 0);
        try (var consumer = Clients.consumer(null)) {
            consumer.assign(List.of(partition));
            consumer.seekToEnd(List.of(partition));
            Suite.equal(consumer.position(partition), 3L);
            Clients.send(partition.topic(), "late");
            Suite.equal(Clients.values(Clients.poll(consumer, 1)), List.of("late"));
            Suite.equal(consumer.beginningOffsets(List.of(partition)).get(partition), 0L);
            Suite.equal(consumer.endOffsets(List.of(partition)).get(partition), 4L);
            Suite.equal(consumer.currentLag(partition).orElse(-1), 0L);
        }
    }

    private static void byTimestamp() throws Exception {
        TopicPartition partition = new TopicPartition(Clients.newTopic(1), 0);
        long base = System.currentTimeMillis() - 100_000;
        try (var producer = Clients.producer("linger.ms", "50"); var consumer = Clients.consumer(null)) {
            for (int i = 0; i < 100; i++) producer.send(new ProducerRecord<>(partition.topic(), 0, base + i * 10L, null, "m" + i));
            producer.flush();
            var found = consumer.offsetsForTimes(Map.of(partition, base + 555)).get(partition);
            Suite.equal(found.offset(), 56L);
            Suite.equal(found.timestamp(), base + 560);
            Suite.equal(consumer.offsetsForTimes(Map.of(partition, base + 99999)).get(partition), null);
        }
    }

    private static void outOfRange() throws Exception {
        TopicPartition partition = new TopicPartition(filled(2), 0);
        Suite.equal(Clients.values(Clients.read(partition.topic(), 1000, 2)), List.of("m0", "m1"));
        try (var consumer = Clients.consumer(null, "auto.offset.reset", "none")) {
            consumer.assign(List.of(partition));
            consumer.seek(partition, 1000);
            Suite.fails(OffsetOutOfRangeException.class, () -> Clients.poll(consumer, 1));
        }
    }

    private static void manyPartitions() throws Exception {
        String topic = Clients.newTopic(20);
        try (var producer = Clients.producer(); var consumer = Clients.consumer(null)) {
            for (int i = 0; i < 200; i++) producer.send(new ProducerRecord<>(topic, i % 20, null, "m" + i));
            producer.flush();
            Suite.equal(consumer.partitionsFor(topic).size(), 20);
            consumer.assign(consumer.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition())).toList());
            consumer.seekToBeginning(consumer.assignment());
            Suite.equal(Clients.values(Clients.poll(consumer, 200)).stream().distinct().count(), 200L);
        }
    }

    private static void byPattern() throws Exception {
        String topic = filled(2);
        try (var consumer = Clients.consumer(Suite.unique("group"))) {
            consumer.subscribe(Pattern.compile(topic + ".*"));
            Suite.equal(Clients.values(Clients.poll(consumer, 2)), List.of("m0", "m1"));
        }
    }

    private static void smallFetches() throws Exception {
        String topic = Clients.newTopic(1);
        try (var producer = Clients.producer("batch.size", "3000", "linger.ms", "5")) {
            for (int i = 0; i < 100; i++) producer.send(new ProducerRecord<>(topic, i + ":" + "x".repeat(1000)));
        }
        var records = Clients.read(topic, 0, 100, "max.partition.fetch.bytes", "1500", "fetch.max.bytes", "2000");
        for (int i = 0; i < 100; i++) Suite.equal(records.get(i).offset(), (long) i);
    }

    private static void longPoll() throws Exception {
        TopicPartition partition = new TopicPartition(Clients.newTopic(1), 0);
        try (var consumer = Clients.consumer(null, "fetch.max.wait.ms", "4000", "request.timeout.ms", "30000")) {
            consumer.assign(List.of(partition));
            consumer.seek(partition, 0);
            consumer.poll(Duration.ofMillis(500));
            Clients.send(partition.topic(), "awake");
            long start = System.nanoTime();
            Clients.poll(consumer, 1);
            long ms = (System.nanoTime() - start) / 1_000_000;
            Suite.check(ms < 2000, "woke after " + ms + " ms");
        }
    }

    private static void recreated() throws Exception {
        String topic = filled(3);
        Clients.ADMIN.deleteTopics(List.of(topic)).all().get();
        Suite.eventually("the topic to go", () -> !Clients.ADMIN.listTopics().names().get().contains(topic));
        Suite.eventually("the topic again", () -> {
            try {
                Clients.ADMIN.createTopics(List.of(new org.apache.kafka.clients.admin.NewTopic(topic, 1, (short) 1))).all().get();
                return true;
            } catch (java.util.concurrent.ExecutionException e) {
                return false;
            }
        });
        Clients.send(topic, "new");
        var records = Clients.read(topic, 0, 1);
        Suite.equal(records.get(0).offset(), 0L);
        Suite.equal(records.get(0).value(), "new");
    }
}
