import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ThrottlingQuotaExceededException;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Quotas, metrics of clients, and what else an administrator sets on a running broker. */
final class QuotaTests {
    private static final String B = Suite.BOOTSTRAP;
    private static final String CONFIGS = "kafka.admin.ConfigCommand";

    private QuotaTests() {}

    static void add(Suite suite) {
        suite.test("tool configs of users and clients", QuotaTests::users);
        suite.test("tool configs of ips", QuotaTests::ips);
        suite.test("quota of a producer", QuotaTests::producer);
        suite.test("quota of partitions made", QuotaTests::mutations);
        suite.test("quota refused", QuotaTests::refused);
        suite.test("tool client-metrics", QuotaTests::clientMetrics);
        suite.test("tool configs of a broker, altered while it runs", QuotaTests::broker);
        suite.test("tool features upgrade and downgrade, dry", QuotaTests::features);
        suite.test("alter replica log dirs", QuotaTests::logDirs);
    }

    private static void users() throws Exception {
        String user = Suite.unique("user");
        String[] entity = {"--bootstrap-server", B, "--entity-type", "users", "--entity-name", user, "--entity-type", "clients", "--entity-default"};
        Suite.ok("", CONFIGS, with(entity, "--alter", "--add-config", "producer_byte_rate=1024,request_percentage=12.5"));
        Suite.eventually("the quotas", () -> Suite.ok("", CONFIGS, with(entity, "--describe")).contains("request_percentage=12.5"));
        Suite.contains(Suite.ok("", CONFIGS, with(entity, "--describe")), "user-principal '" + user + "', the default client-id", "producer_byte_rate=1024.0");
        Suite.contains(Suite.ok("", CONFIGS, "--bootstrap-server", B, "--entity-type", "users", "--entity-type", "clients", "--describe"), user);
        Suite.ok("", CONFIGS, with(entity, "--alter", "--delete-config", "producer_byte_rate,request_percentage"));
        Suite.eventually("the quotas to go", () -> !Suite.ok("", CONFIGS, with(entity, "--describe")).contains("producer_byte_rate"));
    }

    private static void ips() throws Exception {
        String[] entity = {"--bootstrap-server", B, "--entity-type", "ips", "--entity-name", "10.9.8.7"};
        Suite.ok("", CONFIGS, with(entity, "--alter", "--add-config", "connection_creation_rate=100"));
        Suite.eventually("the quota", () -> Suite.ok("", CONFIGS, with(entity, "--describe")).contains("connection_creation_rate=100"));
        Suite.ok("", CONFIGS, with(entity, "--alter", "--delete-config", "connection_creation_rate"));
    }

    private static void set(String clientId, String key, Double value) throws Exception {
        var entity = new ClientQuotaEntity(Map.of(ClientQuotaEntity.CLIENT_ID, clientId));
        Clients.ADMIN.alterClientQuotas(List.of(new ClientQuotaAlteration(entity, List.of(new ClientQuotaAlteration.Op(key, value))))).all().get();
    }

    private static void producer() throws Exception {
        String topic = Clients.newTopic(1);
        String id = Suite.unique("throttled");
        set(id, "producer_byte_rate", 200_000.0);
        Thread.sleep(500);
        var config = Clients.config("client.id", id, "linger.ms", "0", "acks", "all", "batch.size", "20000");
        int size = 10_000;
        // A window's worth at once, and then nearly a second's.
        int count = 200_000 * 108 / 10 / size;
        long start = System.nanoTime();
        try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (int i = 0; i < count; i++) producer.send(new ProducerRecord<>(topic, new byte[size])).get(30, TimeUnit.SECONDS);
            double seconds = (System.nanoTime() - start) / 1e9;
            Suite.check(seconds > 0.4 && seconds < 10, "took " + seconds + " s");
            double throttled = producer.metrics().values().stream().filter(m -> m.metricName().name().equals("produce-throttle-time-max"))
                .mapToDouble(m -> (Double) m.metricValue()).max().orElse(0);
            Suite.check(throttled > 0, "the client was not told");
        }
        set(id, "producer_byte_rate", null);
    }

    private static void mutations() throws Exception {
        String id = Suite.unique("maker");
        set(id, "controller_mutation_rate", 1.0);
        Thread.sleep(500);
        try (Admin admin = Admin.create(Clients.config("client.id", id))) {
            var options = new CreateTopicsOptions().retryOnQuotaViolation(false);
            admin.createTopics(List.of(new NewTopic(Suite.unique("many"), 20, (short) 1)), options).all().get();
            try {
                admin.createTopics(List.of(new NewTopic(Suite.unique("more"), 1, (short) 1)), options).all().get();
                throw new AssertionError("one too many was made");
            } catch (ExecutionException e) {
                Suite.check(e.getCause() instanceof ThrottlingQuotaExceededException t && t.throttleTimeMs() > 0, "failed with " + e.getCause());
            }
        }
        set(id, "controller_mutation_rate", null);
    }

    private static void refused() throws Exception {
        for (var op : Map.of("producer_byte_rate", -1.0, "no_such_rate", 1.0, "connection_creation_rate", 5.0).entrySet()) {
            try {
                set("x", op.getKey(), op.getValue());
                throw new AssertionError(op + " was taken");
            } catch (ExecutionException e) {
                Suite.contains(e.getCause().getClass().getSimpleName(), "InvalidRequestException");
            }
        }
    }

    private static void clientMetrics() throws Exception {
        String name = Suite.unique("metrics");
        Suite.ok("", "ClientMetricsCommand", "--bootstrap-server", B, "--alter", "--name", name, "--metrics", "org.apache.kafka.producer.",
            "--interval", "5000", "--match", "client_id=watched.*");
        Suite.eventually("the subscription", () -> Suite.ok("", "ClientMetricsCommand", "--bootstrap-server", B, "--list").contains(name));
        Suite.contains(Suite.ok("", "ClientMetricsCommand", "--bootstrap-server", B, "--describe", "--name", name), "interval.ms=5000", "match=client_id=watched.*");
        Suite.contains(Suite.ok("", CONFIGS, "--bootstrap-server", B, "--entity-type", "client-metrics", "--entity-name", name, "--describe"), "org.apache.kafka.producer.");
        Suite.ok("", "ClientMetricsCommand", "--bootstrap-server", B, "--delete", "--name", name);
        Suite.eventually("the subscription to go", () -> !Suite.ok("", "ClientMetricsCommand", "--bootstrap-server", B, "--list").contains(name));
    }

    private static void broker() throws Exception {
        int id = Clients.ADMIN.describeCluster().nodes().get().iterator().next().id();
        String[] entity = {"--bootstrap-server", B, "--entity-type", "brokers", "--entity-name", String.valueOf(id)};
        Suite.ok("", CONFIGS, with(entity, "--alter", "--add-config", "producer.id.expiration.ms=7200000,max.connection.creation.rate=5000"));
        Suite.eventually("the configs", () -> Suite.ok("", CONFIGS, with(entity, "--describe")).contains("producer.id.expiration.ms=7200000"));
        var resource = new ConfigResource(ConfigResource.Type.BROKER, String.valueOf(id));
        var entry = Clients.ADMIN.describeConfigs(List.of(resource)).all().get().get(resource).get("max.connection.creation.rate");
        Suite.check(entry.source() == ConfigEntry.ConfigSource.DYNAMIC_BROKER_CONFIG && !entry.isReadOnly(), "source " + entry.source());
        Suite.ok("", CONFIGS, with(entity, "--alter", "--delete-config", "producer.id.expiration.ms,max.connection.creation.rate"));
        var refused = Suite.tool("", CONFIGS, with(entity, "--alter", "--add-config", "num.partitions=7"));
        Suite.contains(refused.out() + refused.err(), "Cannot update these configs dynamically");
    }

    private static void features() throws Exception {
        Suite.contains(Suite.ok("", "FeatureCommand", "--bootstrap-server", B, "upgrade", "--feature", "eligible.leader.replicas.version=1", "--dry-run"), "can be upgraded");
        var lower = Suite.tool("", "FeatureCommand", "--bootstrap-server", B, "downgrade", "--feature", "metadata.version=7", "--dry-run");
        Suite.contains(lower.out() + lower.err(), "Can not downgrade");
    }

    private static void logDirs() throws Exception {
        String topic = Clients.newTopic(1);
        Clients.send(topic, "a", "b");
        int id = Clients.ADMIN.describeCluster().nodes().get().iterator().next().id();
        var dirs = Clients.ADMIN.describeLogDirs(List.of(id)).allDescriptions().get().get(id);
        String from = dirs.entrySet().stream().filter(e -> e.getValue().replicaInfos().keySet().stream().anyMatch(tp -> tp.topic().equals(topic)))
            .findFirst().orElseThrow().getKey();
        // To where it is already, by the tool that moves replicas.
        String to = dirs.keySet().stream().filter(d -> !d.equals(from)).findFirst().orElse(from);
        Path file = Files.createTempFile("reassign", ".json");
        Files.writeString(file, "{\"version\":1,\"partitions\":[{\"topic\":\"" + topic + "\",\"partition\":0,\"replicas\":[" + id + "],\"log_dirs\":[\"" + to + "\"]}]}");
        Suite.contains(Suite.ok("", "reassign.ReassignPartitionsCommand", "--bootstrap-server", B, "--reassignment-json-file", file.toString(), "--execute"),
            "Successfully started");
        Suite.eventually("the replica to be there", () -> Clients.ADMIN.describeLogDirs(List.of(id)).allDescriptions().get().get(id).get(to).replicaInfos()
            .entrySet().stream().anyMatch(e -> e.getKey().topic().equals(topic) && !e.getValue().isFuture()));
        Suite.eventually("the end of the move", () -> Suite.tool("", "reassign.ReassignPartitionsCommand", "--bootstrap-server", B,
            "--reassignment-json-file", file.toString(), "--verify").out().contains("is completed"));
        Files.delete(file);
        Suite.contains(Suite.ok("", "LogDirsCommand", "--bootstrap-server", B, "--describe", "--topic-list", topic), "\"isFuture\":false");
    }

    private static String[] with(String[] args, String... more) {
        String[] all = java.util.Arrays.copyOf(args, args.length + more.length);
        System.arraycopy(more, 0, all, args.length, more.length);
        return all;
    }
}
