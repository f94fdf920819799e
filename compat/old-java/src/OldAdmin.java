/** What clients since 0.11 can do beside. */
public interface OldAdmin {
    void createTopic(String topic, int partitions) throws Exception;

    void deleteTopic(String topic) throws Exception;

    /** The value of a topic's setting. */
    String config(String topic, String name) throws Exception;

    void transaction(String topic, String transactionalId, String value, boolean commit) throws Exception;
}
