package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	. "ottla.invalid/compat/harness"
)

func produceTests() {
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		Test("produce "+name, func(t *T) {
			topic := newTopic(t, 1)
			client := newClient(t, kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(20*time.Millisecond))
			records := make([]*kgo.Record, 200)
			for i := range records {
				records[i] = &kgo.Record{Topic: topic, Value: []byte(strings.Repeat(fmt.Sprint(i%10), 200))}
			}
			t.NoError(client.ProduceSync(t, records...).FirstErr())
			read := poll(t, consumerOf(t, topic, kgo.NewOffset().AtStart()), 200)
			for i, record := range read {
				t.Equal(record.Value, records[i].Value)
				t.Equal(record.Offset, int64(i))
			}
			t.Equal(read[0].Attrs.CompressionType(), map[string]uint8{"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}[name])
		})
	}

	for name, acks := range map[string]kgo.Acks{"0": kgo.NoAck(), "1": kgo.LeaderAck(), "all": kgo.AllISRAcks()} {
		Test("produce acks="+name, func(t *T) {
			topic := newTopic(t, 1)
			client := newClient(t, kgo.RequiredAcks(acks), kgo.DisableIdempotentWrite())
			values := numbered(50)
			for _, value := range values {
				t.NoError(client.ProduceSync(t, &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr())
			}
			t.Equal(valuesOf(poll(t, consumerOf(t, topic, kgo.NewOffset().AtStart()), 50)), values)
		})
	}

	Test("produce to many topics and partitions", func(t *T) {
		var topics []string
		for range 5 {
			topics = append(topics, newTopic(t, 4))
		}
		client := newClient(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
		var records []*kgo.Record
		for i := range 400 {
			records = append(records, &kgo.Record{Topic: topics[i%5], Partition: int32(i / 5 % 4), Value: []byte("x")})
		}
		t.NoError(client.ProduceSync(t, records...).FirstErr())
		ends, err := newAdmin(t).ListEndOffsets(t, topics...)
		t.NoError(err)
		ends.Each(func(end kadm.ListedOffset) { t.Equal(end.Offset, int64(20), end.Topic, end.Partition) })
	})

	Test("produce idempotent", func(t *T) {
		topic := newTopic(t, 1)
		client := newClient(t, kgo.ProducerLinger(0))
		id, epoch, err := client.ProducerID(t)
		t.NoError(err)
		t.True(id >= 0 && epoch == 0, "producer id and epoch")
		values := numbered(1000)
		failures := make(chan error, len(values))
		for _, value := range values {
			client.Produce(t, &kgo.Record{Topic: topic, Value: []byte(value)}, func(_ *kgo.Record, err error) { failures <- err })
		}
		for range values {
			t.NoError(<-failures)
		}
		read := poll(t, consumerOf(t, topic, kgo.NewOffset().AtStart()), 1000)
		t.Equal(valuesOf(read), values)
		t.Equal(read[0].ProducerID, id)
		active, err := newAdmin(t).DescribeProducers(t, kadm.TopicsSet{topic: {0: {}}})
		t.NoError(err)
		producers := active[topic].Partitions[0]
		t.NoError(producers.Err)
		one, ok := producers.ActiveProducers[id]
		t.True(ok, "described")
		t.Equal(one.LastSequence, int32(999))
		t.Equal(one.CurrentTxnStartOffset, int64(-1))
	})

	Test("produce keys, headers and tombstones", func(t *T) {
		topic := newTopic(t, 1)
		sent := []*kgo.Record{
			{Topic: topic, Key: []byte("k"), Value: nil},
			{Topic: topic, Key: nil, Value: []byte{}},
			{Topic: topic, Key: []byte{0, 255}, Value: []byte("é"), Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "a", Value: nil}, {Key: "", Value: []byte{}}}},
		}
		t.NoError(newClient(t).ProduceSync(t, sent...).FirstErr())
		read := poll(t, consumerOf(t, topic, kgo.NewOffset().AtStart()), 3)
		t.True(read[0].Value == nil && read[1].Key == nil && read[1].Value != nil, "null and empty are told apart")
		t.Equal(read[2].Key, []byte{0, 255})
		t.Equal(len(read[2].Headers), 3)
		t.Equal(read[2].Headers[0], kgo.RecordHeader{Key: "a", Value: []byte("1")})
		t.True(read[2].Headers[1].Value == nil, "null header value")
	})

	Test("produce timestamps", func(t *T) {
		topic := newTopic(t, 1)
		at := time.UnixMilli(1_500_000_000_123)
		t.NoError(newClient(t).ProduceSync(t, &kgo.Record{Topic: topic, Timestamp: at}).FirstErr())
		read := poll(t, consumerOf(t, topic, kgo.NewOffset().AtStart()), 1)
		t.Equal(read[0].Timestamp.UnixMilli(), at.UnixMilli())
		t.Equal(read[0].Attrs.TimestampType(), int8(0))
	})

	Test("produce with log append time", func(t *T) {
		topic := newTopic(t, 1, "message.timestamp.type", "LogAppendTime")
		before := time.Now().Add(-time.Second)
		t.NoError(newClient(t).ProduceSync(t, &kgo.Record{Topic: topic, Timestamp: time.UnixMilli(1000)}).FirstErr())
		read := poll(t, consumerOf(t, topic, kgo.NewOffset().AtStart()), 1)
		t.True(read[0].Timestamp.After(before), "time of the broker")
		t.Equal(read[0].Attrs.TimestampType(), int8(1))
	})

	Test("produce too large a message", func(t *T) {
		topic := newTopic(t, 1, "max.message.bytes", "2000")
		client := newClient(t, kgo.ProducerBatchCompression(kgo.NoCompression()))
		err := client.ProduceSync(t, &kgo.Record{Topic: topic, Value: make([]byte, 3000)}).FirstErr()
		t.Error(err, "MESSAGE_TOO_LARGE")
		t.NoError(client.ProduceSync(t, &kgo.Record{Topic: topic, Value: make([]byte, 1000)}).FirstErr())
	})

	Test("produce a large message", func(t *T) {
		topic := newTopic(t, 1, "max.message.bytes", "12000000")
		client := newClient(t, kgo.ProducerBatchMaxBytes(11_000_000), kgo.ProducerBatchCompression(kgo.NoCompression()))
		value := []byte(strings.Repeat("0123456789", 1_000_000))
		t.NoError(client.ProduceSync(t, &kgo.Record{Topic: topic, Value: value}).FirstErr())
		read := poll(t, consumerOf(t, topic, kgo.NewOffset().AtStart()), 1)
		t.True(string(read[0].Value) == string(value), "same bytes")
	})

	Test("produce recompressed by the topic", func(t *T) {
		topic := newTopic(t, 1, "compression.type", "zstd")
		client := newClient(t, kgo.ProducerBatchCompression(kgo.GzipCompression()))
		t.NoError(client.ProduceSync(t, &kgo.Record{Topic: topic, Value: make([]byte, 5000)}).FirstErr())
		read := poll(t, consumerOf(t, topic, kgo.NewOffset().AtStart()), 1)
		t.Equal(read[0].Attrs.CompressionType(), uint8(4))
		t.Equal(len(read[0].Value), 5000)
	})

	Test("produce to a compacted topic needs keys", func(t *T) {
		topic := newTopic(t, 1, "cleanup.policy", "compact")
		client := newClient(t)
		t.Error(client.ProduceSync(t, &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr(), "INVALID_RECORD")
		t.NoError(newClient(t).ProduceSync(t, &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte("x")}).FirstErr())
	})

	Test("produce across topic deletion", func(t *T) {
		topic := newTopic(t, 1)
		client := newClient(t, kgo.UnknownTopicRetries(1))
		t.NoError(client.ProduceSync(t, &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr())
		admin := newAdmin(t)
		_, err := admin.DeleteTopic(t, topic)
		t.NoError(err)
		t.Error(client.ProduceSync(t, &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr(), "UNKNOWN_TOPIC")
		_, err = admin.CreateTopic(t, 1, 1, nil, topic)
		t.NoError(err)
		client.PurgeTopicsFromProducing(topic)
		t.NoError(client.ProduceSync(t, &kgo.Record{Topic: topic, Value: []byte("y")}).FirstErr())
		t.Equal(valuesOf(poll(t, consumerOf(t, topic, kgo.NewOffset().AtStart()), 1)), []string{"y"})
	})
}
