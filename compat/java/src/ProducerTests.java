import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.header.Header;

/** KafkaProducer: codecs, acknowledgements, record fields, errors. */
final class ProducerTests {
    private ProducerTests() {}

    static void add(Suite suite) {
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            suite.test("produce " + codec, () -> codec(codec));
        }
        for (String acks : List.of("0", "1", "all")) suite.test("produce acks=" + acks, () -> acks(acks));
        suite.test("produce idempotent", ProducerTests::idempotent);
        suite.test("produce keys, headers and tombstones", ProducerTests::headers);
        suite.test("produce timestamps", ProducerTests::timestamps);
        suite.test("produce with log append time", ProducerTests::logAppendTime);
        suite.test("produce too large a message", ProducerTests::tooLarge);
        suite.test("produce to a compacted topic needs keys", ProducerTests::compacted);
        suite.test("produce recompressed by the topic", ProducerTests::recompressed);
        suite.test("produce to an invalid topic", () -> {
            try (var producer = Clients.producer()) {
                Suite.fails(InvalidTopicException.class, () -> producer.send(new ProducerRecord<>("bad name!", "x")).get());
            }
        });
        suite.test("auto-create topic on produce", ProducerTests::autoCreate);
        suite.test("transaction commit", 30, "transactions", () -> transaction(true));
        suite.test("transaction abort", 30, "transactions", () -> transaction(false));
        suite.test("transaction with offsets", 30, "transactions", ProducerTests::transactionOffsets);
    }

    private static void codec(String codec) throws Exception {
        String topic = Clients.newTopic(1);
        List<String> sent = IntStream.range(0, 500).mapToObj(i -> i + ":" + "abc".repeat(100)).toList();
        try (var producer = Clients.producer("compression.type", codec, "linger.ms", "20", "batch.size", "65536")) {
            for (String value : sent) producer.send(new ProducerRecord<>(topic, value));
        }
        Suite.equal(Clients.values(Clients.read(topic, 0, 500)), sent);
        Suite.equal(Clients.values(Clients.read(topic, 490, 10)), sent.subList(490, 500));
    }

    private static void acks(String acks) throws Exception {
        String topic = Clients.newTopic(1);
        try (var producer = Clients.producer("acks", acks, "enable.idempotence", "false")) {
            RecordMetadata metadata = producer.send(new ProducerRecord<>(topic, "one")).get();
            Suite.equal(metadata.offset(), acks.equals("0") ? -1L : 0L);
            producer.send(new ProducerRecord<>(topic, "two")).get();
        }
        Suite.equal(Clients.values(Clients.read(topic, 0, 2)), List.of("one", "two"));
    }

    private static void idempotent() throws Exception {
        String topic = Clients.newTopic(3);
        List<Future<RecordMetadata>> answers = new ArrayList<>();
        try (var producer = Clients.producer("enable.idempotence", "true", "batch.size", "500", "max.in.flight.requests.per.connection", "5")) {
            for (int i = 0; i < 600; i++) answers.add(producer.send(new ProducerRecord<>(topic, i % 3, null, "v" + i)));
        }
        for (int i = 0; i < 600; i++) Suite.equal(answers.get(i).get().offset(), (long) (i / 3));
    }

    private static void headers() throws Exception {
        String topic = Clients.newTopic(1);
        try (var producer = Clients.producer()) {
            var record = new ProducerRecord<String, String>(topic, "k", null);
            record.headers().add("one", "x".getBytes(StandardCharsets.UTF_8)).add("two", new byte[0]).add("null", null).add("one", "y".getBytes(StandardCharsets.UTF_8));
            producer.send(record).get();
            producer.send(new ProducerRecord<>(topic, "", "")).get();
        }
        var records = Clients.read(topic, 0, 2);
        Suite.equal(records.get(0).key(), "k");
        Suite.equal(records.get(0).value(), null);
        Header[] headers = records.get(0).headers().toArray();
        Suite.equal(headers.length, 4);
        Suite.equal(new String(headers[3].value(), StandardCharsets.UTF_8), "y");
        Suite.equal(headers[2].value(), null);
        Suite.equal(records.get(1).key(), "");
    }

    private static void timestamps() throws Exception {
        String topic = Clients.newTopic(1, Map.of("message.timestamp.before.max.ms", "1000000"));
        long stamp = System.currentTimeMillis() - 5000;
        try (var producer = Clients.producer()) {
            producer.send(new ProducerRecord<>(topic, 0, stamp, null, "x")).get();
            Suite.fails(InvalidTimestampException.class, () -> producer.send(new ProducerRecord<>(topic, 0, stamp - 2_000_000, null, "x")).get());
        }
        Suite.equal(Clients.read(topic, 0, 1).get(0).timestamp(), stamp);
    }

    private static void logAppendTime() throws Exception {
        String topic = Clients.newTopic(1, Map.of("message.timestamp.type", "LogAppendTime"));
        try (var producer = Clients.producer("compression.type", "gzip")) {
            RecordMetadata metadata = producer.send(new ProducerRecord<>(topic, 0, 1000L, null, "x")).get();
            var record = Clients.read(topic, 0, 1).get(0);
            Suite.equal(record.timestamp(), metadata.timestamp());
            Suite.equal(record.timestampType().toString(), "LogAppendTime");
            Suite.check(Math.abs(record.timestamp() - System.currentTimeMillis()) < 20_000, "timestamp " + record.timestamp());
        }
    }

    private static void tooLarge() throws Exception {
        String topic = Clients.newTopic(1, Map.of("max.message.bytes", "1000"));
        try (var producer = Clients.producer()) {
            Suite.fails(RecordTooLargeException.class, () -> producer.send(new ProducerRecord<>(topic, "x".repeat(2000))).get());
            producer.send(new ProducerRecord<>(topic, "x".repeat(500))).get();
        }
    }

    private static void compacted() throws Exception {
        String topic = Clients.newTopic(1, Map.of("cleanup.policy", "compact"));
        try (var producer = Clients.producer()) {
            Suite.fails(org.apache.kafka.common.InvalidRecordException.class, () -> producer.send(new ProducerRecord<>(topic, "keyless")).get());
        }
        Clients.producer().close();
        try (var producer = Clients.producer()) {
            Suite.equal(producer.send(new ProducerRecord<>(topic, "k", "v")).get().offset(), 0L);
        }
    }

    private static void recompressed() throws Exception {
        String topic = Clients.newTopic(1, Map.of("compression.type", "gzip"));
        List<String> sent = IntStream.range(0, 50).mapToObj(i -> i + "z".repeat(200)).toList();
        try (var producer = Clients.producer("compression.type", "snappy", "linger.ms", "50")) {
            for (String value : sent) producer.send(new ProducerRecord<>(topic, value));
        }
        Suite.equal(Clients.values(Clients.read(topic, 0, 50)), sent);
    }

    private static void autoCreate() throws Exception {
        String topic = Suite.unique("java-auto");
        try (var producer = Clients.producer()) {
            Suite.equal(producer.send(new ProducerRecord<>(topic, "x")).get().offset(), 0L);
        }
    }

    private static KafkaProducer<String, String> transactional(String topic) {
        return Clients.producer("transactional.id", "tx-" + topic, "max.block.ms", "8000");
    }

    private static void transaction(boolean commit) throws Exception {
        String topic = Clients.newTopic(1);
        try (var producer = transactional(topic)) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, "inside"));
            producer.flush();
            if (commit) producer.commitTransaction();
            else producer.abortTransaction();
        }
        Clients.send(topic, "after");
        var got = Clients.values(Clients.read(topic, 0, commit ? 2 : 1, "isolation.level", "read_committed"));
        Suite.equal(got, commit ? List.of("inside", "after") : List.of("after"));
        Suite.equal(Clients.values(Clients.read(topic, 0, 2)), List.of("inside", "after"));
    }

    private static void transactionOffsets() throws Exception {
        String topic = Clients.newTopic(1);
        String group = Suite.unique("group");
        TopicPartition partition = new TopicPartition(topic, 0);
        try (var producer = transactional(topic); var consumer = Clients.consumer(group)) {
            consumer.subscribe(List.of(topic));
            Clients.send(topic, "in");
            Clients.poll(consumer, 1);
            producer.initTransactions();
            producer.beginTransaction();
            producer.sendOffsetsToTransaction(Map.of(partition, new OffsetAndMetadata(1)), consumer.groupMetadata());
            producer.commitTransaction();
            Suite.equal(consumer.committed(java.util.Set.of(partition)).get(partition).offset(), 1L);
        }
    }
}
