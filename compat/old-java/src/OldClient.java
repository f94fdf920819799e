import java.util.List;
import java.util.Map;

/** What the tests want of an old client, in types that every class loader shares. Settings are the client's own. */
public interface OldClient {
    /** A record as read: timestamp is -1 where the client knows none. */
    record Read(long offset, String key, String value, long timestamp) {}

    /** A member of a group, polled by a thread of its own. */
    interface Member {
        int partitions();

        List<String> values();

        /** Commits what was read, and leaves. */
        void leave() throws Exception;
    }

    /** Offsets, in order. */
    List<Long> send(String topic, List<String> values, Map<String, String> settings) throws Exception;

    List<Read> read(String topic, long offset, int count, Map<String, String> settings) throws Exception;

    /** Commits an offset without joining, and gives what is committed then. */
    long commit(String topic, String group, long offset) throws Exception;

    Member join(String group, String topic) throws Exception;
}
