import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;

/** kafka-dump-log on the files of the broker; only where its data directory is at hand (COMPAT_DATA_DIR). */
final class DumpLogTests {
    private DumpLogTests() {}

    static void add(Suite suite) {
        if (Suite.DATA_DIR.isEmpty()) return;
        suite.test("tool dump-log segments", DumpLogTests::segments);
        suite.test("tool dump-log compressed batches", DumpLogTests::compressed);
        suite.test("tool dump-log __consumer_offsets", DumpLogTests::offsets);
        suite.test("tool dump-log __cluster_metadata", DumpLogTests::clusterMetadata);
        suite.test("tool storage info", DumpLogTests::storageInfo);
    }

    private static List<Path> files(String directory, String suffix) throws Exception {
        try (var list = Files.list(Path.of(Suite.DATA_DIR, directory))) {
            return new ArrayList<>(list.filter(path -> path.toString().endsWith(suffix)).sorted().toList());
        }
    }

    private static String dump(Path file, String... more) throws Exception {
        String[] args = new String[more.length + 2];
        args[0] = "--files";
        args[1] = file.toString();
        System.arraycopy(more, 0, args, 2, more.length);
        var output = Suite.tool("", "DumpLogSegments", args);
        // Of a segment that does not begin at offset 0 it says "-1 is followed by N", and means nothing by it.
        String all = (output.out() + output.err()).replaceAll("Non-consecutive offsets in \\S+\\s+-1 is followed by \\d+\\s", "");
        Suite.check(output.code() == 0, file + " ended with " + output.code() + ": " + all);
        for (String complaint : List.of("Found timestamp mismatch", "Index offset mismatch", "Mismatches in", "out of order timestamp",
            "isvalid: false", "Non-consecutive offsets", "Corrupt", "corrupt", "Could not open", "bytes of extra")) {
            Suite.check(!all.contains(complaint), file + ": " + complaint + " in " + tail(all));
        }
        return all;
    }

    private static String tail(String text) {
        return text.replaceAll("x{20,}", "x...").substring(Math.max(0, text.replaceAll("x{20,}", "x...").length() - 1200));
    }

    private static void segments() throws Exception {
        String topic = Clients.newTopic(1, Map.of("segment.bytes", "1048576", "index.interval.bytes", "1024"));
        try (var producer = Clients.producer("batch.size", "4000")) {
            for (int i = 0; i < 4000; i++) producer.send(new ProducerRecord<>(topic, "key" + i, "value " + i + "x".repeat(800)));
        }
        String directory = topic + "-0";
        Suite.eventually("three segments", () -> files(directory, ".log").size() >= 3);
        long records = 0;
        for (Path log : files(directory, ".log")) {
            String text = dump(log, "--deep-iteration", "--print-data-log");
            records += text.lines().filter(line -> line.contains("payload: value ")).count();
        }
        Suite.equal(records, 4000L);
        for (Path index : files(directory, ".index")) dump(index);
        for (Path index : files(directory, ".index")) dump(index, "--verify-index-only");
        for (Path index : files(directory, ".timeindex")) dump(index);
        List<Path> snapshots = files(directory, ".snapshot");
        Suite.check(!snapshots.isEmpty(), "no producer snapshots at a roll");
        Suite.contains(dump(snapshots.get(0)), "producerId: ", "lastSequence: ");
        Suite.check(Files.readString(Path.of(Suite.DATA_DIR, directory, "partition.metadata")).startsWith("version: 0\ntopic_id: "), "partition.metadata");
        Suite.equal(Files.readString(Path.of(Suite.DATA_DIR, directory, "leader-epoch-checkpoint")), "0\n1\n0 0\n");
    }

    private static void compressed() throws Exception {
        String topic = Clients.newTopic(1);
        for (String codec : List.of("gzip", "snappy", "lz4", "zstd")) {
            try (var producer = Clients.producer("compression.type", codec, "linger.ms", "20")) {
                for (int i = 0; i < 20; i++) producer.send(new ProducerRecord<>(topic, codec + i));
            }
        }
        String text = dump(files(topic + "-0", ".log").get(0), "--deep-iteration", "--print-data-log");
        for (String codec : List.of("gzip", "snappy", "lz4", "zstd")) Suite.contains(text, "compresscodec: " + codec, "payload: " + codec + "19");
    }

    private static void offsets() throws Exception {
        String topic = Clients.newTopic(1);
        String group = Suite.unique("group");
        Clients.send(topic, "a");
        try (var consumer = Clients.consumer(group)) {
            consumer.subscribe(List.of(topic));
            Clients.poll(consumer, 1);
            consumer.commitSync();
        }
        StringBuilder all = new StringBuilder();
        try (var list = Files.list(Path.of(Suite.DATA_DIR))) {
            for (Path path : list.filter(p -> p.getFileName().toString().startsWith("__consumer_offsets-")).toList()) {
                for (Path log : files(path.getFileName().toString(), ".log")) all.append(dump(log, "--offsets-decoder"));
            }
        }
        Suite.contains(all.toString(), "\"group\":\"" + group + "\"", "\"topic\":\"" + topic + "\"", "\"protocolType\":\"consumer\"");
    }

    private static void clusterMetadata() throws Exception {
        String topic = Clients.newTopic(2);
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Clients.ADMIN.incrementalAlterConfigs(Map.of(resource, List.of(
            new AlterConfigOp(new ConfigEntry("retention.ms", "31337"), AlterConfigOp.OpType.SET)))).all().get();
        StringBuilder all = new StringBuilder();
        for (Path log : files("__cluster_metadata-0", ".log")) all.append(dump(log, "--cluster-metadata-decoder"));
        Suite.contains(all.toString(), "LeaderChange", "REGISTER_BROKER_RECORD", "FEATURE_LEVEL_RECORD", "\"name\":\"" + topic + "\"", "PARTITION_RECORD", "31337");
        for (Path index : files("__cluster_metadata-0", ".index")) dump(index);
    }

    private static void storageInfo() throws Exception {
        String meta = Files.readString(Path.of(Suite.DATA_DIR, "meta.properties"));
        Suite.contains(meta, "version=1", "cluster.id=", "node.id=", "directory.id=");
        Suite.contains(meta, "cluster.id=" + Clients.ADMIN.describeCluster().clusterId().get());
    }
}
