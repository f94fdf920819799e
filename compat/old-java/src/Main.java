import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** Old Java clients beside that of today: Main CACHE VERSION ... */
public final class Main {
    private static Admin admin;

    public static void main(String[] args) throws Exception {
        admin = Admin.create(Map.of("bootstrap.servers", Suite.BOOTSTRAP));
        Suite suite = new Suite();
        for (String version : Arrays.asList(args).subList(1, args.length)) {
            ClassLoader loader = loader(args[0], version);
            add(suite, version, (OldClient) loader.loadClass("Client").getDeclaredConstructor().newInstance());
            if (!version.startsWith("0.9.") && !version.startsWith("0.10.")) {
                addNewer(suite, version, (OldAdmin) loader.loadClass("Newer").getDeclaredConstructor().newInstance());
            }
        }
        suite.run();
        System.exit(0);
    }

    /** Sees the JDK, this version's jars and classes, and the interfaces that it shares with the tests. */
    private static ClassLoader loader(String cache, String version) throws Exception {
        List<URL> urls = new ArrayList<>();
        urls.add(new File(cache + "/classes/" + version + "/").toURI().toURL());
        for (File jar : new File(cache + "/libs/" + version).listFiles()) urls.add(jar.toURI().toURL());
        ClassLoader shared = new ClassLoader(ClassLoader.getPlatformClassLoader()) {
            @Override
            protected Class<?> findClass(String name) throws ClassNotFoundException {
                if (name.startsWith("Old")) return Main.class.getClassLoader().loadClass(name);
                throw new ClassNotFoundException(name);
            }
        };
        return new URLClassLoader(urls.toArray(URL[]::new), shared);
    }

    private static String topic(int partitions, String... configs) throws Exception {
        String topic = Suite.unique("oldjava");
        NewTopic wanted = new NewTopic(topic, partitions, (short) 1);
        if (configs.length > 0) wanted.configs(Map.of(configs[0], configs[1]));
        admin.createTopics(List.of(wanted)).all().get();
        return topic;
    }

    private static Properties modernSettings() {
        // The old client has set its own, by which classes that settings name are found.
        Thread.currentThread().setContextClassLoader(Main.class.getClassLoader());
        Properties settings = new Properties();
        settings.put("bootstrap.servers", Suite.BOOTSTRAP);
        return settings;
    }

    private static void produceModern(String topic, String codec, String... values) {
        Properties settings = modernSettings();
        settings.put("compression.type", codec);
        settings.put("linger.ms", "5");
        settings.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        settings.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        try (var producer = new KafkaProducer<String, String>(settings)) {
            for (String value : values) {
                var record = new ProducerRecord<String, String>(topic, 0, null, value);
                record.headers().add("h", new byte[] {1});
                producer.send(record);
            }
        }
    }

    private static List<String> readModern(String topic, int count, boolean committed) {
        Properties settings = modernSettings();
        settings.put("isolation.level", committed ? "read_committed" : "read_uncommitted");
        settings.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        settings.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        List<String> values = new ArrayList<>();
        try (var consumer = new KafkaConsumer<String, String>(settings)) {
            var partition = List.of(new TopicPartition(topic, 0));
            consumer.assign(partition);
            consumer.seekToBeginning(partition);
            while (values.size() < count) {
                consumer.poll(Duration.ofMillis(100)).forEach(record -> values.add(record.value()));
            }
        }
        return values;
    }

    private static List<String> numbered(int count, int length) {
        return IntStream.range(0, count).mapToObj(i -> "m" + i + "x".repeat(length)).toList();
    }

    private static List<String> values(List<OldClient.Read> read) {
        return read.stream().map(OldClient.Read::value).toList();
    }

    private static void add(Suite suite, String version, OldClient old) {
        for (String codec : List.of("none", "gzip", "snappy", "lz4")) {
            suite.test(version + ": produce " + codec, () -> {
                String topic = topic(1);
                List<String> sent = numbered(200, 100);
                old.send(topic, sent, Map.of("compression.type", codec, "linger.ms", "20"));
                Suite.equal(values(old.read(topic, 0, 200, Map.of())), sent);
                Suite.equal(readModern(topic, 200, false), sent);
            });
        }
        for (String acks : List.of("0", "1", "all")) {
            suite.test(version + ": produce acks=" + acks, () -> {
                String topic = topic(1);
                List<Long> offsets = old.send(topic, List.of("a", "b"), Map.of("acks", acks));
                if (!acks.equals("0")) Suite.equal(offsets, List.of(0L, 1L));
                Suite.equal(values(old.read(topic, 0, 2, Map.of())), List.of("a", "b"));
            });
        }
        suite.test(version + ": beside new clients", () -> {
            String topic = topic(1);
            produceModern(topic, "none", "new 0", "new 1");
            old.send(topic, List.of("old 0", "old 1"), Map.of("compression.type", "gzip", "linger.ms", "20"));
            produceModern(topic, "snappy", "new 2", "new 3");
            old.send(topic, List.of("old 2"), Map.of());
            produceModern(topic, "lz4", "new 4");
            List<String> all = List.of("new 0", "new 1", "old 0", "old 1", "new 2", "new 3", "old 2", "new 4");
            Suite.equal(values(old.read(topic, 0, 8, Map.of())), all);
            Suite.equal(values(old.read(topic, 3, 5, Map.of())), all.subList(3, 8));
            Suite.equal(readModern(topic, 8, false), all);
        });
        suite.test(version + ": consume small fetches", () -> {
            String topic = topic(1);
            List<String> sent = numbered(50, 1000);
            old.send(topic, sent, Map.of("batch.size", "3000", "compression.type", "snappy"));
            Suite.equal(values(old.read(topic, 0, 50, Map.of("max.partition.fetch.bytes", "4000"))), sent);
        });
        suite.test(version + ": consume out of range resets", () -> {
            String topic = topic(1);
            old.send(topic, List.of("a", "b"), Map.of());
            Suite.equal(values(old.read(topic, 1000, 2, Map.of("auto.offset.reset", "earliest"))), List.of("a", "b"));
        });
        suite.test(version + ": commit and fetch offsets without a group", () -> {
            Suite.equal(old.commit(topic(1), Suite.unique("group"), 7), 7L);
        });
        suite.test(version + ": group join", () -> {
            String topic = topic(2);
            String group = Suite.unique("group");
            old.send(topic, List.of("a", "b", "c"), Map.of());
            var one = old.join(group, topic);
            Suite.eventually("three records", () -> one.values().size() == 3);
            one.leave();
            old.send(topic, List.of("d"), Map.of());
            var next = old.join(group, topic);
            Suite.eventually("a record", () -> !next.values().isEmpty());
            Suite.equal(next.values(), List.of("d"));
            next.leave();
        });
        suite.test(version + ": group rebalance", () -> {
            String topic = topic(2);
            String group = Suite.unique("group");
            var one = old.join(group, topic);
            Suite.eventually("both partitions", () -> one.partitions() == 2);
            var two = old.join(group, topic);
            Suite.eventually("one partition each", () -> one.partitions() == 1 && two.partitions() == 1);
            two.leave();
            Suite.eventually("both partitions again", () -> one.partitions() == 2);
            one.leave();
        });
        if (!version.startsWith("0.9.")) suite.test(version + ": append time", () -> {
            String topic = topic(1, "message.timestamp.type", "LogAppendTime");
            long before = System.currentTimeMillis();
            old.send(topic, List.of("a"), Map.of("compression.type", "gzip"));
            long timestamp = old.read(topic, 0, 1, Map.of()).get(0).timestamp();
            Suite.check(timestamp >= before && timestamp <= System.currentTimeMillis(), "timestamp " + timestamp);
        });
    }

    private static void addNewer(Suite suite, String version, OldAdmin old) {
        suite.test(version + ": create and delete topic", () -> {
            String topic = Suite.unique("oldjava");
            old.createTopic(topic, 3);
            Suite.equal(admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size(), 3);
            old.deleteTopic(topic);
            Suite.check(!admin.listTopics().names().get().contains(topic), "it is there still");
        });
        suite.test(version + ": describe topic configs", () -> {
            Suite.equal(old.config(topic(1, "retention.ms", "12345"), "retention.ms"), "12345");
        });
        suite.test(version + ": transaction commit", () -> {
            String topic = topic(1);
            old.transaction(topic, Suite.unique("tx"), "inside", true);
            produceModern(topic, "none", "after");
            Suite.equal(readModern(topic, 2, true), List.of("inside", "after"));
        });
        suite.test(version + ": transaction abort", () -> {
            String topic = topic(1);
            old.transaction(topic, Suite.unique("tx"), "inside", false);
            produceModern(topic, "none", "after");
            Suite.equal(readModern(topic, 1, true), List.of("after"));
        });
    }
}
