package main

import (
	"fmt"
	"time"

	"github.com/IBM/sarama"
	. "ottla.invalid/compat/harness"
)

var addresses = []string{Bootstrap}

func newConfig(version sarama.KafkaVersion) *sarama.Config {
	config := sarama.NewConfig()
	config.ClientID = "compat-sarama"
	config.Version = version
	config.Producer.Return.Successes = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Consumer.Return.Errors = true
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Interval = 200 * time.Millisecond
	config.Consumer.Group.Heartbeat.Interval = 300 * time.Millisecond
	config.Metadata.Retry.Backoff = 50 * time.Millisecond
	config.Consumer.Retry.Backoff = 100 * time.Millisecond
	return config
}

func newest() *sarama.Config { return newConfig(sarama.MaxVersion) }

func newClient(t *T, config *sarama.Config) sarama.Client {
	client, err := sarama.NewClient(addresses, config)
	t.NoError(err)
	t.Cleanup(func() { client.Close() })
	return client
}

func newAdmin(t *T) sarama.ClusterAdmin { return adminWith(t, newest()) }

func adminWith(t *T, config *sarama.Config) sarama.ClusterAdmin {
	admin, err := sarama.NewClusterAdmin(addresses, config)
	t.NoError(err)
	t.Cleanup(func() { admin.Close() })
	return admin
}

// newTopic makes a topic that is ready for use; configs come as name, value, name, value.
func newTopic(t *T, partitions int32, configs ...string) string {
	topic := Unique("sarama")
	set := map[string]*string{}
	for i := 0; i < len(configs); i += 2 {
		set[configs[i]] = &configs[i+1]
	}
	admin := newAdmin(t)
	t.NoError(admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: set}, false), "create topic")
	waitForTopic(t, admin, topic)
	return topic
}

// waitForTopic until the broker knows what the controller has made.
func waitForTopic(t *T, admin sarama.ClusterAdmin, topic string) {
	t.Eventually("the topic", func() bool {
		all, err := admin.DescribeTopics([]string{topic})
		t.NoError(err)
		ready := all[0].Err == sarama.ErrNoError
		for _, partition := range all[0].Partitions {
			ready = ready && partition.Err == sarama.ErrNoError
		}
		return ready
	})
}

func newProducer(t *T, config *sarama.Config) sarama.SyncProducer {
	producer, err := sarama.NewSyncProducer(addresses, config)
	t.NoError(err)
	t.Cleanup(func() { producer.Close() })
	return producer
}

func messagesOf(topic string, values ...string) []*sarama.ProducerMessage {
	messages := make([]*sarama.ProducerMessage, len(values))
	for i, value := range values {
		messages[i] = &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(value)}
	}
	return messages
}

func produce(t *T, topic string, values ...string) {
	t.NoError(newProducer(t, newest()).SendMessages(messagesOf(topic, values...)), "produce")
}

// read takes count messages of a partition from an offset on.
func read(t *T, config *sarama.Config, topic string, partition int32, offset int64, count int) []*sarama.ConsumerMessage {
	consumer, err := sarama.NewConsumer(addresses, config)
	t.NoError(err)
	defer consumer.Close()
	claim, err := consumer.ConsumePartition(topic, partition, offset)
	t.NoError(err, "consume")
	defer claim.Close()
	return take(t, claim, count)
}

func take(t *T, claim sarama.PartitionConsumer, count int) []*sarama.ConsumerMessage {
	var messages []*sarama.ConsumerMessage
	for len(messages) < count {
		select {
		case message := <-claim.Messages():
			messages = append(messages, message)
		case err := <-claim.Errors():
			t.Fail("consume: %v", err)
		case <-t.Done():
			t.Fail("only %d of %d messages came", len(messages), count)
		}
	}
	return messages
}

func valuesOf(messages []*sarama.ConsumerMessage) []string {
	values := make([]string, len(messages))
	for i, message := range messages {
		values[i] = string(message.Value)
	}
	return values
}

func numbered(count int) []string {
	values := make([]string, count)
	for i := range values {
		values[i] = fmt.Sprintf("v%05d", i)
	}
	return values
}

func text(value string) *string { return &value }
