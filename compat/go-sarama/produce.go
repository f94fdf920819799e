package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/IBM/sarama"
	. "ottla.invalid/compat/harness"
)

func produceTests() {
	for name, codec := range map[string]sarama.CompressionCodec{
		"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
		"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
	} {
		Test("produce "+name, func(t *T) {
			topic, config := newTopic(t, 1), newest()
			config.Producer.Compression = codec
			values := make([]string, 200)
			for i := range values {
				values[i] = strings.Repeat(fmt.Sprint(i%10), 200)
			}
			t.NoError(newProducer(t, config).SendMessages(messagesOf(topic, values...)))
			t.Equal(valuesOf(read(t, newest(), topic, 0, 0, 200)), values)
		})
	}

	for name, acks := range map[string]sarama.RequiredAcks{"0": sarama.NoResponse, "1": sarama.WaitForLocal, "all": sarama.WaitForAll} {
		Test("produce acks="+name, func(t *T) {
			topic, config := newTopic(t, 1), newest()
			config.Producer.RequiredAcks = acks
			producer, values := newProducer(t, config), numbered(30)
			for i, message := range messagesOf(topic, values...) {
				_, offset, err := producer.SendMessage(message)
				t.NoError(err)
				if acks != sarama.NoResponse {
					t.Equal(offset, int64(i))
				}
			}
			t.Equal(valuesOf(read(t, newest(), topic, 0, 0, 30)), values)
		})
	}

	// Before 2.1 a client knows no zstd; before 0.11 no record batches: see old.go.
	for _, version := range []sarama.KafkaVersion{
		sarama.V0_11_0_0, sarama.V1_0_0_0, sarama.V2_0_0_0, sarama.V2_1_0_0, sarama.V2_4_0_0, sarama.V2_8_0_0, sarama.V3_0_0_0, sarama.V3_9_0_0, sarama.V4_0_0_0,
	} {
		Test("produce and consume as a client of Kafka "+version.String(), func(t *T) {
			topic, config := newTopic(t, 1), newConfig(version)
			config.Producer.Compression = sarama.CompressionSnappy
			t.NoError(newProducer(t, config).SendMessages(messagesOf(topic, numbered(100)...)))
			t.Equal(valuesOf(read(t, config, topic, 0, sarama.OffsetOldest, 100)), numbered(100))
		})
	}

	Test("produce to many topics and partitions", func(t *T) {
		topics := []string{newTopic(t, 4), newTopic(t, 4), newTopic(t, 4)}
		var messages []*sarama.ProducerMessage
		for i := range 240 {
			message := &sarama.ProducerMessage{Topic: topics[i%3], Partition: int32(i / 3 % 4), Value: sarama.StringEncoder("x")}
			messages = append(messages, message)
		}
		t.NoError(newProducer(t, newest()).SendMessages(messages))
		client := newClient(t, newest())
		for _, topic := range topics {
			for partition := range int32(4) {
				end, err := client.GetOffset(topic, partition, sarama.OffsetNewest)
				t.NoError(err)
				t.Equal(end, int64(20))
			}
		}
	})

	Test("produce idempotent", func(t *T) {
		topic, config := newTopic(t, 1), newest()
		config.Producer.Idempotent = true
		config.Net.MaxOpenRequests = 1
		producer, err := sarama.NewAsyncProducer(addresses, config)
		t.NoError(err)
		values := numbered(1000)
		go func() {
			for _, message := range messagesOf(topic, values...) {
				producer.Input() <- message
			}
		}()
		for range values {
			select {
			case <-producer.Successes():
			case failed := <-producer.Errors():
				t.Fail("produce: %v", failed.Err)
			}
		}
		t.NoError(producer.Close())
		t.Equal(valuesOf(read(t, newest(), topic, 0, 0, 1000)), values)
	})

	Test("produce keys, headers and tombstones", func(t *T) {
		topic := newTopic(t, 1)
		t.NoError(newProducer(t, newest()).SendMessages([]*sarama.ProducerMessage{
			{Topic: topic, Key: sarama.StringEncoder("k")},
			{Topic: topic, Value: sarama.StringEncoder("é"), Headers: []sarama.RecordHeader{{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("b")}}},
		}))
		messages := read(t, newest(), topic, 0, 0, 2)
		t.True(messages[0].Value == nil && messages[1].Key == nil, "null")
		t.Equal(string(messages[0].Key)+string(messages[1].Value), "ké")
		t.Equal(len(messages[1].Headers), 2)
		t.Equal(string(messages[1].Headers[0].Value), "1")
	})

	Test("produce timestamps", func(t *T) {
		topic, at := newTopic(t, 1), time.UnixMilli(1_500_000_000_123)
		t.NoError(newProducer(t, newest()).SendMessages([]*sarama.ProducerMessage{{Topic: topic, Timestamp: at}}))
		t.Equal(read(t, newest(), topic, 0, 0, 1)[0].Timestamp.UnixMilli(), at.UnixMilli())
	})

	Test("produce with log append time", func(t *T) {
		topic := newTopic(t, 1, "message.timestamp.type", "LogAppendTime")
		before := time.Now().Add(-time.Second)
		t.NoError(newProducer(t, newest()).SendMessages([]*sarama.ProducerMessage{{Topic: topic, Timestamp: time.UnixMilli(1000)}}))
		t.True(read(t, newest(), topic, 0, 0, 1)[0].Timestamp.After(before), "time of the broker")
	})

	Test("produce too large a message", func(t *T) {
		topic := newTopic(t, 1, "max.message.bytes", "2000")
		_, _, err := newProducer(t, newest()).SendMessage(messagesOf(topic, strings.Repeat("x", 3000))[0])
		t.Error(err, sarama.ErrMessageSizeTooLarge.Error())
	})

	Test("produce to a compacted topic needs keys", func(t *T) {
		topic := newTopic(t, 1, "cleanup.policy", "compact")
		_, _, err := newProducer(t, newest()).SendMessage(messagesOf(topic, "x")[0])
		t.Error(err, sarama.ErrInvalidRecord.Error())
	})

	Test("auto-create topic on produce", func(t *T) {
		config := newest()
		config.Metadata.Retry.Max = 20
		_, offset, err := newProducer(t, config).SendMessage(messagesOf(Unique("sarama"), "x")[0])
		t.NoError(err)
		t.Equal(offset, int64(0))
	})
}
