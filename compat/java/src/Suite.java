import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.kafka.common.utils.Exit;

/** Named tests with a time limit, reported as JSON lines on stdout. */
final class Suite {
    interface Body {
        void run() throws Exception;
    }

    private record Test(Body body, String needs, int limitSeconds) {}

    static final String BOOTSTRAP = System.getenv().getOrDefault("COMPAT_BOOTSTRAP", "127.0.0.1:9092");
    static final String DATA_DIR = System.getenv().getOrDefault("COMPAT_DATA_DIR", "");
    private static final PrintStream REPORT = System.out;
    private static final Random RANDOM = new Random();
    private final Map<String, Test> tests = new LinkedHashMap<>();

    void test(String name, Body body) {
        test(name, 40, null, body);
    }

    void test(String name, int limitSeconds, String needs, Body body) {
        tests.put(name, new Test(body, needs, limitSeconds));
    }

    void run() {
        Set<String> notServed = Set.of(System.getenv().getOrDefault("COMPAT_NOT_SERVED", "-").split(","));
        String only = System.getenv().getOrDefault("COMPAT_ONLY", "");
        Pattern pattern = only.isEmpty() ? null : Pattern.compile(only);
        tests.forEach((name, test) -> {
            if (pattern != null && !pattern.matcher(name).find()) return;
            if (test.needs() != null && notServed.contains(test.needs())) {
                report(name, "not served", test.needs(), 0);
                return;
            }
            long start = System.nanoTime();
            Throwable error = limited(name, test);
            report(name, error == null ? "pass" : "fail", error == null ? null : text(error), (System.nanoTime() - start) / 1_000_000);
        });
    }

    private static Throwable limited(String name, Test test) {
        FutureTask<Void> task = new FutureTask<>(() -> {
            test.body().run();
            return null;
        });
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
        try {
            task.get(test.limitSeconds(), TimeUnit.SECONDS);
            return null;
        } catch (ExecutionException e) {
            return e.getCause();
        } catch (Exception e) {
            StringBuilder where = new StringBuilder("no end after " + test.limitSeconds() + " s");
            for (StackTraceElement frame : thread.getStackTrace()) where.append(" < ").append(frame);
            thread.interrupt();
            return new Error(where.toString());
        }
    }

    private static void report(String test, String status, String detail, long ms) {
        StringBuilder line = new StringBuilder("{\"test\":").append(json(test)).append(",\"status\":").append(json(status));
        if (detail != null) line.append(",\"detail\":").append(json(detail.length() > 1500 ? detail.substring(0, 1500) : detail));
        REPORT.println(line.append(",\"ms\":").append(ms).append('}'));
        REPORT.flush();
    }

    private static String text(Throwable error) {
        StringWriter out = new StringWriter();
        error.printStackTrace(new PrintWriter(out));
        return out.toString();
    }

    private static String json(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c == '\n') out.append("\\n");
            else if (c < ' ' || c > '~') out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }

    static String unique(String prefix) {
        byte[] bytes = new byte[5];
        RANDOM.nextBytes(bytes);
        return prefix + "-" + HexFormat.of().formatHex(bytes);
    }

    static void check(boolean condition, String message) {
        if (!condition) throw new AssertionError(message);
    }

    static void equal(Object actual, Object expected) {
        if (!java.util.Objects.equals(actual, expected)) {
            throw new AssertionError("got " + actual + ", expected " + expected);
        }
    }

    static void contains(String text, String... parts) {
        for (String part : parts) check(text.contains(part), "no '" + part + "' in: " + text);
    }

    /** Fails unless the body throws `type` (bare or as the cause of an ExecutionException). */
    static Throwable fails(Class<? extends Throwable> type, Body body) {
        try {
            body.run();
        } catch (Throwable error) {
            Throwable cause = error;
            while (cause != null && !type.isInstance(cause)) cause = cause.getCause();
            if (cause != null) return cause;
            throw new AssertionError("expected " + type.getSimpleName() + ", got " + text(error));
        }
        throw new AssertionError("expected " + type.getSimpleName() + ", got no error");
    }

    interface Probe {
        boolean holds() throws Exception;
    }

    static void eventually(String what, Probe probe) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!probe.holds()) {
            check(System.nanoTime() < end, "timed out waiting for " + what);
            Thread.sleep(50);
        }
    }

    /** What a command-line tool printed, and its exit code. */
    record Output(int code, String out, String err) {}

    private static final class Exited extends Error {
        final int code;

        Exited(int code, String message) {
            super("exit " + code + (message == null ? "" : ": " + message), null, false, false);
            this.code = code;
        }
    }

    /** Runs the main method of a tool in this JVM: a start of its own costs a second. */
    static Output tool(String stdin, String main, String... args) throws Exception {
        Exited[] first = new Exited[1]; // a tool may catch what its own exit throws, and exit again
        List<Runnable> hooks = new ArrayList<>();
        Exit.setExitProcedure((code, message) -> {
            if (first[0] == null) first[0] = new Exited(code, message);
            throw first[0];
        });
        Exit.setShutdownHookAdder((name, runnable) -> hooks.add(runnable));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        var savedIn = System.in;
        var savedErr = System.err;
        System.setIn(new java.io.ByteArrayInputStream(stdin.getBytes(StandardCharsets.UTF_8)));
        PrintStream outStream = new PrintStream(out, true, StandardCharsets.UTF_8);
        PrintStream errStream = new PrintStream(err, true, StandardCharsets.UTF_8);
        System.setOut(outStream);
        System.setErr(errStream);
        try {
            if (main.startsWith("kafka.")) scalaConsole(main, args, outStream, errStream);
            else Class.forName("org.apache.kafka.tools." + main).getMethod("main", String[].class).invoke(null, (Object) args);
        } catch (java.lang.reflect.InvocationTargetException e) {
            if (!(e.getCause() instanceof Exited)) throw e;
        } finally {
            for (Runnable hook : hooks) hook.run();
            System.setIn(savedIn);
            System.setOut(REPORT);
            System.setErr(savedErr);
        }
        int code = first[0] == null ? 0 : first[0].code;
        if (first[0] != null && first[0].getMessage().contains(": ")) err.writeBytes(first[0].getMessage().getBytes(StandardCharsets.UTF_8));
        return new Output(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** Scala keeps streams of its own, set for one call by Console.withOut. */
    private static void scalaConsole(String name, String[] args, PrintStream out, PrintStream err) throws Exception {
        Throwable[] thrown = new Throwable[1];
        scala.Console.withOut(out, () -> scala.Console.withErr(err, () -> {
            try {
                Class.forName(name).getMethod("main", String[].class).invoke(null, (Object) args);
            } catch (java.lang.reflect.InvocationTargetException e) {
                thrown[0] = e;
            } catch (ReflectiveOperationException e) {
                throw new AssertionError(e);
            }
            return null;
        }));
        if (thrown[0] != null) throw (Exception) thrown[0];
    }

    /** A tool that must end with exit code 0; returns what it printed on stdout. */
    static String ok(String stdin, String main, String... args) throws Exception {
        Output output = tool(stdin, main, args);
        check(output.code() == 0, main + " ended with " + output.code() + ": " + output.out() + output.err());
        return output.out();
    }

    /** A tool that acts in a shutdown hook of the JVM: it needs one of its own. Returns what it printed on stdout. */
    static String process(String main, String... args) throws Exception {
        List<String> command = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElse("java"), "-Xmx128m", "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path"), "org.apache.kafka.tools." + main));
        command.addAll(List.of(args));
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        check(process.waitFor() == 0, main + " ended with " + process.exitValue() + ": " + out);
        return out;
    }
}
