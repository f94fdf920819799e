import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;

/** What came with Kafka 0.11. */
public final class Newer implements OldAdmin {
    private static AdminClient admin() {
        return AdminClient.create(Client.settings(new HashMap<>()));
    }

    @Override
    public void createTopic(String topic, int partitions) throws Exception {
        try (AdminClient admin = admin()) {
            admin.createTopics(Collections.singletonList(new NewTopic(topic, partitions, (short) 1))).all().get();
        }
    }

    @Override
    public void deleteTopic(String topic) throws Exception {
        try (AdminClient admin = admin()) {
            admin.deleteTopics(Collections.singletonList(topic)).all().get();
        }
    }

    @Override
    public String config(String topic, String name) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        try (AdminClient admin = admin()) {
            return admin.describeConfigs(Collections.singletonList(resource)).all().get().get(resource).get(name).value();
        }
    }

    @Override
    public void transaction(String topic, String transactionalId, String value, boolean commit) throws Exception {
        Map<String, Object> settings = Client.settings(Collections.singletonMap("transactional.id", transactionalId));
        settings.put("enable.idempotence", "true");
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings)) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, 0, null, value)).get();
            if (commit) producer.commitTransaction();
            else producer.abortTransaction();
        }
    }
}
