import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Command-line tools of Apache Kafka: topics, configs, records, cluster. */
final class ToolTests {
    private static final String B = Suite.BOOTSTRAP;

    private ToolTests() {}

    static void add(Suite suite) {
        suite.test("tool broker-api-versions", ToolTests::apiVersions);
        suite.test("tool topics", ToolTests::topics);
        suite.test("tool configs", ToolTests::configs);
        suite.test("tool console producer and consumer", ToolTests::console);
        suite.test("tool console consumer of internal topics", ToolTests::internalTopics);
        suite.test("tool get-offsets", ToolTests::getOffsets);
        suite.test("tool delete-records", ToolTests::deleteRecords);
        suite.test("tool log-dirs", ToolTests::logDirs);
        suite.test("tool cluster", ToolTests::cluster);
        suite.test("tool features", () -> Suite.contains(Suite.ok("", "FeatureCommand", "--bootstrap-server", B, "describe"), "metadata.version"));
        suite.test("tool metadata-quorum", ToolTests::metadataQuorum);
        suite.test("tool reassign-partitions list", () -> Suite.contains(
            Suite.ok("", "reassign.ReassignPartitionsCommand", "--bootstrap-server", B, "--list"), "No partition reassignments found"));
        suite.test("tool acls list", ToolTests::acls);
        suite.test("tool transactions describe-producers", ToolTests::describeProducers);
        suite.test("tool transactions list", 40, "transactions", () ->
            Suite.contains(Suite.ok("", "TransactionsCommand", "--bootstrap-server", B, "list"), "TransactionalId"));
        suite.test("tool verifiable producer", ToolTests::verifiableProducer);
        suite.test("tool verifiable consumer", ToolTests::verifiableConsumer);
        suite.test("tool client-compatibility-test", ToolTests::clientCompatibility);
        suite.test("tool producer perf", () -> Suite.contains(
            Suite.ok("", "ProducerPerformance", "--topic", Clients.newTopic(3), "--num-records", "5000", "--record-size", "200",
                "--throughput", "-1", "--bootstrap-server", B, "--command-property", "acks=all"), "5000 records sent"));
        suite.test("tool consumer perf", ToolTests::consumerPerf);
        suite.test("tool e2e latency", () -> Suite.contains(
            Suite.ok("", "EndToEndLatency", B, Clients.newTopic(1), "200", "all", "100"), "Avg latency", "Percentiles"));
        suite.test("tool transactional message copier", 40, "transactions", ToolTests::copier);
    }

    private static void apiVersions() throws Exception {
        String out = Suite.ok("", "BrokerApiVersionsCommand", "--bootstrap-server", B);
        for (String api : List.of("Produce(0)", "Fetch(1)", "Metadata(3)", "ApiVersions(18)", "JoinGroup(11)", "DescribeTopicPartitions(75)")) {
            Suite.contains(out, api);
            String line = out.lines().filter(l -> l.contains(api)).findFirst().orElseThrow();
            Suite.check(!line.contains("UNSUPPORTED"), line);
        }
    }

    private static void topics() throws Exception {
        String topic = Suite.unique("tool");
        String tool = "TopicCommand";
        Suite.ok("", tool, "--bootstrap-server", B, "--create", "--topic", topic, "--partitions", "2", "--config", "retention.ms=5000");
        String described = Suite.ok("", tool, "--bootstrap-server", B, "--describe", "--topic", topic);
        Suite.contains(described, "PartitionCount: 2", "ReplicationFactor: 1", "retention.ms=5000", "Partition: 1", "TopicId: ");
        Suite.contains(Suite.ok("", tool, "--bootstrap-server", B, "--list"), topic);
        Suite.ok("", tool, "--bootstrap-server", B, "--alter", "--topic", topic, "--partitions", "3");
        Suite.eventually("three partitions", () ->
            Suite.ok("", tool, "--bootstrap-server", B, "--describe", "--topic", topic).contains("PartitionCount: 3"));
        Suite.equal(Suite.ok("", tool, "--bootstrap-server", B, "--describe", "--under-replicated-partitions").trim(), "");
        var twice = Suite.tool("", tool, "--bootstrap-server", B, "--create", "--topic", topic);
        Suite.check(twice.code() == 1, "creating twice ended with " + twice.code());
        Suite.contains(twice.out() + twice.err(), "already exists");
        Suite.ok("", tool, "--bootstrap-server", B, "--delete", "--topic", topic);
        Suite.eventually("the topic to go", () -> !Suite.ok("", tool, "--bootstrap-server", B, "--list").contains(topic));
    }

    private static void configs() throws Exception {
        String topic = Clients.newTopic(1);
        String tool = "kafka.admin.ConfigCommand";
        String[] entity = {"--bootstrap-server", B, "--entity-type", "topics", "--entity-name", topic};
        Suite.contains(Suite.ok("", tool, with(entity, "--alter", "--add-config", "retention.ms=600000,cleanup.policy=[compact,delete]")), "Completed updating");
        Suite.eventually("the config", () -> Suite.ok("", tool, with(entity, "--describe")).contains("retention.ms=600000"));
        String all = Suite.ok("", tool, with(entity, "--describe", "--all"));
        Suite.contains(all, "cleanup.policy=compact,delete", "DYNAMIC_TOPIC_CONFIG:retention.ms=600000", "DEFAULT_CONFIG:log.segment.bytes=1073741824");
        Suite.ok("", tool, with(entity, "--alter", "--delete-config", "retention.ms"));
        Suite.eventually("the config to go", () -> !Suite.ok("", tool, with(entity, "--describe")).contains("retention.ms=600000"));
        Suite.contains(Suite.ok("", tool, "--bootstrap-server", B, "--entity-type", "brokers", "--describe", "--all"), "log.retention.hours=168");
        Suite.ok("", tool, "--bootstrap-server", B, "--entity-type", "brokers", "--entity-default", "--describe");
        Suite.ok("", tool, "--bootstrap-server", B, "--entity-type", "users", "--describe");
    }

    private static String[] with(String[] args, String... more) {
        String[] all = java.util.Arrays.copyOf(args, args.length + more.length);
        System.arraycopy(more, 0, all, args.length, more.length);
        return all;
    }

    private static void console() throws Exception {
        String topic = Clients.newTopic(1);
        Suite.ok("h:1\tk1\tv1\nh:2\tk2\tv2\n", "ConsoleProducer", "--bootstrap-server", B, "--topic", topic, "--compression-codec", "lz4",
            "--reader-property", "parse.key=true", "--reader-property", "parse.headers=true");
        String out = Suite.ok("", "consumer.ConsoleConsumer", "--bootstrap-server", B, "--topic", topic, "--from-beginning", "--max-messages", "2",
            "--timeout-ms", "20000", "--formatter-property", "print.key=true", "--formatter-property", "print.headers=true",
            "--formatter-property", "print.offset=true", "--formatter-property", "print.partition=true");
        Suite.contains(out, "Partition:0\tOffset:0\th:1\tk1\tv1", "Partition:0\tOffset:1\th:2\tk2\tv2");
        String group = Suite.unique("group");
        Suite.contains(Suite.ok("", "consumer.ConsoleConsumer", "--bootstrap-server", B, "--topic", topic, "--group", group, "--from-beginning",
            "--max-messages", "2", "--timeout-ms", "20000"), "v1", "v2");
        Suite.contains(Suite.ok("", "consumer.ConsoleConsumer", "--bootstrap-server", B, "--topic", topic, "--partition", "0", "--offset", "1",
            "--max-messages", "1", "--timeout-ms", "20000"), "v2");
    }

    private static void internalTopics() throws Exception {
        String topic = Clients.newTopic(1);
        String group = Suite.unique("group");
        Clients.ADMIN.alterConsumerGroupOffsets(group, Map.of(new org.apache.kafka.common.TopicPartition(topic, 0),
            new org.apache.kafka.clients.consumer.OffsetAndMetadata(41, "shown"))).all().get();
        String out = Suite.tool("", "consumer.ConsoleConsumer", "--bootstrap-server", B, "--topic", "__consumer_offsets", "--from-beginning",
            "--timeout-ms", "1500", "--formatter", "org.apache.kafka.tools.consumer.OffsetsMessageFormatter",
            "--command-property", "exclude.internal.topics=false").out();
        Suite.contains(out, "\"group\":\"" + group + "\"", "\"offset\":41", "\"metadata\":\"shown\"");
        String groups = Suite.tool("", "consumer.ConsoleConsumer", "--bootstrap-server", B, "--topic", "__consumer_offsets", "--from-beginning",
            "--timeout-ms", "1500", "--formatter", "org.apache.kafka.tools.consumer.GroupMetadataMessageFormatter").out();
        Suite.contains(groups, "\"protocolType\":\"consumer\"");
    }

    private static void getOffsets() throws Exception {
        String topic = Clients.newTopic(2);
        Clients.send(topic, "a", "b", "c");
        Suite.contains(Suite.ok("", "GetOffsetShell", "--bootstrap-server", B, "--topic", topic), topic + ":0:3", topic + ":1:0");
        Suite.contains(Suite.ok("", "GetOffsetShell", "--bootstrap-server", B, "--topic", topic, "--time", "earliest"), topic + ":0:0");
        Suite.contains(Suite.ok("", "GetOffsetShell", "--bootstrap-server", B, "--topic", topic, "--time", "max-timestamp"), topic + ":0:");
        Suite.contains(Suite.ok("", "GetOffsetShell", "--bootstrap-server", B, "--topic-partitions", topic + ":0", "--time", "earliest-local"), topic + ":0:0");
        long past = System.currentTimeMillis() - 3_600_000;
        Suite.contains(Suite.ok("", "GetOffsetShell", "--bootstrap-server", B, "--topic", topic, "--time", String.valueOf(past)), topic + ":0:0");
    }

    private static void deleteRecords() throws Exception {
        String topic = Clients.newTopic(1);
        Clients.send(topic, "a", "b", "c");
        Path file = Files.createTempFile("delete-records", ".json");
        Files.writeString(file, "{\"version\":1,\"partitions\":[{\"topic\":\"" + topic + "\",\"partition\":0,\"offset\":2}]}");
        Suite.contains(Suite.ok("", "DeleteRecordsCommand", "--bootstrap-server", B, "--offset-json-file", file.toString()), "low_watermark: 2");
        Files.delete(file);
        Suite.contains(Suite.ok("", "GetOffsetShell", "--bootstrap-server", B, "--topic", topic, "--time", "earliest"), topic + ":0:2");
    }

    private static void logDirs() throws Exception {
        String topic = Clients.newTopic(1);
        Clients.send(topic, "x".repeat(100));
        Suite.contains(Suite.ok("", "LogDirsCommand", "--bootstrap-server", B, "--describe", "--topic-list", topic),
            "\"partition\":\"" + topic + "-0\"", "\"error\":null", "\"isFuture\":false");
        Suite.contains(Suite.ok("", "LogDirsCommand", "--bootstrap-server", B, "--describe"), topic + "-0");
    }

    private static void cluster() throws Exception {
        Suite.contains(Suite.ok("", "ClusterTool", "cluster-id", "--bootstrap-server", B), "Cluster ID: ");
        Suite.contains(Suite.ok("", "ClusterTool", "list-endpoints", "--bootstrap-server", B), "127.0.0.1", B.substring(B.indexOf(':') + 1));
    }

    private static void metadataQuorum() throws Exception {
        Suite.contains(Suite.ok("", "MetadataQuorumCommand", "--bootstrap-server", B, "describe", "--status"), "LeaderId:", "HighWatermark:", "CurrentVoters:");
        Suite.contains(Suite.ok("", "MetadataQuorumCommand", "--bootstrap-server", B, "describe", "--replication"), "Leader");
    }

    private static void acls() throws Exception {
        var output = Suite.tool("", "AclCommand", "--bootstrap-server", B, "--list");
        Suite.contains(output.out() + output.err(), "No Authorizer is configured");
    }

    private static void describeProducers() throws Exception {
        String topic = Clients.newTopic(1);
        Clients.send(topic, "a");
        String out = Suite.ok("", "TransactionsCommand", "--bootstrap-server", B, "describe-producers", "--topic", topic, "--partition", "0");
        Suite.contains(out, "ProducerId", "LatestCoordinatorEpoch");
        Suite.check(out.trim().lines().count() >= 2, "no producer listed: " + out);
    }

    private static void verifiableProducer() throws Exception {
        String out = Suite.process("VerifiableProducer", "--bootstrap-server", B, "--topic", Clients.newTopic(2), "--max-messages", "500", "--throughput", "-1");
        Suite.equal(out.lines().filter(line -> line.contains("producer_send_success")).count(), 500L);
        Suite.contains(out, "\"sent\":500", "\"acked\":500");
    }

    private static void verifiableConsumer() throws Exception {
        String topic = Clients.newTopic(2);
        Suite.process("VerifiableProducer", "--bootstrap-server", B, "--topic", topic, "--max-messages", "300", "--throughput", "-1");
        String out = Suite.ok("", "VerifiableConsumer", "--bootstrap-server", B, "--topic", topic, "--group-id", Suite.unique("group"), "--max-messages", "300");
        Suite.contains(out, "partitions_assigned", "records_consumed", "offsets_committed", "\"success\":true");
    }

    private static void clientCompatibility() throws Exception {
        if (Clients.ADMIN.listTopics().names().get().contains("newtopic")) { // the tool makes it and leaves it
            Clients.ADMIN.deleteTopics(List.of("newtopic")).all().get();
            Suite.eventually("the topic to go", () -> !Clients.ADMIN.listTopics().names().get().contains("newtopic"));
        }
        Suite.ok("", "ClientCompatibilityTest", "--bootstrap-server", B, "--topic", Clients.newTopic(1), "--offsets-for-times-supported", "True",
            "--cluster-id-supported", "True", "--expect-record-too-large-exception", "False", "--num-cluster-nodes", "1",
            "--create-topics-supported", "True", "--describe-acls-supported", "True", "--describe-configs-supported", "True",
            "--idempotent-producer-supported", "True");
    }

    private static void consumerPerf() throws Exception {
        String topic = Clients.newTopic(3);
        Suite.ok("", "ProducerPerformance", "--topic", topic, "--num-records", "5000", "--record-size", "200", "--throughput", "-1",
            "--bootstrap-server", B);
        String out = Suite.ok("", "ConsumerPerformance", "--bootstrap-server", B, "--topic", topic, "--num-records", "5000", "--timeout", "15000");
        Suite.contains(out, "MB.sec", ", 5000,");
    }

    private static void copier() throws Exception {
        String from = Clients.newTopic(1);
        String to = Clients.newTopic(1);
        Suite.process("VerifiableProducer", "--bootstrap-server", B, "--topic", from, "--max-messages", "200", "--throughput", "-1");
        String out = Suite.process("TransactionalMessageCopier", "--broker-list", B, "--input-topic", from, "--input-partition", "0", "--output-topic", to,
            "--max-messages", "200", "--consumer-group", Suite.unique("group"), "--transaction-size", "50", "--transactional-id", Suite.unique("tx"));
        Suite.contains(out, "\"consumed\":200");
    }
}
