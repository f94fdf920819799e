package main

import (
	"fmt"

	"github.com/IBM/sarama"
	. "ottla.invalid/compat/harness"
)

func configsOf(t *T, admin sarama.ClusterAdmin, kind sarama.ConfigResourceType, name string) map[string]sarama.ConfigEntry {
	entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: kind, Name: name})
	t.NoError(err)
	found := map[string]sarama.ConfigEntry{}
	for _, entry := range entries {
		found[entry.Name] = entry
	}
	return found
}

func adminTests() {
	Test("connect", func(t *T) { t.True(len(newClient(t, newest()).Brokers()) == 1, "a broker") })

	Test("describe cluster", func(t *T) {
		brokers, controller, err := newAdmin(t).DescribeCluster()
		t.NoError(err)
		t.Equal([]int{len(brokers), int(controller), int(brokers[0].ID())}, []int{1, 1, 1})
	})

	Test("metadata", func(t *T) {
		topic, client := newTopic(t, 3), newClient(t, newest())
		partitions, err := client.Partitions(topic)
		t.NoError(err)
		t.Equal(len(partitions), 3)
		leader, epoch, err := client.LeaderAndEpoch(topic, 2)
		t.NoError(err)
		t.Equal([]int32{leader.ID(), epoch}, []int32{1, 0})
	})

	Test("create topic", func(t *T) {
		topic := newTopic(t, 2, "retention.ms", "12345")
		all, err := newAdmin(t).ListTopics()
		t.NoError(err)
		t.Equal([]int32{all[topic].NumPartitions, int32(all[topic].ReplicationFactor)}, []int32{2, 1})
		t.Equal(*all[topic].ConfigEntries["retention.ms"], "12345")
	})

	Test("create topic with assigned replicas", func(t *T) {
		admin, topic := newAdmin(t), Unique("sarama")
		t.NoError(admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: -1, ReplicationFactor: -1, ReplicaAssignment: map[int32][]int32{0: {1}, 1: {1}}}, false))
		waitForTopic(t, admin, topic)
		all, err := admin.DescribeTopics([]string{topic})
		t.NoError(err)
		t.Equal(len(all[0].Partitions), 2)
	})

	Test("create topic errors", func(t *T) {
		admin, topic := newAdmin(t), newTopic(t, 1)
		good := &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}
		t.Error(admin.CreateTopic(topic, good, false), sarama.ErrTopicAlreadyExists.Error())
		t.Error(admin.CreateTopic("bad name", good, false), sarama.ErrInvalidTopic.Error())
		t.Error(admin.CreateTopic(Unique("x"), &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 3}, false), sarama.ErrInvalidReplicationFactor.Error())
		t.Error(admin.CreateTopic(Unique("x"), &sarama.TopicDetail{NumPartitions: 0, ReplicationFactor: 1}, false), sarama.ErrInvalidPartitions.Error())
		wrong := &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: map[string]*string{"retention.ms": text("soon")}}
		t.Error(admin.CreateTopic(Unique("x"), wrong, false), sarama.ErrInvalidConfig.Error())
		t.NoError(admin.CreateTopic(Unique("x"), good, true), "validate only")
	})

	Test("delete topic", func(t *T) {
		admin, topic := newAdmin(t), newTopic(t, 1)
		t.NoError(admin.DeleteTopic(topic))
		t.Error(admin.DeleteTopic(topic), sarama.ErrUnknownTopicOrPartition.Error())
	})

	Test("create partitions", func(t *T) {
		admin, topic := newAdmin(t), newTopic(t, 1)
		t.NoError(admin.CreatePartitions(topic, 3, nil, false))
		t.Eventually("three partitions", func() bool {
			all, err := admin.DescribeTopics([]string{topic})
			t.NoError(err)
			return len(all[0].Partitions) == 3
		})
		t.Error(admin.CreatePartitions(topic, 2, nil, false), sarama.ErrInvalidPartitions.Error())
	})

	Test("delete records", func(t *T) {
		admin, topic := newAdmin(t), newTopic(t, 1)
		produce(t, topic, numbered(10)...)
		t.NoError(admin.DeleteRecords(topic, map[int32]int64{0: 4}))
		start, err := newClient(t, newest()).GetOffset(topic, 0, sarama.OffsetOldest)
		t.NoError(err)
		t.Equal(start, int64(4))
	})

	Test("describe topic configs", func(t *T) {
		topic := newTopic(t, 1, "segment.bytes", "2000000")
		found := configsOf(t, newAdmin(t), sarama.TopicResource, topic)
		t.True(len(found) >= 30, fmt.Sprint(len(found), " configs"))
		set := found["segment.bytes"]
		t.Equal([]any{set.Value, set.Source}, []any{"2000000", sarama.SourceTopic})
		t.Equal([]any{found["retention.ms"].Value, found["retention.ms"].Source}, []any{"604800000", sarama.SourceDefault})
	})

	Test("describe configs with documentation", func(t *T) {
		topic := newTopic(t, 1)
		all, err := newAdmin(t).DescribeConfigs([]*sarama.ConfigResource{{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"retention.ms"}}}, sarama.DescribeConfigsOptions{IncludeSynonyms: true, IncludeDocumentation: true})
		t.NoError(err)
		t.Equal(len(all[0].Configs), 1)
		config := all[0].Configs[0]
		t.Equal(config.Type, sarama.LongConfigType)
		t.True(config.Documentation != nil && len(*config.Documentation) > 20, "documentation")
	})

	Test("describe broker configs", func(t *T) {
		found := configsOf(t, newAdmin(t), sarama.BrokerResource, "1")
		t.True(len(found) > 150, fmt.Sprint(len(found), " configs"))
		t.Equal(found["node.id"].Value, "1")
	})

	Test("incremental alter configs", func(t *T) {
		admin, topic := newAdmin(t), newTopic(t, 1)
		alter := func(name string, operation sarama.IncrementalAlterConfigsOperation, value *string) error {
			return admin.IncrementalAlterConfig(sarama.TopicResource, topic, map[string]sarama.IncrementalAlterConfigsEntry{name: {Operation: operation, Value: value}}, false)
		}
		is := func(name, value string) {
			t.Eventually(name+" = "+value, func() bool { return configsOf(t, admin, sarama.TopicResource, topic)[name].Value == value })
		}
		t.NoError(alter("retention.ms", sarama.IncrementalAlterConfigsOperationSet, text("77")))
		is("retention.ms", "77")
		t.NoError(alter("retention.ms", sarama.IncrementalAlterConfigsOperationDelete, nil))
		is("retention.ms", "604800000")
		t.NoError(alter("cleanup.policy", sarama.IncrementalAlterConfigsOperationAppend, text("compact")))
		is("cleanup.policy", "delete,compact")
		t.NoError(alter("cleanup.policy", sarama.IncrementalAlterConfigsOperationSubtract, text("delete")))
		is("cleanup.policy", "compact")
		t.Error(alter("retention.ms", sarama.IncrementalAlterConfigsOperationSet, text("soon")), sarama.ErrInvalidConfig.Error())
	})

	Test("alter configs", func(t *T) {
		admin, topic := newAdmin(t), newTopic(t, 1)
		t.NoError(admin.AlterConfig(sarama.TopicResource, topic, map[string]*string{"retention.ms": text("77")}, false))
		t.Eventually("the change", func() bool { return configsOf(t, admin, sarama.TopicResource, topic)["retention.ms"].Value == "77" })
	})

	Test("describe log dirs", func(t *T) {
		topic := newTopic(t, 1)
		produce(t, topic, "x")
		all, err := newAdmin(t).DescribeLogDirs([]int32{1})
		t.NoError(err)
		t.Equal(all[1][0].ErrorCode, sarama.ErrNoError)
		size := int64(0)
		for _, each := range all[1][0].Topics {
			if each.Topic == topic {
				size = each.Partitions[0].Size
			}
		}
		t.True(size > 0, "size")
	})

	Test("list partition reassignments", func(t *T) {
		all, err := newAdmin(t).ListPartitionReassignments(newTopic(t, 1), []int32{0})
		t.NoError(err)
		t.Equal(len(all), 0)
	})

	Test("describe acls with security disabled", func(t *T) {
		_, err := newAdmin(t).ListAcls(sarama.AclFilter{ResourceType: sarama.AclResourceAny, ResourcePatternTypeFilter: sarama.AclPatternAny, Operation: sarama.AclOperationAny, PermissionType: sarama.AclPermissionAny})
		t.Error(err, sarama.ErrSecurityDisabled.Error(), "disabled")
	})

	Test("describe client quotas", func(t *T) {
		_, err := newAdmin(t).DescribeClientQuotas(nil, false)
		t.NoError(err)
	})

	Test("describe scram credentials", func(t *T) {
		all, err := newAdmin(t).DescribeUserScramCredentials(nil)
		t.NoError(err)
		t.Equal(len(all), 0)
	})
}
