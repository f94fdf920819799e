package main

import (
	"fmt"
	"time"

	"github.com/IBM/sarama"
	. "ottla.invalid/compat/harness"
)

func consumeTests() {
	Test("consume from earliest", func(t *T) {
		topic := newTopic(t, 1)
		produce(t, topic, "a", "b", "c")
		t.Equal(valuesOf(read(t, newest(), topic, 0, sarama.OffsetOldest, 3)), []string{"a", "b", "c"})
	})

	Test("consume from offset", func(t *T) {
		topic := newTopic(t, 1)
		produce(t, topic, "a", "b", "c")
		t.Equal(valuesOf(read(t, newest(), topic, 0, 1, 2)), []string{"b", "c"})
	})

	Test("consume from latest", func(t *T) {
		topic := newTopic(t, 1)
		produce(t, topic, "old")
		consumer, err := sarama.NewConsumer(addresses, newest())
		t.NoError(err)
		t.Cleanup(func() { consumer.Close() })
		claim, err := consumer.ConsumePartition(topic, 0, sarama.OffsetNewest)
		t.NoError(err)
		produce(t, topic, "new")
		t.Equal(valuesOf(take(t, claim, 1)), []string{"new"})
		t.Equal(claim.HighWaterMarkOffset(), int64(2))
	})

	Test("consume out of range fails", func(t *T) {
		topic := newTopic(t, 1)
		produce(t, topic, "a")
		consumer, err := sarama.NewConsumer(addresses, newest())
		t.NoError(err)
		t.Cleanup(func() { consumer.Close() })
		_, err = consumer.ConsumePartition(topic, 0, 99)
		t.Error(err, sarama.ErrOffsetOutOfRange.Error())
	})

	Test("consume small fetches", func(t *T) {
		topic, config := newTopic(t, 1), newest()
		producer := newProducer(t, newest())
		for i := range 10 {
			t.NoError(producer.SendMessages(messagesOf(topic, numbered(200)[i*20:i*20+20]...)))
		}
		config.Consumer.Fetch.Default, config.Consumer.Fetch.Max = 100, 4000
		t.Equal(valuesOf(read(t, config, topic, 0, 0, 200)), numbered(200))
	})

	Test("consume read_committed", func(t *T) {
		topic, config := newTopic(t, 1), newest()
		produce(t, topic, "a", "b")
		config.Consumer.IsolationLevel = sarama.ReadCommitted
		t.Equal(valuesOf(read(t, config, topic, 0, 0, 2)), []string{"a", "b"})
	})

	Test("list offsets", func(t *T) {
		topic := newTopic(t, 1)
		var messages []*sarama.ProducerMessage
		for i := range 3 {
			messages = append(messages, &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(fmt.Sprint(i)), Timestamp: time.UnixMilli(1_600_000_000_000 + int64(i)*1000)})
		}
		t.NoError(newProducer(t, newest()).SendMessages(messages))
		admin := newAdmin(t)
		ask := func(at int64) *sarama.OffsetResult {
			all, err := admin.ListOffsets(map[string]map[int32]int64{topic: {0: at}}, nil)
			t.NoError(err)
			t.Equal(all[topic][0].Err, error(sarama.ErrNoError))
			return all[topic][0]
		}
		t.Equal(ask(sarama.OffsetOldest).Offset, int64(0))
		t.Equal(ask(sarama.OffsetNewest).Offset, int64(3))
		after := ask(1_600_000_000_500)
		t.Equal([]int64{after.Offset, after.Timestamp}, []int64{1, 1_600_000_001_000})
		t.Equal(ask(1_700_000_000_000).Offset, int64(-1))
	})
}
