import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * What the tests themselves do with topics: `Topic BOOTSTRAP create NAME:PARTITIONS ...`, `fill NAME` (a line of standard input a record),
 * `read NAME` (committed records up to the end of now, a line `key<TAB>value` each).
 */
public final class Topic {
    public static void main(String[] args) throws Exception {
        Map<String, Object> settings = Map.of("bootstrap.servers", args[0], "isolation.level", "read_committed");
        switch (args[1]) {
            case "create" -> {
                try (Admin admin = Admin.create(settings)) {
                    for (String each : List.of(args).subList(2, args.length)) {
                        String[] parts = each.split(":");
                        admin.createTopics(List.of(new NewTopic(parts[0], Integer.parseInt(parts[1]), (short) 1))).all().get();
                    }
                }
            }
            case "fill" -> {
                try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
                        var lines = new Scanner(System.in, StandardCharsets.UTF_8)) {
                    while (lines.hasNextLine()) producer.send(new ProducerRecord<>(args[2], lines.nextLine()));
                }
            }
            default -> read(settings, args[2]);
        }
    }

    private static void read(Map<String, Object> settings, String topic) {
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            List<TopicPartition> partitions =
                consumer.partitionsFor(topic).stream().map(info -> new TopicPartition(topic, info.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            StringBuilder out = new StringBuilder();
            while (partitions.stream().anyMatch(each -> consumer.position(each) < ends.get(each))) {
                consumer.poll(Duration.ofMillis(100)).forEach(record -> out.append(record.key()).append('\t').append(record.value()).append('\n'));
            }
            System.out.print(out);
        }
    }
}
