import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.errors.SecurityDisabledException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.quota.ClientQuotaFilter;

/** Admin of the Java clients: topics, configs, offsets, cluster. */
final class AdminTests {
    private static final Admin ADMIN = Clients.ADMIN;

    private AdminTests() {}

    static void add(Suite suite) {
        suite.test("connect", () -> ADMIN.listTopics().names().get());
        suite.test("describe cluster", AdminTests::describeCluster);
        suite.test("describe features", AdminTests::describeFeatures);
        suite.test("describe metadata quorum", AdminTests::describeQuorum);
        suite.test("metadata", AdminTests::metadata);
        suite.test("create topic", AdminTests::createTopic);
        suite.test("create topic validate only", AdminTests::validateOnly);
        suite.test("create topic errors", AdminTests::createErrors);
        suite.test("delete topic", AdminTests::deleteTopic);
        suite.test("delete topic by id", AdminTests::deleteTopicById);
        suite.test("create partitions", AdminTests::createPartitions);
        suite.test("describe topic configs", AdminTests::topicConfigs);
        suite.test("describe broker configs", AdminTests::brokerConfigs);
        suite.test("incremental alter configs", AdminTests::incrementalAlter);
        suite.test("alter broker configs", AdminTests::alterBroker);
        suite.test("list config resources", 40, "list-config-resources", AdminTests::listConfigResources);
        suite.test("list offsets", AdminTests::listOffsets);
        suite.test("delete records", AdminTests::deleteRecords);
        suite.test("describe log dirs", AdminTests::logDirs);
        suite.test("describe producers", AdminTests::describeProducers);
        suite.test("list partition reassignments", () -> equal(ADMIN.listPartitionReassignments().reassignments().get(), Map.of()));
        suite.test("describe acls with security disabled", () ->
            Suite.fails(SecurityDisabledException.class, () -> ADMIN.describeAcls(AclBindingFilter.ANY).values().get()));
        suite.test("describe client quotas", () -> equal(ADMIN.describeClientQuotas(ClientQuotaFilter.all()).entities().get(), Map.of()));
        suite.test("describe scram credentials", () -> equal(ADMIN.describeUserScramCredentials().all().get(), Map.of()));
    }

    private static void equal(Object actual, Object expected) {
        Suite.equal(actual, expected);
    }

    private static void describeCluster() throws Exception {
        var cluster = ADMIN.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true));
        equal(cluster.nodes().get().size(), 1);
        Suite.check(cluster.clusterId().get().length() > 0, "no cluster id");
        equal(cluster.controller().get().id(), cluster.nodes().get().iterator().next().id());
        Suite.check(!cluster.authorizedOperations().get().isEmpty(), "no authorized operations");
    }

    private static void describeFeatures() throws Exception {
        var features = ADMIN.describeFeatures().featureMetadata().get();
        Suite.check(features.finalizedFeatures().containsKey("metadata.version"), "finalized: " + features.finalizedFeatures());
        Suite.check(features.supportedFeatures().containsKey("metadata.version"), "supported: " + features.supportedFeatures());
        Suite.check(features.finalizedFeaturesEpoch().isPresent(), "no epoch");
    }

    private static void describeQuorum() throws Exception {
        var quorum = ADMIN.describeMetadataQuorum().quorumInfo().get();
        Suite.check(quorum.leaderEpoch() >= 1 && quorum.highWatermark() > 0, quorum.toString());
        equal(quorum.voters().size(), 1);
        equal(quorum.voters().get(0).replicaId(), quorum.leaderId());
    }

    private static void metadata() throws Exception {
        String topic = Clients.newTopic(3);
        TopicDescription one = ADMIN.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
        equal(one.partitions().size(), 3);
        one.partitions().forEach(p -> equal(p.leader(), p.isr().get(0)));
        equal(one.isInternal(), false);
        Suite.check(!one.topicId().equals(Uuid.ZERO_UUID), "no topic id");
        var byId = ADMIN.describeTopics(TopicCollection.ofTopicIds(List.of(one.topicId()))).allTopicIds().get();
        equal(byId.get(one.topicId()).name(), topic);
        Suite.fails(UnknownTopicOrPartitionException.class, () -> ADMIN.describeTopics(List.of(Suite.unique("no"))).allTopicNames().get());
        Suite.fails(UnknownTopicIdException.class, () ->
            ADMIN.describeTopics(TopicCollection.ofTopicIds(List.of(Uuid.randomUuid()))).allTopicIds().get());
    }

    private static void createTopic() throws Exception {
        String topic = Suite.unique("java");
        var result = ADMIN.createTopics(List.of(new NewTopic(topic, 2, (short) 1).configs(Map.of("retention.ms", "1000"))));
        result.all().get();
        equal(result.numPartitions(topic).get(), 2);
        equal(result.replicationFactor(topic).get(), 1);
        Suite.check(!result.topicId(topic).get().equals(Uuid.ZERO_UUID), "no topic id");
        Config config = result.config(topic).get();
        equal(config.get("retention.ms").value(), "1000");
        equal(config.get("cleanup.policy").value(), "delete");
        Suite.fails(TopicExistsException.class, () -> ADMIN.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get());
    }

    private static void validateOnly() throws Exception {
        String topic = Suite.unique("java");
        ADMIN.createTopics(List.of(new NewTopic(topic, 2, (short) 1)), new CreateTopicsOptions().validateOnly(true)).all().get();
        Suite.check(!ADMIN.listTopics().names().get().contains(topic), "the topic was made");
    }

    private static void createErrors() {
        createFails(InvalidTopicException.class, new NewTopic("bad name!", 1, (short) 1));
        createFails(InvalidReplicationFactorException.class, new NewTopic(Suite.unique("java"), 1, (short) 3));
        createFails(InvalidPartitionsException.class, new NewTopic(Suite.unique("java"), 0, (short) 1));
        createFails(InvalidConfigurationException.class, new NewTopic(Suite.unique("java"), 1, (short) 1).configs(Map.of("no.such", "1")));
        createFails(InvalidConfigurationException.class, new NewTopic(Suite.unique("java"), 1, (short) 1).configs(Map.of("retention.ms", "x")));
    }

    private static void createFails(Class<? extends Throwable> type, NewTopic topic) {
        Suite.fails(type, () -> ADMIN.createTopics(List.of(topic)).all().get());
    }

    private static void deleteTopic() throws Exception {
        String topic = Clients.newTopic(2);
        ADMIN.deleteTopics(List.of(topic)).all().get();
        Suite.eventually("the topic to go", () -> !ADMIN.listTopics().names().get().contains(topic));
        Suite.fails(UnknownTopicOrPartitionException.class, () -> ADMIN.deleteTopics(List.of(topic)).all().get());
    }

    private static void deleteTopicById() throws Exception {
        String topic = Clients.newTopic(1);
        Uuid id = ADMIN.describeTopics(List.of(topic)).allTopicNames().get().get(topic).topicId();
        ADMIN.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all().get();
        Suite.eventually("the topic to go", () -> !ADMIN.listTopics().names().get().contains(topic));
        Suite.fails(UnknownTopicIdException.class, () -> ADMIN.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all().get());
    }

    private static void createPartitions() throws Exception {
        String topic = Clients.newTopic(1);
        ADMIN.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all().get();
        Suite.eventually("three partitions", () ->
            ADMIN.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size() == 3);
        Suite.fails(InvalidPartitionsException.class, () -> ADMIN.createPartitions(Map.of(topic, NewPartitions.increaseTo(2))).all().get());
    }

    private static Config describe(ConfigResource resource) throws Exception {
        var options = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
        return ADMIN.describeConfigs(List.of(resource), options).all().get().get(resource);
    }

    private static ConfigResource brokerResource() throws Exception {
        int id = ADMIN.describeCluster().nodes().get().iterator().next().id();
        return new ConfigResource(ConfigResource.Type.BROKER, String.valueOf(id));
    }

    private static void topicConfigs() throws Exception {
        String topic = Clients.newTopic(1, Map.of("retention.ms", "4242", "segment.bytes", "2000000"));
        Config config = describe(new ConfigResource(ConfigResource.Type.TOPIC, topic));
        ConfigEntry retention = config.get("retention.ms");
        equal(retention.value(), "4242");
        equal(retention.source(), ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG);
        equal(retention.type(), ConfigEntry.ConfigType.LONG);
        equal(retention.synonyms().size(), 1); // log.retention.ms has no value, and is the only synonym
        var synonyms = config.get("segment.bytes").synonyms();
        equal(synonyms.size(), 2);
        equal(synonyms.get(1).name(), "log.segment.bytes");
        equal(synonyms.get(1).source(), ConfigEntry.ConfigSource.DEFAULT_CONFIG);
        Suite.check(retention.documentation() != null && !retention.documentation().isEmpty(), "no documentation");
        ConfigEntry cleanup = config.get("cleanup.policy");
        equal(cleanup.source(), ConfigEntry.ConfigSource.DEFAULT_CONFIG);
        equal(cleanup.type(), ConfigEntry.ConfigType.LIST);
        Suite.check(config.entries().size() >= 33, "only " + config.entries().size() + " entries");
    }

    private static void brokerConfigs() throws Exception {
        Config config = describe(brokerResource());
        Suite.check(config.entries().size() >= 250, "only " + config.entries().size() + " entries");
        equal(config.get("log.segment.bytes").value(), "1073741824");
        equal(config.get("log.segment.bytes").source(), ConfigEntry.ConfigSource.DEFAULT_CONFIG);
        equal(config.get("ssl.keystore.password").isSensitive(), true);
        equal(config.get("node.id").isReadOnly(), true);
        equal(config.get("log.cleaner.threads").isReadOnly(), false);
        equal(config.get("group.initial.rebalance.delay.ms").source(), ConfigEntry.ConfigSource.STATIC_BROKER_CONFIG);
    }

    private static void alter(ConfigResource resource, String name, String value, OpType type) throws Exception {
        Collection<AlterConfigOp> ops = List.of(new AlterConfigOp(new ConfigEntry(name, value), type));
        ADMIN.incrementalAlterConfigs(Map.of(resource, ops)).all().get();
    }

    private static void value(ConfigResource resource, String name, String expected) throws Exception {
        Suite.eventually(name + " = " + expected, () -> java.util.Objects.equals(describe(resource).get(name).value(), expected));
    }

    private static void incrementalAlter() throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, Clients.newTopic(1));
        alter(resource, "retention.ms", "77", OpType.SET);
        value(resource, "retention.ms", "77");
        alter(resource, "cleanup.policy", "compact", OpType.APPEND);
        value(resource, "cleanup.policy", "delete,compact");
        alter(resource, "cleanup.policy", "delete", OpType.SUBTRACT);
        value(resource, "cleanup.policy", "compact");
        alter(resource, "retention.ms", null, OpType.DELETE);
        value(resource, "retention.ms", "604800000");
        value(resource, "cleanup.policy", "compact");
        Suite.fails(InvalidConfigurationException.class, () -> alter(resource, "retention.ms", "soon", OpType.SET));
        Suite.fails(InvalidConfigurationException.class, () -> alter(resource, "no.such.key", "1", OpType.SET));
        Suite.fails(InvalidConfigurationException.class, () -> alter(resource, "retention.ms", "1", OpType.APPEND));
        ConfigResource unknown = new ConfigResource(ConfigResource.Type.TOPIC, Suite.unique("no"));
        Suite.fails(UnknownTopicOrPartitionException.class, () -> alter(unknown, "retention.ms", "1", OpType.SET));
    }

    private static void alterBroker() throws Exception {
        ConfigResource resource = brokerResource();
        alter(resource, "log.retention.ms", "99999999", OpType.SET);
        value(resource, "log.retention.ms", "99999999");
        equal(describe(resource).get("log.retention.ms").source(), ConfigEntry.ConfigSource.DYNAMIC_BROKER_CONFIG);
        alter(resource, "log.retention.ms", null, OpType.DELETE);
        value(resource, "log.retention.ms", null);
        ConfigResource all = new ConfigResource(ConfigResource.Type.BROKER, "");
        alter(all, "log.retention.ms", "88888888", OpType.SET);
        value(resource, "log.retention.ms", "88888888");
        equal(describe(resource).get("log.retention.ms").source(), ConfigEntry.ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG);
        alter(all, "log.retention.ms", null, OpType.DELETE);
        value(resource, "log.retention.ms", null);
        Suite.fails(Exception.class, () -> alter(resource, "node.id", "77", OpType.SET));
    }

    private static void listConfigResources() throws Exception {
        String topic = Clients.newTopic(1);
        var all = ADMIN.listConfigResources(Set.of(ConfigResource.Type.TOPIC), new org.apache.kafka.clients.admin.ListConfigResourcesOptions()).all().get();
        Suite.check(all.contains(new ConfigResource(ConfigResource.Type.TOPIC, topic)), "the topic is not listed");
    }

    private static ListOffsetsResultInfo offset(TopicPartition partition, OffsetSpec spec) throws Exception {
        return ADMIN.listOffsets(Map.of(partition, spec)).partitionResult(partition).get();
    }

    private static void listOffsets() throws Exception {
        TopicPartition partition = new TopicPartition(Clients.newTopic(1), 0);
        equal(offset(partition, OffsetSpec.maxTimestamp()).offset(), -1L);
        long base = System.currentTimeMillis() - 50_000;
        try (var producer = Clients.producer()) {
            for (long delta : new long[] {0, 3000, 1000, 2000}) {
                producer.send(new org.apache.kafka.clients.producer.ProducerRecord<>(partition.topic(), 0, base + delta, null, "x")).get();
            }
        }
        equal(offset(partition, OffsetSpec.earliest()).offset(), 0L);
        equal(offset(partition, OffsetSpec.latest()).offset(), 4L);
        equal(offset(partition, OffsetSpec.maxTimestamp()).offset(), 1L);
        equal(offset(partition, OffsetSpec.maxTimestamp()).timestamp(), base + 3000);
        equal(offset(partition, OffsetSpec.forTimestamp(base + 500)).offset(), 1L);
        equal(offset(partition, OffsetSpec.forTimestamp(base)).offset(), 0L);
        equal(offset(partition, OffsetSpec.forTimestamp(base + 9000)).offset(), -1L);
        equal(offset(partition, OffsetSpec.earliestLocal()).offset(), 0L);
        equal(offset(partition, OffsetSpec.latestTiered()).offset(), -1L);
        Suite.check(offset(partition, OffsetSpec.latest()).leaderEpoch().equals(Optional.of(0)), "leader epoch");
    }

    private static void deleteRecords() throws Exception {
        TopicPartition partition = new TopicPartition(Clients.newTopic(1), 0);
        Clients.send(partition.topic(), "a", "b", "c", "d");
        var result = ADMIN.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(3)));
        equal(result.lowWatermarks().get(partition).get().lowWatermark(), 3L);
        equal(offset(partition, OffsetSpec.earliest()).offset(), 3L);
        equal(Clients.values(Clients.read(partition.topic(), 3, 1)), List.of("d"));
        Suite.fails(OffsetOutOfRangeException.class, () -> ADMIN.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(30))).all().get());
        ADMIN.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(-1))).all().get();
        equal(offset(partition, OffsetSpec.earliest()).offset(), 4L);
    }

    private static void logDirs() throws Exception {
        TopicPartition partition = new TopicPartition(Clients.newTopic(1), 0);
        Clients.send(partition.topic(), "a".repeat(1000));
        int id = ADMIN.describeCluster().nodes().get().iterator().next().id();
        var dirs = ADMIN.describeLogDirs(List.of(id)).allDescriptions().get().get(id);
        equal(dirs.size(), 1);
        var dir = dirs.values().iterator().next();
        equal(dir.error(), null);
        Suite.check(dir.totalBytes().orElse(0) > 0 && dir.usableBytes().orElse(0) > 0, "no volume sizes");
        var replica = dir.replicaInfos().get(partition);
        Suite.check(replica != null && replica.size() > 1000 && replica.offsetLag() == 0 && !replica.isFuture(), "replica: " + replica);
    }

    private static void describeProducers() throws Exception {
        TopicPartition partition = new TopicPartition(Clients.newTopic(1), 0);
        try (var producer = Clients.producer()) { // idempotent by default
            for (int i = 0; i < 3; i++) producer.send(new org.apache.kafka.clients.producer.ProducerRecord<>(partition.topic(), "v" + i)).get();
        }
        var states = ADMIN.describeProducers(List.of(partition)).partitionResult(partition).get().activeProducers();
        equal(states.size(), 1);
        equal(states.get(0).lastSequence(), 2);
        equal(states.get(0).currentTransactionStartOffset().isPresent(), false);
        Suite.check(states.get(0).lastTimestamp() > 0 && states.get(0).producerId() >= 0, states.toString());
    }
}
