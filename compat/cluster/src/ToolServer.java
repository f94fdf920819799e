import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * Runs command-line tools of Apache Kafka in this one JVM, since a start costs a second: reads lines of JSON, each a list of
 * a class and its arguments, and answers each with a line that tells exit code and output.
 */
final class ToolServer {
    private ToolServer() {}

    public static void main(String[] args) throws Exception {
        PrintStream answers = System.out;
        ObjectMapper json = new ObjectMapper();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] command = json.readValue(line, String[].class);
            List<String> arguments = List.of(command).subList(1, command.length);
            Suite.Output output;
            try {
                output = Suite.tool("", command[0], arguments.toArray(String[]::new));
            } catch (Exception error) {
                Throwable cause = error.getCause() == null ? error : error.getCause();
                output = new Suite.Output(255, "", cause.toString());
            }
            answers.println(json.writeValueAsString(Map.of("code", output.code(), "out", output.out(), "err", output.err())));
            answers.flush();
        }
        System.exit(0);
    }
}
