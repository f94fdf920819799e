import java.util.List;

/** Longer runs of the performance tools; only with --all. */
final class PerfTests {
    private PerfTests() {}

    static void add(Suite suite) {
        for (String codec : List.of("none", "lz4", "zstd")) {
            suite.test("perf producer and consumer " + codec, 120, null, () -> run(codec));
        }
    }

    private static void run(String codec) throws Exception {
        String topic = Clients.newTopic(6);
        String produced = Suite.ok("", "ProducerPerformance", "--topic", topic, "--num-records", "300000", "--record-size", "500", "--throughput", "-1",
            "--bootstrap-server", Suite.BOOTSTRAP, "--command-property", "acks=all", "--command-property", "compression.type=" + codec);
        System.err.println(codec + ": " + produced.lines().reduce((a, b) -> b).orElse(""));
        String consumed = Suite.ok("", "ConsumerPerformance", "--bootstrap-server", Suite.BOOTSTRAP, "--topic", topic, "--num-records", "300000", "--timeout", "30000");
        System.err.println(codec + ": " + consumed.lines().reduce((a, b) -> b).orElse(""));
        Suite.contains(consumed, ", 300000,");
    }
}
