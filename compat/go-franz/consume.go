package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	. "ottla.invalid/compat/harness"
)

func consumeTests() {
	start, end := kgo.NewOffset().AtStart(), kgo.NewOffset().AtEnd()

	Test("consume from earliest", func(t *T) {
		topic := newTopic(t, 1)
		produce(t, topic, "a", "b", "c")
		t.Equal(valuesOf(poll(t, consumerOf(t, topic, start), 3)), []string{"a", "b", "c"})
	})

	Test("consume from latest", func(t *T) {
		topic := newTopic(t, 1)
		produce(t, topic, "old")
		client := consumerOf(t, topic, end)
		short, cancel := context.WithTimeout(t, 700*time.Millisecond)
		defer cancel()
		t.Equal(len(client.PollFetches(short).Records()), 0)
		produce(t, topic, "new")
		t.Equal(valuesOf(poll(t, client, 1)), []string{"new"})
	})

	Test("consume from offset", func(t *T) {
		topic := newTopic(t, 1)
		produce(t, topic, "a", "b", "c")
		t.Equal(valuesOf(poll(t, consumerOf(t, topic, kgo.NewOffset().At(1)), 2)), []string{"b", "c"})
		t.Equal(valuesOf(poll(t, consumerOf(t, topic, start.Relative(2)), 1)), []string{"c"})
		t.Equal(valuesOf(poll(t, consumerOf(t, topic, end.Relative(-1)), 1)), []string{"c"})
	})

	Test("consume from timestamp", func(t *T) {
		topic := newTopic(t, 1)
		client := newClient(t)
		for i := range 5 {
			record := &kgo.Record{Topic: topic, Timestamp: time.UnixMilli(1_600_000_000_000 + int64(i)*1000), Value: []byte(fmt.Sprint(i))}
			t.NoError(client.ProduceSync(t, record).FirstErr())
		}
		read := poll(t, consumerOf(t, topic, kgo.NewOffset().AfterMilli(1_600_000_002_500)), 2)
		t.Equal(valuesOf(read), []string{"3", "4"})
	})

	Test("consume out of range resets", func(t *T) {
		topic := newTopic(t, 1)
		produce(t, topic, "a", "b")
		client := consumerOf(t, topic, kgo.NewOffset().At(1000), kgo.ConsumeResetOffset(start))
		t.Equal(valuesOf(poll(t, client, 2)), []string{"a", "b"})
	})

	Test("consume out of range without reset fails", func(t *T) {
		topic := newTopic(t, 1)
		produce(t, topic, "a", "b")
		client := consumerOf(t, topic, kgo.NewOffset().At(1000), kgo.ConsumeResetOffset(kgo.NoResetOffset()))
		errors := client.PollFetches(t).Errors()
		t.True(len(errors) > 0, "an error")
		t.Error(errors[0].Err, "OFFSET_OUT_OF_RANGE")
	})

	Test("consume many partitions", func(t *T) {
		topic := newTopic(t, 30)
		producer := newClient(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
		var records []*kgo.Record
		for i := range 300 {
			records = append(records, &kgo.Record{Topic: topic, Partition: int32(i % 30), Value: []byte(fmt.Sprint(i))})
		}
		t.NoError(producer.ProduceSync(t, records...).FirstErr())
		client := newClient(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(start))
		seen := map[string]int{}
		for _, record := range poll(t, client, 300) {
			seen[string(record.Value)]++
		}
		t.Equal(len(seen), 300)
	})

	Test("consume by topic pattern", func(t *T) {
		prefix := Unique("pattern")
		admin := newAdmin(t)
		_, err := admin.CreateTopics(t, 1, 1, nil, prefix+"-1", prefix+"-2")
		t.NoError(err)
		client := newClient(t, kgo.ConsumeRegex(), kgo.ConsumeTopics("^"+prefix+"-.*"), kgo.ConsumeResetOffset(start), kgo.MetadataMaxAge(time.Second))
		produce(t, prefix+"-1", "one")
		produce(t, prefix+"-2", "two")
		t.Equal(sorted(valuesOf(poll(t, client, 2))), []string{"one", "two"})
		_, err = admin.CreateTopic(t, 1, 1, nil, prefix+"-3")
		t.NoError(err)
		produce(t, prefix+"-3", "three")
		t.Equal(valuesOf(poll(t, client, 1)), []string{"three"})
	})

	Test("consume small fetches", func(t *T) {
		topic := newTopic(t, 3)
		values := numbered(300)
		producer := newClient(t, kgo.ProducerLinger(0), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
		for i, value := range values {
			producer.Produce(t, &kgo.Record{Topic: topic, Value: []byte(value)}, nil)
			if i%20 == 0 {
				t.NoError(producer.Flush(t))
			}
		}
		t.NoError(producer.Flush(t))
		client := newClient(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(start), kgo.FetchMaxBytes(200), kgo.FetchMaxPartitionBytes(100), kgo.BrokerMaxReadBytes(1<<20))
		t.Equal(sorted(valuesOf(poll(t, client, 300))), values)
	})

	Test("consume without fetch sessions", func(t *T) {
		topic := newTopic(t, 1)
		produce(t, topic, "a")
		client := consumerOf(t, topic, start, kgo.DisableFetchSessions())
		poll(t, client, 1)
		produce(t, topic, "b")
		t.Equal(valuesOf(poll(t, client, 1)), []string{"b"})
	})

	Test("consume from the middle of a batch", func(t *T) {
		topic := newTopic(t, 1)
		producer := newClient(t, kgo.ProducerLinger(50*time.Millisecond))
		var records []*kgo.Record
		for _, value := range numbered(100) {
			records = append(records, &kgo.Record{Topic: topic, Value: []byte(value)})
		}
		t.NoError(producer.ProduceSync(t, records...).FirstErr())
		read := poll(t, consumerOf(t, topic, kgo.NewOffset().At(57)), 43)
		t.Equal(read[0].Offset, int64(57))
		t.Equal(string(read[0].Value), "v00057")
	})

	Test("consume a long poll wakes on data", func(t *T) {
		topic := newTopic(t, 1)
		client := consumerOf(t, topic, start, kgo.FetchMaxWait(10*time.Second))
		go func() {
			time.Sleep(500 * time.Millisecond)
			producer, err := kgo.NewClient(kgo.SeedBrokers(Bootstrap))
			if err == nil {
				producer.ProduceSync(t, &kgo.Record{Topic: topic, Value: []byte("x")})
				producer.Close()
			}
		}()
		before := time.Now()
		poll(t, client, 1)
		t.True(time.Since(before) < 5*time.Second, "woken before the wait ends")
	})

	Test("consume read_committed", func(t *T) {
		topic := newTopic(t, 1)
		produce(t, topic, "a", "b")
		client := consumerOf(t, topic, start, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
		t.Equal(valuesOf(poll(t, client, 2)), []string{"a", "b"})
	})

	Test("consume added and paused partitions", func(t *T) {
		topic := newTopic(t, 2)
		client := newClient(t)
		client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: start}})
		produce(t, topic, "a")
		poll(t, client, 1)
		client.PauseFetchPartitions(map[string][]int32{topic: {0}})
		client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: {1: start}})
		produce(t, topic, "paused")
		other := newClient(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
		t.NoError(other.ProduceSync(t, &kgo.Record{Topic: topic, Partition: 1, Value: []byte("b")}).FirstErr())
		t.Equal(valuesOf(poll(t, client, 1)), []string{"b"})
		client.ResumeFetchPartitions(map[string][]int32{topic: {0}})
		t.Equal(valuesOf(poll(t, client, 1)), []string{"paused"})
	})

	Test("consume a topic made again", func(t *T) {
		topic := newTopic(t, 1)
		client := newClient(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(start))
		produce(t, topic, "old")
		poll(t, client, 1)
		admin := newAdmin(t)
		_, err := admin.DeleteTopic(t, topic)
		t.NoError(err)
		_, err = admin.CreateTopic(t, 1, 1, nil, topic)
		t.NoError(err)
		produce(t, topic, "new")
		for {
			fetches := client.PollFetches(t)
			if t.Err() != nil {
				t.Fail("the new topic was not read")
			}
			if records := fetches.Records(); len(records) > 0 {
				t.Equal(valuesOf(records), []string{"new"})
				return
			}
			client.PurgeTopicsFromConsuming(topic)
			client.AddConsumeTopics(topic)
		}
	})

	Test("list offsets", func(t *T) {
		topic := newTopic(t, 1)
		client := newClient(t)
		for i, at := range []int64{1_600_000_003_000, 1_600_000_001_000, 1_600_000_002_000} {
			t.NoError(client.ProduceSync(t, &kgo.Record{Topic: topic, Timestamp: time.UnixMilli(at), Value: []byte(fmt.Sprint(i))}).FirstErr())
		}
		admin := newAdmin(t)
		check := func(listed kadm.ListedOffsets, err error) kadm.ListedOffset {
			t.NoError(err)
			offset, ok := listed.Lookup(topic, 0)
			t.True(ok, "listed")
			t.NoError(offset.Err)
			return offset
		}
		t.Equal(check(admin.ListStartOffsets(t, topic)).Offset, int64(0))
		latest := check(admin.ListEndOffsets(t, topic))
		t.Equal(latest.Offset, int64(3))
		t.Equal(latest.LeaderEpoch, int32(0))
		t.Equal(check(admin.ListCommittedOffsets(t, topic)).Offset, int64(3))
		highest := check(admin.ListMaxTimestampOffsets(t, topic))
		t.Equal([]int64{highest.Offset, highest.Timestamp}, []int64{0, 1_600_000_003_000})
		after := check(admin.ListOffsetsAfterMilli(t, 1_600_000_001_500, topic))
		t.Equal([]int64{after.Offset, after.Timestamp}, []int64{0, 1_600_000_003_000})
		t.Equal(check(admin.ListLocalLogStartOffsets(t, topic)).Offset, int64(0))
		t.Equal(check(admin.ListOffsetsAfterMilli(t, 1_700_000_000_000, topic)).Offset, int64(3)) // kadm asks again for the end
	})

	Test("offset for leader epoch", func(t *T) {
		topic := newTopic(t, 1)
		produce(t, topic, "a", "b")
		var request kadm.OffsetForLeaderEpochRequest
		request.Add(topic, 0, 0)
		all, err := newAdmin(t).OffsetForLeaderEpoch(t, request)
		t.NoError(err)
		one := all[topic][0]
		t.NoError(one.Err)
		t.Equal([]int64{int64(one.LeaderEpoch), one.EndOffset}, []int64{0, 2})
		request = kadm.OffsetForLeaderEpochRequest{}
		request.Add(topic, 0, 99)
		all, err = newAdmin(t).OffsetForLeaderEpoch(t, request)
		t.NoError(err)
		t.Equal(all[topic][0].EndOffset, int64(-1))
	})
}
