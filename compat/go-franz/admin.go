package main

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"
	. "ottla.invalid/compat/harness"
)

func text(value string) *string { return &value }

// configsOf a topic by name.
func configsOf(t *T, topic string) map[string]kadm.Config {
	all, err := newAdmin(t).DescribeTopicConfigs(t, topic)
	t.NoError(err)
	t.NoError(all[0].Err)
	found := map[string]kadm.Config{}
	for _, config := range all[0].Configs {
		found[config.Key] = config
	}
	return found
}

func adminTests() {
	topicTests()
	configTests()

	Test("delete records", func(t *T) {
		topic := newTopic(t, 1)
		produce(t, topic, numbered(10)...)
		admin := newAdmin(t)
		offsets := kadm.Offsets{}
		offsets.AddOffset(topic, 0, 4, -1)
		deleted, err := admin.DeleteRecords(t, offsets)
		t.NoError(err)
		t.NoError(deleted[topic][0].Err)
		t.Equal(deleted[topic][0].LowWatermark, int64(4))
		starts, err := admin.ListStartOffsets(t, topic)
		t.NoError(err)
		t.Equal(starts[topic][0].Offset, int64(4))
		offsets.AddOffset(topic, 0, 99, -1)
		deleted, err = admin.DeleteRecords(t, offsets)
		t.NoError(err)
		t.Error(deleted[topic][0].Err, "OFFSET_OUT_OF_RANGE")
		offsets = kadm.Offsets{}
		offsets.AddOffset(topic, 0, -1, -1)
		deleted, err = admin.DeleteRecords(t, offsets)
		t.NoError(err)
		t.Equal(deleted[topic][0].LowWatermark, int64(10))
	})

	Test("describe log dirs", func(t *T) {
		topic := newTopic(t, 2)
		produce(t, topic, numbered(10)...)
		all, err := newAdmin(t).DescribeAllLogDirs(t, kadm.TopicsSet{topic: {0: {}, 1: {}}})
		t.NoError(err)
		dirs := all.Sorted()
		t.Equal(len(dirs), 1)
		t.NoError(dirs[0].Err)
		t.True(dirs[0].Topics[topic][0].Size > 0 && dirs[0].Topics[topic][1].Size == 0, "sizes")
		t.True(dirs[0].TotalBytes > dirs[0].UsableBytes && dirs[0].UsableBytes > 0, "size of the volume")
	})

	Test("list partition reassignments", func(t *T) {
		topic := newTopic(t, 1)
		all, err := newAdmin(t).ListPartitionReassignments(t, kadm.TopicsSet{topic: {0: {}}})
		t.NoError(err)
		t.Equal(len(all), 0)
	})

	Test("describe acls with security disabled", func(t *T) {
		filter := kadm.NewACLs().AnyResource().Allow().AllowHosts().Deny().DenyHosts().Operations().ResourcePatternType(kmsg.ACLResourcePatternTypeAny)
		all, err := newAdmin(t).DescribeACLs(t, filter)
		t.NoError(err)
		t.True(len(all) > 0, "a result")
		t.Error(all[0].Err, "SECURITY_DISABLED")
	})

	Test("describe client quotas", func(t *T) {
		all, err := newAdmin(t).DescribeClientQuotas(t, false, nil)
		t.NoError(err)
		t.Equal(len(all), 0)
	})

	Test("describe scram credentials", func(t *T) {
		all, err := newAdmin(t).DescribeUserSCRAMs(t)
		t.NoError(err)
		t.Equal(len(all), 0)
		all, err = newAdmin(t).DescribeUserSCRAMs(t, "nobody")
		t.NoError(err)
		t.Error(all["nobody"].Err, "RESOURCE_NOT_FOUND")
	})

	Test("describe producers of an unknown topic", func(t *T) {
		topic := Unique("none")
		request := kmsg.NewPtrDescribeProducersRequest()
		one := kmsg.NewDescribeProducersRequestTopic()
		one.Topic, one.Partitions = topic, []int32{0}
		request.Topics = append(request.Topics, one)
		response, err := newClient(t).Broker(1).Request(t, request)
		t.NoError(err)
		t.Equal(response.(*kmsg.DescribeProducersResponse).Topics[0].Partitions[0].ErrorCode, int16(3))
	})

	Test("elect leaders", func(t *T) {
		topic := newTopic(t, 1)
		all, err := newAdmin(t).ElectLeaders(t, kadm.ElectPreferredReplica, kadm.TopicsSet{topic: {0: {}}})
		t.NoError(err)
		t.Error(all[topic][0].Err, "ELECTION_NOT_NEEDED")
	}, Needs("elect-leaders"))

	Test("alter client quotas", func(t *T) {
		user := Unique("user")
		entry := kadm.AlterClientQuotaEntry{
			Entity: kadm.ClientQuotaEntity{{Type: "user", Name: &user}},
			Ops:    []kadm.AlterClientQuotaOp{{Key: "producer_byte_rate", Value: 1e6}},
		}
		altered, err := newAdmin(t).AlterClientQuotas(t, []kadm.AlterClientQuotaEntry{entry})
		t.NoError(err)
		t.NoError(altered[0].Err)
	}, Needs("alter-quotas"))

	Test("list config resources", func(t *T) {
		topic := newTopic(t, 1)
		all, err := newAdmin(t).ListConfigResources(t)
		t.NoError(err)
		t.NoError(all.Err)
		found := false
		for _, resource := range all.Resources {
			found = found || resource.Name == topic
		}
		t.True(found, "the topic")
	}, Needs("list-config-resources"))
}

func topicTests() {
	Test("create topic", func(t *T) {
		admin, topic := newAdmin(t), Unique("franz")
		made, err := admin.CreateTopic(t, 3, 1, map[string]*string{"retention.ms": text("12345")}, topic)
		t.NoError(err)
		t.Equal([]int32{made.NumPartitions, int32(made.ReplicationFactor)}, []int32{3, 1})
		t.Equal(*made.Configs["retention.ms"].Value, "12345")
		waitForTopic(t, admin, topic)
		all, err := admin.Metadata(t, topic)
		t.NoError(err)
		t.Equal(all.Topics[topic].ID, made.ID)
		t.Equal(len(all.Topics[topic].Partitions), 3)
		partition := all.Topics[topic].Partitions[2]
		t.Equal([]any{partition.Leader, partition.LeaderEpoch, partition.Replicas, partition.ISR}, []any{int32(1), int32(0), []int32{1}, []int32{1}})
	})

	Test("create topic with defaults", func(t *T) {
		made, err := newAdmin(t).CreateTopic(t, -1, -1, nil, Unique("franz"))
		t.NoError(err)
		t.Equal([]int32{made.NumPartitions, int32(made.ReplicationFactor)}, []int32{1, 1})
	})

	Test("create topic validate only", func(t *T) {
		admin, topic := newAdmin(t), Unique("franz")
		made, err := admin.ValidateCreateTopics(t, 2, 1, nil, topic)
		t.NoError(err)
		t.NoError(made[topic].Err)
		all, err := admin.Metadata(t, topic)
		t.NoError(err)
		t.Error(all.Topics[topic].Err, "UNKNOWN_TOPIC")
	})

	Test("create topic errors", func(t *T) {
		admin, topic := newAdmin(t), newTopic(t, 1)
		for _, wrong := range []struct {
			topic      string
			partitions int32
			replicas   int16
			configs    map[string]*string
			expected   string
		}{
			{topic, 1, 1, nil, "TOPIC_ALREADY_EXISTS"},
			{"bad name", 1, 1, nil, "INVALID_TOPIC_EXCEPTION"},
			{"..", 1, 1, nil, "INVALID_TOPIC_EXCEPTION"},
			{"", 1, 1, nil, "INVALID_TOPIC_EXCEPTION"},
			{Unique("x"), 0, 1, nil, "INVALID_PARTITIONS"},
			{Unique("x"), 1, 3, nil, "INVALID_REPLICATION_FACTOR"},
			{Unique("x"), 1, 0, nil, "INVALID_REPLICATION_FACTOR"},
			{Unique("x"), 1, 1, map[string]*string{"no.such": text("1")}, "INVALID_CONFIG"},
			{Unique("x"), 1, 1, map[string]*string{"retention.ms": text("soon")}, "INVALID_CONFIG"},
		} {
			_, err := admin.CreateTopic(t, wrong.partitions, wrong.replicas, wrong.configs, wrong.topic)
			t.Error(err, wrong.expected)
		}
	})

	Test("create topics whose names collide", func(t *T) {
		admin, suffix := newAdmin(t), Unique("x")
		_, err := admin.CreateTopic(t, 1, 1, nil, "a.b_"+suffix)
		t.NoError(err)
		_, err = admin.CreateTopic(t, 1, 1, nil, "a_b_"+suffix)
		t.Error(err, "INVALID_TOPIC_EXCEPTION")
	})

	Test("delete topic", func(t *T) {
		admin, topic := newAdmin(t), newTopic(t, 2)
		_, err := admin.DeleteTopic(t, topic)
		t.NoError(err)
		_, err = admin.DeleteTopic(t, topic)
		t.Error(err, "UNKNOWN_TOPIC_OR_PARTITION")
		all, err := admin.Metadata(t, topic)
		t.NoError(err)
		t.Error(all.Topics[topic].Err, "UNKNOWN_TOPIC")
	})

	Test("delete topic by id", func(t *T) {
		client, topic := newClient(t), newTopic(t, 1)
		all, err := newAdmin(t).Metadata(t, topic)
		t.NoError(err)
		request := kmsg.NewPtrDeleteTopicsRequest()
		one := kmsg.NewDeleteTopicsRequestTopic()
		one.TopicID = all.Topics[topic].ID
		request.Topics = append(request.Topics, one)
		answer, err := request.RequestWith(t, client)
		t.NoError(err)
		t.Equal(answer.Topics[0].ErrorCode, int16(0))
		t.Equal(*answer.Topics[0].Topic, topic)
		answer, err = request.RequestWith(t, client)
		t.NoError(err)
		t.Equal(answer.Topics[0].ErrorCode, int16(100))
	})

	Test("create partitions", func(t *T) {
		admin, topic := newAdmin(t), newTopic(t, 1)
		made, err := admin.CreatePartitions(t, 2, topic)
		t.NoError(err)
		t.NoError(made[topic].Err)
		var all kadm.Metadata
		t.Eventually("three partitions", func() bool {
			all, err = admin.Metadata(t, topic)
			t.NoError(err)
			return len(all.Topics[topic].Partitions) == 3
		})
		made, err = admin.UpdatePartitions(t, 2, topic)
		t.NoError(err)
		t.Error(made[topic].Err, "INVALID_PARTITIONS")
		made, err = admin.ValidateUpdatePartitions(t, 9, topic)
		t.NoError(err)
		t.NoError(made[topic].Err)
		all, err = admin.Metadata(t, topic)
		t.NoError(err)
		t.Equal(len(all.Topics[topic].Partitions), 3)
	})
}

func configTests() {
	Test("describe topic configs", func(t *T) {
		topic := newTopic(t, 1, "segment.bytes", "2000000", "cleanup.policy", "compact,delete")
		found := configsOf(t, topic)
		t.True(len(found) >= 30, fmt.Sprint(len(found), " configs"))
		set := found["segment.bytes"]
		t.Equal([]any{*set.Value, set.Source}, []any{"2000000", kmsg.ConfigSourceDynamicTopicConfig})
		t.Equal(len(set.Synonyms), 2)
		t.Equal(set.Synonyms[1].Key, "log.segment.bytes")
		t.Equal(*found["cleanup.policy"].Value, "compact,delete")
		retention := found["retention.ms"]
		t.Equal([]any{*retention.Value, retention.Source}, []any{"604800000", kmsg.ConfigSourceDefaultConfig})
	})

	Test("describe broker configs", func(t *T) {
		all, err := newAdmin(t).DescribeBrokerConfigs(t, 1)
		t.NoError(err)
		t.NoError(all[0].Err)
		found := map[string]kadm.Config{}
		for _, config := range all[0].Configs {
			found[config.Key] = config
		}
		t.True(len(found) > 150, fmt.Sprint(len(found), " configs"))
		t.Equal(*found["node.id"].Value, "1")
		t.Equal([]any{*found["num.partitions"].Value, found["num.partitions"].Source}, []any{"1", kmsg.ConfigSourceDefaultConfig})
	})

	Test("describe configs of an unknown topic", func(t *T) {
		all, err := newAdmin(t).DescribeTopicConfigs(t, Unique("none"))
		t.NoError(err)
		t.Error(all[0].Err, "UNKNOWN_TOPIC")
	})

	Test("incremental alter configs", func(t *T) {
		admin, topic := newAdmin(t), newTopic(t, 1, "segment.bytes", "2000000")
		alter := func(changes ...kadm.AlterConfig) error {
			altered, err := admin.AlterTopicConfigs(t, changes, topic)
			t.NoError(err)
			return altered[0].Err
		}
		t.NoError(alter(kadm.AlterConfig{Op: kadm.SetConfig, Name: "retention.ms", Value: text("77")}, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "segment.bytes"}))
		t.NoError(alter(kadm.AlterConfig{Op: kadm.AppendConfig, Name: "cleanup.policy", Value: text("compact")}))
		t.Eventually("the changes", func() bool { return *configsOf(t, topic)["cleanup.policy"].Value == "delete,compact" })
		found := configsOf(t, topic)
		t.Equal([]string{*found["retention.ms"].Value, *found["segment.bytes"].Value}, []string{"77", "1073741824"})
		t.NoError(alter(kadm.AlterConfig{Op: kadm.SubtractConfig, Name: "cleanup.policy", Value: text("delete")}))
		t.Eventually("the change", func() bool { return *configsOf(t, topic)["cleanup.policy"].Value == "compact" })
		t.Error(alter(kadm.AlterConfig{Op: kadm.SetConfig, Name: "retention.ms", Value: text("soon")}), "INVALID_CONFIG")
		t.Error(alter(kadm.AlterConfig{Op: kadm.SetConfig, Name: "no.such", Value: text("1")}), "INVALID_CONFIG")
		t.Error(alter(kadm.AlterConfig{Op: kadm.AppendConfig, Name: "retention.ms", Value: text("1")}), "INVALID_CONFIG")
	})

	Test("incremental alter configs validate only", func(t *T) {
		admin, topic := newAdmin(t), newTopic(t, 1)
		altered, err := admin.ValidateAlterTopicConfigs(t, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: text("77")}}, topic)
		t.NoError(err)
		t.NoError(altered[0].Err)
		t.Equal(*configsOf(t, topic)["retention.ms"].Value, "604800000")
	})

	Test("alter configs", func(t *T) {
		admin, topic := newAdmin(t), newTopic(t, 1, "segment.bytes", "2000000")
		altered, err := admin.AlterTopicConfigsState(t, []kadm.AlterConfig{{Name: "retention.ms", Value: text("77")}}, topic)
		t.NoError(err)
		t.NoError(altered[0].Err)
		t.Eventually("the change", func() bool { return *configsOf(t, topic)["retention.ms"].Value == "77" })
		t.Equal(*configsOf(t, topic)["segment.bytes"].Value, "1073741824")
	})

	Test("alter configs of an unknown topic", func(t *T) {
		altered, err := newAdmin(t).AlterTopicConfigs(t, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: text("77")}}, Unique("none"))
		t.NoError(err)
		t.Error(altered[0].Err, "UNKNOWN_TOPIC")
	})

	Test("alter broker configs", func(t *T) {
		admin := newAdmin(t)
		altered, err := admin.AlterBrokerConfigs(t, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "log.cleaner.threads", Value: text("2")}}, 1)
		t.NoError(err)
		t.NoError(altered[0].Err)
		altered, err = admin.AlterBrokerConfigs(t, []kadm.AlterConfig{{Op: kadm.DeleteConfig, Name: "log.cleaner.threads"}}, 1)
		t.NoError(err)
		t.NoError(altered[0].Err)
		altered, err = admin.AlterBrokerConfigs(t, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "log.dirs", Value: text("/tmp/x")}}, 1)
		t.NoError(err)
		t.Error(altered[0].Err, "INVALID_REQUEST", "INVALID_CONFIG")
	})
}
