package main

import (
	"strings"

	"github.com/IBM/sarama"
	. "ottla.invalid/compat/harness"
)

// oldTests: Sarama as it spoke to brokers before record batches, beside itself as it speaks today.
func oldTests() {
	for _, version := range []sarama.KafkaVersion{sarama.V0_8_2_0, sarama.V0_9_0_0, sarama.V0_10_0_0, sarama.V0_10_2_0} {
		old := func() *sarama.Config { return newConfig(version) }
		name := "as of " + version.String() + ": "
		codecs := map[string]sarama.CompressionCodec{
			"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
		}
		if version.IsAtLeast(sarama.V0_10_0_0) {
			codecs["lz4"] = sarama.CompressionLZ4
		}
		for codecName, codec := range codecs {
			Test(name+"produce "+codecName, func(t *T) {
				topic, config := newTopic(t, 1), old()
				config.Producer.Compression = codec
				values := make([]string, 200)
				for i := range values {
					values[i] = strings.Repeat(string(rune('a'+i%26)), 200)
				}
				t.NoError(newProducer(t, config).SendMessages(messagesOf(topic, values...)))
				t.Equal(valuesOf(read(t, old(), topic, 0, sarama.OffsetOldest, 200)), values, "old: ")
				t.Equal(valuesOf(read(t, newest(), topic, 0, 0, 200)), values, "new: ")
			})
		}

		Test(name+"beside new clients", func(t *T) {
			topic, config, modern := newTopic(t, 1), old(), newest()
			config.Producer.Compression = sarama.CompressionSnappy
			modern.Producer.Compression = sarama.CompressionGZIP
			produce(t, topic, "new 0", "new 1")
			t.NoError(newProducer(t, config).SendMessages(messagesOf(topic, "old 0", "old 1")))
			t.NoError(newProducer(t, modern).SendMessages(messagesOf(topic, "new 2", "new 3")))
			t.NoError(newProducer(t, old()).SendMessages(messagesOf(topic, "old 2")))
			want := []string{"new 0", "new 1", "old 0", "old 1", "new 2", "new 3", "old 2"}
			t.Equal(valuesOf(read(t, old(), topic, 0, sarama.OffsetOldest, 7)), want, "old: ")
			t.Equal(valuesOf(read(t, newest(), topic, 0, sarama.OffsetOldest, 7)), want, "new: ")
			t.Equal(valuesOf(read(t, old(), topic, 0, 3, 2)), want[3:5], "from the middle: ")
		})

		Test(name+"list offsets", func(t *T) {
			topic := newTopic(t, 1)
			produce(t, topic, numbered(4)...)
			client := newClient(t, old())
			for place, want := range map[int64]int64{sarama.OffsetNewest: 4, sarama.OffsetOldest: 0} {
				offset, err := client.GetOffset(topic, 0, place)
				t.NoError(err)
				t.Equal(offset, want)
			}
		})

		Test(name+"messages larger than the fetch size", func(t *T) {
			topic, config := newTopic(t, 1), old()
			values := []string{strings.Repeat("a", 30_000), "small", strings.Repeat("b", 60_000)}
			produce(t, topic, values...)
			config.Consumer.Fetch.Default = 1000
			t.Equal(valuesOf(read(t, config, topic, 0, 0, 3)), values)
		})

		Test(name+"commit and fetch offsets without a group", func(t *T) {
			topic, group := newTopic(t, 1), Unique("group")
			produce(t, topic, numbered(5)...)
			manager, err := sarama.NewOffsetManagerFromClient(group, newClient(t, old()))
			t.NoError(err)
			partition, err := manager.ManagePartition(topic, 0)
			t.NoError(err)
			partition.MarkOffset(3, "m")
			manager.Commit()
			t.NoError(partition.Close())
			t.NoError(manager.Close())
			again, err := sarama.NewOffsetManagerFromClient(group, newClient(t, old()))
			t.NoError(err)
			defer again.Close()
			partition, err = again.ManagePartition(topic, 0)
			t.NoError(err)
			offset, metadata := partition.NextOffset()
			t.Equal(offset, int64(3))
			t.Equal(metadata, "m")
		})
	}

	Test("as of 0.10.2.0: group beside a new member", func(t *T) {
		topic, group := newTopic(t, 2), Unique("group")
		config := newConfig(sarama.V0_10_2_0)
		one := joinGroup(t, config, group, topic)
		one.owns(t, 2)
		two := joinGroup(t, newConfig(sarama.V2_0_0_0), group, topic)
		one.owns(t, 1)
		two.owns(t, 1)
		two.leave()
		one.owns(t, 2)
		one.leave()
	})
}
