package main

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	. "ottla.invalid/compat/harness"
)

// The versions of every API that one release of Kafka knew, on the way from 2.1 (the oldest that a current broker serves).
var releases = []string{"2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "2.8", "3.0", "3.1", "3.3", "3.5", "3.7", "3.9", "4.0", "4.1", "4.2"}

func versionTests() {
	for _, release := range releases {
		Test("as a client of Kafka "+release, func(t *T) { wholeDay(t, kgo.MaxVersions(kversion.FromString("v"+release))) })
	}
	everyVersion("Metadata", func(topic, _ string) kmsg.Request {
		request, one := kmsg.NewPtrMetadataRequest(), kmsg.NewMetadataRequestTopic()
		one.Topic = &topic
		request.Topics = append(request.Topics, one)
		return request
	}, func(t *T, response kmsg.Response) any {
		answer := response.(*kmsg.MetadataResponse)
		topic := answer.Topics[0]
		return fmt.Sprint(topic.ErrorCode, *topic.Topic, len(topic.Partitions), topic.Partitions[0].Leader, len(answer.Brokers))
	})
	everyVersion("ListOffsets", func(topic, _ string) kmsg.Request {
		request, one, partition := kmsg.NewPtrListOffsetsRequest(), kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
		request.ReplicaID = -1
		partition.Timestamp = -1
		one.Topic, one.Partitions = topic, append(one.Partitions, partition)
		request.Topics = append(request.Topics, one)
		return request
	}, func(t *T, response kmsg.Response) any {
		partition := response.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0]
		if response.GetVersion() == 0 { // a list of offsets, and no timestamp
			return fmt.Sprint(partition.ErrorCode, partition.OldStyleOffsets[0], -1)
		}
		return fmt.Sprint(partition.ErrorCode, partition.Offset, partition.Timestamp)
	})
	everyVersion("OffsetCommit", func(topic, group string) kmsg.Request {
		request, one, partition := kmsg.NewPtrOffsetCommitRequest(), kmsg.NewOffsetCommitRequestTopic(), kmsg.NewOffsetCommitRequestTopicPartition()
		request.Group = group
		partition.Offset, partition.Metadata = 2, text("m")
		one.Topic, one.Partitions = topic, append(one.Partitions, partition)
		request.Topics = append(request.Topics, one)
		return request
	}, func(t *T, response kmsg.Response) any {
		return response.(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode
	}, 10) // from 10 a topic goes by its id
	everyVersion("OffsetFetch", func(topic, group string) kmsg.Request {
		request, one := kmsg.NewPtrOffsetFetchRequest(), kmsg.NewOffsetFetchRequestTopic()
		one.Topic, one.Partitions = topic, []int32{0}
		request.Group, request.Topics = group, append(request.Topics, one)
		of, ofTopic := kmsg.NewOffsetFetchRequestGroup(), kmsg.NewOffsetFetchRequestGroupTopic()
		ofTopic.Topic, ofTopic.Partitions = topic, []int32{0}
		of.Group, of.Topics = group, append(of.Topics, ofTopic)
		request.Groups = append(request.Groups, of)
		return request
	}, func(t *T, response kmsg.Response) any {
		answer := response.(*kmsg.OffsetFetchResponse)
		if len(answer.Groups) > 0 {
			partition := answer.Groups[0].Topics[0].Partitions[0]
			return fmt.Sprint(answer.Groups[0].ErrorCode, partition.ErrorCode, partition.Offset)
		}
		partition := answer.Topics[0].Partitions[0]
		return fmt.Sprint(answer.ErrorCode, partition.ErrorCode, partition.Offset)
	}, 10)
	everyVersion("FindCoordinator", func(_, group string) kmsg.Request {
		request := kmsg.NewPtrFindCoordinatorRequest()
		request.CoordinatorKey, request.CoordinatorKeys = group, []string{group}
		return request
	}, func(t *T, response kmsg.Response) any {
		answer := response.(*kmsg.FindCoordinatorResponse)
		if len(answer.Coordinators) > 0 {
			return fmt.Sprint(answer.Coordinators[0].ErrorCode, answer.Coordinators[0].NodeID)
		}
		return fmt.Sprint(answer.ErrorCode, answer.NodeID)
	})
	everyVersion("ListGroups", func(_, _ string) kmsg.Request { return kmsg.NewPtrListGroupsRequest() }, func(t *T, response kmsg.Response) any {
		return response.(*kmsg.ListGroupsResponse).ErrorCode
	})
	everyVersion("DescribeConfigs", func(topic, _ string) kmsg.Request {
		request, one := kmsg.NewPtrDescribeConfigsRequest(), kmsg.NewDescribeConfigsRequestResource()
		one.ResourceType, one.ResourceName, one.ConfigNames = kmsg.ConfigResourceTypeTopic, topic, []string{"retention.ms", "segment.bytes"}
		request.IncludeSynonyms = true
		request.Resources = append(request.Resources, one)
		return request
	}, func(t *T, response kmsg.Response) any {
		resource := response.(*kmsg.DescribeConfigsResponse).Resources[0]
		values := map[string]string{}
		for _, config := range resource.Configs {
			values[config.Name] = *config.Value
		}
		return fmt.Sprint(resource.ErrorCode, values)
	})
	everyVersion("DescribeCluster", func(_, _ string) kmsg.Request { return kmsg.NewPtrDescribeClusterRequest() }, func(t *T, response kmsg.Response) any {
		answer := response.(*kmsg.DescribeClusterResponse)
		return fmt.Sprint(answer.ErrorCode, len(answer.Brokers), answer.ClusterID)
	})
	everyVersion("DescribeLogDirs", func(topic, _ string) kmsg.Request {
		request, one := kmsg.NewPtrDescribeLogDirsRequest(), kmsg.NewDescribeLogDirsRequestTopic()
		one.Topic, one.Partitions = topic, []int32{0}
		request.Topics = append(request.Topics, one)
		return request
	}, func(t *T, response kmsg.Response) any {
		dir := response.(*kmsg.DescribeLogDirsResponse).Dirs[0]
		return fmt.Sprint(dir.ErrorCode, dir.Topics[0].Partitions[0].Size > 0)
	})
	everyVersion("OffsetForLeaderEpoch", func(topic, _ string) kmsg.Request {
		request, one, partition := kmsg.NewPtrOffsetForLeaderEpochRequest(), kmsg.NewOffsetForLeaderEpochRequestTopic(), kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
		request.ReplicaID = -1
		one.Topic, one.Partitions = topic, append(one.Partitions, partition)
		request.Topics = append(request.Topics, one)
		return request
	}, func(t *T, response kmsg.Response) any {
		partition := response.(*kmsg.OffsetForLeaderEpochResponse).Topics[0].Partitions[0]
		if response.GetVersion() == 0 { // does not tell the epoch
			partition.LeaderEpoch = 0
		}
		return fmt.Sprint(partition.ErrorCode, partition.LeaderEpoch, partition.EndOffset)
	})
	everyVersion("DescribeGroups", func(_, group string) kmsg.Request {
		request := kmsg.NewPtrDescribeGroupsRequest()
		request.Groups = []string{group}
		return request
	}, func(t *T, response kmsg.Response) any {
		group := response.(*kmsg.DescribeGroupsResponse).Groups[0]
		return fmt.Sprint(group.ErrorCode, group.State, len(group.Members))
	})
	everyVersion("InitProducerID", func(_, _ string) kmsg.Request {
		request := kmsg.NewPtrInitProducerIDRequest()
		request.TransactionTimeoutMillis = 1000
		return request
	}, func(t *T, response kmsg.Response) any {
		answer := response.(*kmsg.InitProducerIDResponse)
		return fmt.Sprint(answer.ErrorCode, answer.ProducerID >= 0, answer.ProducerEpoch)
	})
	everyVersion("DescribeQuorum", func(_, _ string) kmsg.Request {
		request, topic := kmsg.NewPtrDescribeQuorumRequest(), kmsg.NewDescribeQuorumRequestTopic()
		topic.Topic = "__cluster_metadata"
		topic.Partitions = append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
		request.Topics = append(request.Topics, topic)
		return request
	}, func(t *T, response kmsg.Response) any {
		answer := response.(*kmsg.DescribeQuorumResponse)
		return fmt.Sprint(answer.ErrorCode, answer.Topics[0].Partitions[0].LeaderID)
	})
}

// wholeDay makes a topic, writes, reads in a group, looks at both and removes them, in the API versions that are asked for.
func wholeDay(t *T, versions kgo.Opt) {
	topic, group := Unique("day"), Unique("day")
	admin := newAdmin(t, versions)
	_, err := admin.CreateTopic(t, 2, 1, map[string]*string{"retention.ms": text("100000000")}, topic)
	t.NoError(err, "create")
	waitForTopic(t, admin, topic)
	producer := newClient(t, versions, kgo.RecordPartitioner(kgo.RoundRobinPartitioner()), kgo.ProducerBatchCompression(kgo.SnappyCompression()))
	for _, value := range numbered(10) {
		t.NoError(producer.ProduceSync(t, &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr(), "produce")
	}
	one := joinGroup(t, group, topic, versions)
	one.owns(t, 2)
	t.Eventually("10 records", func() bool { return len(one.read()) == 10 })
	t.Eventually("the commit", func() bool {
		fetched, err := admin.FetchOffsets(t, group)
		t.NoError(err, "fetch offsets")
		a, _ := fetched.Lookup(topic, 0)
		b, _ := fetched.Lookup(topic, 1)
		return a.At+b.At == 10
	})
	described, err := admin.DescribeGroups(t, group)
	t.NoError(err, "describe group")
	t.Equal(described[group].State, "Stable")
	t.NoError(one.failure())
	one.client.Close()
	_, err = admin.DeleteGroup(t, group)
	t.NoError(err, "delete group")
	ends, err := admin.ListEndOffsets(t, topic)
	t.NoError(err, "list offsets")
	t.Equal(ends[topic][0].Offset+ends[topic][1].Offset, int64(10))
	configs, err := admin.DescribeTopicConfigs(t, topic)
	t.NoError(err, "describe configs")
	t.NoError(configs[0].Err)
	made, err := admin.CreatePartitions(t, 1, topic)
	t.NoError(err, "create partitions")
	t.NoError(made[topic].Err)
	waitForTopic(t, admin, topic)
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, 0, 1, -1)
	deleted, err := admin.DeleteRecords(t, offsets)
	t.NoError(err, "delete records")
	t.NoError(deleted.Error())
	_, err = admin.DeleteTopic(t, topic)
	t.NoError(err, "delete topic")
}

// everyVersion asks the same in every version that the broker offers and wants the same answer, as far as `gist` tells.
// Versions from `below` on are left out.
func everyVersion(name string, ask func(topic, group string) kmsg.Request, gist func(*T, kmsg.Response) any, below ...int16) {
	Test("every version of "+name, func(t *T) {
		topic, group := newTopic(t, 1), Unique("group")
		produce(t, topic, "a", "b")
		offsets := kadm.Offsets{}
		offsets.AddOffset(topic, 0, 2, -1)
		t.NoError(newAdmin(t).CommitAllOffsets(t, group, offsets))
		all, err := newAdmin(t).ApiVersions(t)
		t.NoError(err)
		broker := all[1]
		request := ask(topic, group)
		lowest, highest, ok := broker.KeyVersions(request.Key())
		t.True(ok, "served")
		if len(below) > 0 {
			highest = min(highest, below[0]-1)
		}
		highest = min(highest, request.MaxVersion())
		var first any
		for version := lowest; version <= highest; version++ {
			versions := kversion.Tip()
			versions.SetMaxKeyVersion(request.Key(), version)
			client := newClient(t, kgo.MaxVersions(versions), kgo.RequestRetries(2), kgo.RetryTimeout(5*time.Second))
			response, err := client.Broker(1).Request(t, ask(topic, group))
			t.NoError(err, "version ", version)
			t.Equal(response.GetVersion(), version)
			if answer := gist(t, response); first == nil {
				first = answer
			} else if name != "DescribeGroups" || version < 6 {
				t.Equal(answer, first, "version ", version)
			}
			client.Close()
		}
	})
}
