import java.time.Duration;
import java.util.List;
import org.apache.kafka.clients.consumer.KafkaConsumer;

/** kafka-consumer-groups and kafka-groups. */
final class GroupToolTests {
    private static final String B = Suite.BOOTSTRAP;
    private static final String TOOL = "consumer.group.ConsumerGroupCommand";

    private GroupToolTests() {}

    static void add(Suite suite) {
        suite.test("tool consumer-groups describe", GroupToolTests::describe);
        suite.test("tool consumer-groups reset", GroupToolTests::reset);
        suite.test("tool consumer-groups delete", GroupToolTests::delete);
        suite.test("tool groups", GroupToolTests::groups);
    }

    /** A group that has consumed two of three records. */
    private static String group(String topic) throws Exception {
        String group = Suite.unique("group");
        Clients.send(topic, "a", "b", "c");
        try (KafkaConsumer<String, String> consumer = Clients.consumer(group, "max.poll.records", "2")) {
            consumer.subscribe(List.of(topic));
            Clients.poll(consumer, 2);
            consumer.commitSync();
        }
        return group;
    }

    private static String run(String... args) throws Exception {
        String[] all = new String[args.length + 2];
        all[0] = "--bootstrap-server";
        all[1] = B;
        System.arraycopy(args, 0, all, 2, args.length);
        return Suite.ok("", TOOL, all);
    }

    private static String row(String text, String topic) {
        return text.lines().filter(line -> line.contains(topic)).findFirst().orElse("").replaceAll(" +", " ");
    }

    private static void describe() throws Exception {
        String topic = Clients.newTopic(1);
        String group = group(topic);
        Suite.contains(row(run("--describe", "--group", group), topic), topic + " 0 2 3 1");
        try (KafkaConsumer<String, String> consumer = Clients.consumer(group)) {
            consumer.subscribe(List.of(topic));
            while (consumer.assignment().isEmpty()) consumer.poll(Duration.ofMillis(100));
            String[] wide = {"--describe", "--group", group};
            Suite.contains(run(wide), "compat-java", "/127.0.0.1");
            Suite.contains(run("--describe", "--group", group, "--members", "--verbose"), topic, "/127.0.0.1");
            Suite.contains(run("--describe", "--group", group, "--state"), "Stable", "range", "127.0.0.1");
        }
        Suite.contains(run("--list"), group);
        Suite.contains(row(run("--list", "--state"), group), "Empty");
        Suite.contains(run("--describe", "--group", group, "--state"), "Empty");
        Suite.contains(run("--describe", "--all-groups"), group);
    }

    private static void reset() throws Exception {
        String topic = Clients.newTopic(1);
        String group = group(topic);
        String[] base = {"--group", group, "--topic", topic, "--reset-offsets"};
        Suite.contains(row(run(join(base, "--to-earliest", "--dry-run")), topic), topic + " 0 0");
        Suite.contains(row(run("--describe", "--group", group), topic), topic + " 0 2 3 1");
        run(join(base, "--to-earliest", "--execute"));
        Suite.contains(row(run("--describe", "--group", group), topic), topic + " 0 0 3 3");
        run(join(base, "--to-latest", "--execute"));
        Suite.contains(row(run("--describe", "--group", group), topic), topic + " 0 3 3 0");
        run(join(base, "--shift-by", "-2", "--execute"));
        Suite.contains(row(run("--describe", "--group", group), topic), topic + " 0 1 3 2");
        run(join(base, "--to-datetime", "2020-01-01T00:00:00.000", "--execute"));
        Suite.contains(row(run("--describe", "--group", group), topic), topic + " 0 0 3 3");
        run(join(base, "--to-offset", "2", "--execute"));
        Suite.contains(row(run("--describe", "--group", group), topic), topic + " 0 2 3 1");
    }

    private static String[] join(String[] base, String... more) {
        String[] all = java.util.Arrays.copyOf(base, base.length + more.length);
        System.arraycopy(more, 0, all, base.length, more.length);
        return all;
    }

    private static void delete() throws Exception {
        String topic = Clients.newTopic(1);
        String group = group(topic);
        Suite.contains(run("--group", group, "--topic", topic, "--delete-offsets"), "Successful");
        Suite.contains(run("--delete", "--group", group), "successful");
        Suite.check(!run("--list").contains(group), "the group is still there");
    }

    private static void groups() throws Exception {
        String group = group(Clients.newTopic(1));
        String out = Suite.ok("", "GroupsCommand", "--bootstrap-server", B, "--list");
        Suite.contains(row(out, group), "Classic consumer");
    }
}
