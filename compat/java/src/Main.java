/** The Java clients of Apache Kafka against a broker: entry point. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        Suite suite = new Suite();
        Clients.warmUp();
        AdminTests.add(suite);
        ProducerTests.add(suite);
        ConsumerTests.add(suite);
        GroupTests.add(suite);
        ConsumerProtocolTests.add(suite);
        ToolTests.add(suite);
        GroupToolTests.add(suite);
        QuotaTests.add(suite);
        DumpLogTests.add(suite);
        if ("1".equals(System.getenv("COMPAT_HEAVY"))) PerfTests.add(suite);
        suite.run();
        System.exit(0);
    }
}
