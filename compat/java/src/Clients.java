import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Clients made for the tests, and what several of them do. */
final class Clients {
    static final Admin ADMIN = Admin.create(config());

    private Clients() {}

    /** The first consumer group of a fresh broker makes __consumer_offsets: not part of any test's time. */
    static void warmUp() {
        try (KafkaConsumer<String, String> consumer = consumer(Suite.unique("warm"))) {
            consumer.subscribe(List.of(newTopic(1)));
            long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
            while (consumer.assignment().isEmpty() && System.nanoTime() < end) consumer.poll(Duration.ofMillis(100));
        } catch (Exception e) {
            System.err.println("warm-up: " + e);
        }
    }

    static Properties config(String... pairs) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", Suite.BOOTSTRAP);
        properties.put("client.id", "compat-java");
        properties.put("request.timeout.ms", "10000");
        properties.put("default.api.timeout.ms", "15000");
        for (int i = 0; i < pairs.length; i += 2) properties.put(pairs[i], pairs[i + 1]);
        return properties;
    }

    static KafkaProducer<String, String> producer(String... pairs) {
        Properties properties = config(pairs);
        properties.putIfAbsent("max.block.ms", "15000");
        properties.putIfAbsent("delivery.timeout.ms", "20000");
        return new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
    }

    static KafkaConsumer<String, String> consumer(String groupId, String... pairs) {
        Properties properties = config(pairs);
        if (groupId != null) properties.put("group.id", groupId);
        properties.putIfAbsent("auto.offset.reset", "earliest");
        properties.putIfAbsent("fetch.max.wait.ms", "100");
        properties.putIfAbsent("enable.auto.commit", "false");
        properties.putIfAbsent("heartbeat.interval.ms", "500");
        return new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
    }

    static String newTopic(int partitions) throws Exception {
        return newTopic(partitions, Map.of());
    }

    static String newTopic(int partitions, Map<String, String> configs) throws Exception {
        String topic = Suite.unique("java");
        NewTopic spec = new NewTopic(topic, Optional.of(partitions), Optional.empty()).configs(configs);
        ADMIN.createTopics(List.of(spec)).all().get();
        Suite.eventually("the topic in metadata", () -> {
            try {
                ADMIN.describeTopics(List.of(topic)).allTopicNames().get();
                return true;
            } catch (java.util.concurrent.ExecutionException e) {
                return false;
            }
        });
        return topic;
    }

    static void send(String topic, String... values) throws Exception {
        try (KafkaProducer<String, String> producer = producer()) {
            for (String value : values) producer.send(new ProducerRecord<>(topic, 0, null, value)).get();
        }
    }

    /** Reads partition 0 from `offset` until `count` records came. */
    static List<ConsumerRecord<String, String>> read(String topic, long offset, int count, String... pairs) {
        try (KafkaConsumer<String, String> consumer = consumer(null, pairs)) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seek(partition, offset);
            return poll(consumer, count);
        }
    }

    static List<ConsumerRecord<String, String>> poll(KafkaConsumer<String, String> consumer, int count) {
        List<ConsumerRecord<String, String>> records = new ArrayList<>();
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (records.size() < count) {
            consumer.poll(Duration.ofMillis(200)).forEach(records::add);
            Suite.check(System.nanoTime() < end, "only " + records.size() + " of " + count + " records");
        }
        return records;
    }

    static List<String> values(List<ConsumerRecord<String, String>> records) {
        return records.stream().map(ConsumerRecord::value).toList();
    }
}
