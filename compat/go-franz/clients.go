package main

import (
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	. "ottla.invalid/compat/harness"
)

func clientTests() {
	Test("connect", func(t *T) { t.NoError(newClient(t).Ping(t)) })

	Test("api versions", func(t *T) {
		all, err := newAdmin(t).ApiVersions(t)
		t.NoError(err)
		for _, broker := range all {
			t.NoError(broker.Err)
			lowest, highest, ok := broker.KeyVersions(int16(kmsg.Produce))
			t.True(ok && lowest == 0 && highest >= 12, "Produce from 0, though 0 to 2 are refused")
			_, highest, ok = broker.KeyVersions(int16(kmsg.Fetch))
			t.True(ok && highest >= 17, "Fetch")
		}
	})

	Test("api versions wants a software name", func(t *T) {
		request := kmsg.NewPtrApiVersionsRequest()
		response, err := newClient(t).Broker(1).Request(t, request)
		t.NoError(err)
		t.Equal(response.(*kmsg.ApiVersionsResponse).ErrorCode, int16(42), "INVALID_REQUEST")
		request.ClientSoftwareName, request.ClientSoftwareVersion = "compat", "1.0"
		response, err = newClient(t).Broker(1).Request(t, request)
		t.NoError(err)
		t.Equal(response.(*kmsg.ApiVersionsResponse).ErrorCode, int16(0))
		t.True(len(response.(*kmsg.ApiVersionsResponse).ApiKeys) > 30, "many keys")
	})

	Test("describe cluster", func(t *T) {
		metadata, err := newAdmin(t).BrokerMetadata(t)
		t.NoError(err)
		t.True(metadata.Cluster != "", "cluster id")
		t.Equal(len(metadata.Brokers), 1)
		request := kmsg.NewPtrDescribeClusterRequest()
		answer, err := request.RequestWith(t, newClient(t))
		t.NoError(err)
		t.Equal(answer.ErrorCode, int16(0))
		t.Equal(answer.ClusterID, metadata.Cluster)
		t.Equal(len(answer.Brokers), 1)
		t.Equal(answer.Brokers[0].NodeID, metadata.Brokers[0].NodeID)
		t.Equal(answer.Brokers[0].Port, metadata.Brokers[0].Port)
		t.Equal(answer.Brokers[0].Host, metadata.Brokers[0].Host)
	})

	Test("describe metadata quorum", func(t *T) {
		request := kmsg.NewPtrDescribeQuorumRequest()
		topic := kmsg.NewDescribeQuorumRequestTopic()
		topic.Topic = "__cluster_metadata"
		topic.Partitions = []kmsg.DescribeQuorumRequestTopicPartition{kmsg.NewDescribeQuorumRequestTopicPartition()}
		request.Topics = append(request.Topics, topic)
		answer, err := request.RequestWith(t, newClient(t))
		t.NoError(err)
		t.Equal(answer.ErrorCode, int16(0))
		partition := answer.Topics[0].Partitions[0]
		t.Equal(partition.ErrorCode, int16(0))
		t.Equal(partition.LeaderID, int32(1))
		t.True(partition.LeaderEpoch > 0 && partition.HighWatermark > 0, "epoch and high watermark")
		t.Equal(len(partition.CurrentVoters), 1)
		t.Equal(len(answer.Nodes), 1)
	})

	Test("topics by id of metadata", func(t *T) {
		topic := newTopic(t, 2)
		client := newClient(t)
		all, err := newAdmin(t).Metadata(t, topic)
		t.NoError(err)
		request := kmsg.NewPtrMetadataRequest()
		byID := kmsg.NewMetadataRequestTopic()
		byID.TopicID = all.Topics[topic].ID
		request.Topics = append(request.Topics, byID)
		answer, err := request.RequestWith(t, client)
		t.NoError(err)
		t.Equal(answer.Topics[0].ErrorCode, int16(0))
		t.Equal(*answer.Topics[0].Topic, topic)
		request.Topics[0].TopicID = [16]byte{9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}
		answer, err = request.RequestWith(t, client)
		t.NoError(err)
		t.Equal(answer.Topics[0].ErrorCode, int16(100), "UNKNOWN_TOPIC_ID")
	})

	Test("describe topic partitions, page by page", func(t *T) {
		topic := newTopic(t, 5)
		request := kmsg.NewPtrDescribeTopicPartitionsRequest()
		one := kmsg.NewDescribeTopicPartitionsRequestTopic()
		one.Topic = topic
		request.Topics = append(request.Topics, one)
		request.ResponsePartitionLimit = 2
		var seen []int32
		for {
			answer, err := request.RequestWith(t, newClient(t))
			t.NoError(err)
			t.Equal(answer.Topics[0].ErrorCode, int16(0))
			for _, partition := range answer.Topics[0].Partitions {
				seen = append(seen, partition.Partition)
			}
			if answer.NextCursor == nil {
				break
			}
			cursor := kmsg.NewDescribeTopicPartitionsRequestCursor()
			cursor.Topic = answer.NextCursor.Topic
			cursor.Partition = answer.NextCursor.Partition
			request.Cursor = &cursor
		}
		t.Equal(seen, []int32{0, 1, 2, 3, 4})
	})

	Test("metadata of an unknown topic", func(t *T) {
		topic := Unique("franz")
		all, err := newAdmin(t).Metadata(t, topic)
		t.NoError(err)
		t.Error(all.Topics[topic].Err, "UNKNOWN_TOPIC_OR_PARTITION")
	})

	Test("auto-create topic on produce", func(t *T) {
		topic := Unique("franz")
		client := newClient(t, kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(30))
		t.NoError(client.ProduceSync(t, &kgo.Record{Topic: topic, Value: []byte("a")}).FirstErr())
		t.Equal(valuesOf(poll(t, consumerOf(t, topic, kgo.NewOffset().AtStart()), 1)), []string{"a"})
	})

	Test("requests at once on one connection come back in order", func(t *T) {
		broker := newClient(t).Broker(1)
		results := make(chan error, 50)
		for range 50 {
			go func() {
				_, err := broker.Request(t, kmsg.NewPtrMetadataRequest())
				results <- err
			}()
		}
		for range 50 {
			t.NoError(<-results)
		}
	})

	Test("an unserved API is told from the version table", func(t *T) {
		_, err := newClient(t).Broker(1).Request(t, kmsg.NewPtrControlledShutdownRequest())
		t.Error(err, "too old")
	})
}
