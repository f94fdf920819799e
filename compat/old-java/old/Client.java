import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

/** An old client; compiled against the jar of each version. */
public final class Client implements OldClient {
    static Map<String, Object> settings(Map<String, String> own) {
        // Serializers are found by the loader of the thread.
        Thread.currentThread().setContextClassLoader(Client.class.getClassLoader());
        Map<String, Object> settings = new HashMap<>(own);
        settings.put("bootstrap.servers", System.getenv().getOrDefault("COMPAT_BOOTSTRAP", "127.0.0.1:9092"));
        for (String kind : List.of("key", "value")) {
            settings.put(kind + ".serializer", "org.apache.kafka.common.serialization.StringSerializer");
            settings.put(kind + ".deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        }
        return settings;
    }

    private static KafkaConsumer<String, String> consumer(Map<String, String> own) {
        Map<String, Object> settings = settings(own);
        settings.put("enable.auto.commit", "false");
        settings.put("fetch.max.wait.ms", "50");
        settings.put("heartbeat.interval.ms", "300");
        settings.put("session.timeout.ms", "10000");
        return new KafkaConsumer<>(settings);
    }

    @Override
    public List<Long> send(String topic, List<String> values, Map<String, String> own) throws Exception {
        Map<String, String> settings = new HashMap<>(own);
        settings.putIfAbsent("acks", "all");
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings(settings))) {
            for (String value : values) sent.add(producer.send(new ProducerRecord<>(topic, 0, null, value)));
        }
        List<Long> offsets = new ArrayList<>();
        for (Future<RecordMetadata> each : sent) offsets.add(each.get().offset());
        return offsets;
    }

    @Override
    public List<Read> read(String topic, long offset, int count, Map<String, String> settings) {
        List<Read> read = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer = consumer(settings)) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(Collections.singletonList(partition));
            consumer.seek(partition, offset);
            while (read.size() < count) {
                for (ConsumerRecord<String, String> each : consumer.poll(100)) {
                    read.add(new Read(each.offset(), each.key(), each.value(), timestamp(each)));
                }
            }
        }
        return read;
    }

    /** Version 0.9 has none. */
    private static long timestamp(ConsumerRecord<String, String> record) {
        try {
            return (long) ConsumerRecord.class.getMethod("timestamp").invoke(record);
        } catch (ReflectiveOperationException e) {
            return -1;
        }
    }

    @Override
    public long commit(String topic, String group, long offset) {
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaConsumer<String, String> consumer = consumer(Map.of("group.id", group))) {
            consumer.assign(Collections.singletonList(partition));
            consumer.commitSync(Collections.singletonMap(partition, new OffsetAndMetadata(offset)));
            return consumer.committed(partition).offset();
        }
    }

    @Override
    public Member join(String group, String topic) {
        return new GroupMember(group, topic);
    }

    private static final class GroupMember implements Member {
        private final List<String> values = new CopyOnWriteArrayList<>();
        private final Thread thread;
        private volatile int partitions;
        private volatile boolean stopped;

        GroupMember(String group, String topic) {
            thread = new Thread(() -> run(group, topic));
            thread.setDaemon(true);
            thread.start();
        }

        private void run(String group, String topic) {
            try (var consumer = consumer(Map.of("group.id", group, "auto.offset.reset", "earliest"))) {
                consumer.subscribe(Collections.singletonList(topic));
                while (!stopped) {
                    for (ConsumerRecord<String, String> each : consumer.poll(50)) values.add(each.value());
                    partitions = consumer.assignment().size();
                }
                consumer.commitSync();
            }
        }

        @Override
        public int partitions() {
            return partitions;
        }

        @Override
        public List<String> values() {
            return new ArrayList<>(values);
        }

        @Override
        public void leave() throws Exception {
            stopped = true;
            thread.join();
        }
    }
}
