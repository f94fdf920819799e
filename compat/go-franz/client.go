package main

import (
	"fmt"
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	. "ottla.invalid/compat/harness"
)

// newClient lives as long as its test.
func newClient(t *T, options ...kgo.Opt) *kgo.Client {
	base := []kgo.Opt{
		kgo.SeedBrokers(Bootstrap),
		kgo.ClientID("compat-franz"),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.FetchMaxWait(500 * time.Millisecond),
	}
	client, err := kgo.NewClient(append(base, options...)...)
	t.NoError(err)
	t.Cleanup(client.Close)
	return client
}

func newAdmin(t *T, options ...kgo.Opt) *kadm.Client { return kadm.NewClient(newClient(t, options...)) }

// newTopic makes a topic that is ready for use; configs come as name, value, name, value.
func newTopic(t *T, partitions int32, configs ...string) string {
	topic := Unique("franz")
	set := map[string]*string{}
	for i := 0; i < len(configs); i += 2 {
		set[configs[i]] = &configs[i+1]
	}
	admin := newAdmin(t)
	_, err := admin.CreateTopic(t, partitions, 1, set, topic)
	t.NoError(err, "create topic")
	waitForTopic(t, admin, topic)
	return topic
}

// waitForTopic until every partition has a leader: a broker may learn of a topic after the controller has made it.
func waitForTopic(t *T, admin *kadm.Client, topic string) {
	t.Eventually("the topic", func() bool {
		all, err := admin.Metadata(t, topic)
		t.NoError(err)
		details := all.Topics[topic]
		ready := details.Err == nil
		for _, partition := range details.Partitions {
			ready = ready && partition.Err == nil
		}
		return ready
	})
}

// produce writes one record of each value to partition 0.
func produce(t *T, topic string, values ...string) []*kgo.Record {
	client := newClient(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	records := make([]*kgo.Record, len(values))
	for i, value := range values {
		records[i] = &kgo.Record{Topic: topic, Value: []byte(value)}
	}
	t.NoError(client.ProduceSync(t, records...).FirstErr(), "produce")
	return records
}

// poll reads until it has count records.
func poll(t *T, client *kgo.Client, count int) []*kgo.Record {
	var records []*kgo.Record
	for len(records) < count {
		fetches := client.PollFetches(t)
		if t.Err() != nil {
			t.Fail("only %d of %d records came", len(records), count)
		}
		for _, failed := range fetches.Errors() {
			t.Fail("fetch of %s-%d: %v", failed.Topic, failed.Partition, failed.Err)
		}
		records = append(records, fetches.Records()...)
	}
	return records
}

func consumerOf(t *T, topic string, offset kgo.Offset, options ...kgo.Opt) *kgo.Client {
	at := map[string]map[int32]kgo.Offset{topic: {0: offset}}
	return newClient(t, append(options, kgo.ConsumePartitions(at))...)
}

func valuesOf(records []*kgo.Record) []string {
	values := make([]string, len(records))
	for i, record := range records {
		values[i] = string(record.Value)
	}
	return values
}

func sorted(values []string) []string {
	sort.Strings(values)
	return values
}

func numbered(count int) []string {
	values := make([]string, count)
	for i := range values {
		values[i] = fmt.Sprintf("v%05d", i)
	}
	return values
}

// eachPartition lists `topic-partition` of an assignment.
func eachPartition(assigned map[string][]int32) []string {
	var all []string
	for topic, partitions := range assigned {
		for _, partition := range partitions {
			all = append(all, fmt.Sprintf("%s-%d", topic, partition))
		}
	}
	return sorted(all)
}
