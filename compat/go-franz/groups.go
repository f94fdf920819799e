package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	. "ottla.invalid/compat/harness"
)

// member of a group, polled in the background; knows what it is assigned and what it has read.
type member struct {
	client *kgo.Client
	mutex  sync.Mutex
	owned  map[string]bool
	values []string
	err    error
}

func joinGroup(t *T, group, topic string, options ...kgo.Opt) *member {
	m := &member{owned: map[string]bool{}}
	change := func(owned bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			m.mutex.Lock()
			defer m.mutex.Unlock()
			for _, partition := range eachPartition(partitions) {
				if owned {
					m.owned[partition] = true
				} else {
					delete(m.owned, partition)
				}
			}
		}
	}
	base := []kgo.Opt{
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.HeartbeatInterval(300 * time.Millisecond), kgo.SessionTimeout(10 * time.Second), kgo.RebalanceTimeout(10 * time.Second),
		kgo.AutoCommitInterval(200 * time.Millisecond),
		kgo.OnPartitionsAssigned(change(true)), kgo.OnPartitionsRevoked(change(false)), kgo.OnPartitionsLost(change(false)),
	}
	m.client = newClient(t, append(base, options...)...)
	go func() {
		for {
			fetches := m.client.PollFetches(t)
			if fetches.IsClientClosed() || t.Err() != nil {
				return
			}
			m.mutex.Lock()
			for _, failed := range fetches.Errors() {
				m.err = failed.Err
			}
			m.values = append(m.values, valuesOf(fetches.Records())...)
			m.mutex.Unlock()
		}
	}()
	return m
}

func (m *member) count() int {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return len(m.owned)
}

func (m *member) read() []string {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return append([]string{}, m.values...)
}

func (m *member) failure() error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.err
}

func (m *member) owns(t *T, count int) {
	t.Eventually(fmt.Sprintf("%d partitions", count), func() bool { return m.count() == count })
}

func committed(t *T, group, topic string, partition int32) kadm.OffsetResponse {
	fetched, err := newAdmin(t).FetchOffsets(t, group)
	t.NoError(err)
	offset, ok := fetched.Lookup(topic, partition)
	if !ok {
		return kadm.OffsetResponse{Offset: kadm.Offset{At: -1}}
	}
	t.NoError(offset.Err)
	return offset
}

func groupTests() {
	Test("group join", func(t *T) {
		topic := newTopic(t, 3)
		joinGroup(t, Unique("group"), topic).owns(t, 3)
	})

	for name, balancer := range map[string]kgo.GroupBalancer{
		"range": kgo.RangeBalancer(), "round robin": kgo.RoundRobinBalancer(),
		"sticky": kgo.StickyBalancer(), "cooperative": kgo.CooperativeStickyBalancer(),
	} {
		Test("group rebalance, "+name, func(t *T) {
			topic, group := newTopic(t, 4), Unique("group")
			one := joinGroup(t, group, topic, kgo.Balancers(balancer))
			one.owns(t, 4)
			two := joinGroup(t, group, topic, kgo.Balancers(balancer))
			t.Eventually("two and two partitions", func() bool { return one.count() == 2 && two.count() == 2 })
			two.client.Close()
			one.owns(t, 4)
			produce(t, topic, numbered(20)...)
			t.Eventually("20 records", func() bool { return len(one.read()) == 20 })
			t.NoError(one.failure())
		})
	}

	Test("group of three members keeps every message once", func(t *T) {
		topic, group := newTopic(t, 6), Unique("group")
		members := []*member{joinGroup(t, group, topic), joinGroup(t, group, topic), joinGroup(t, group, topic)}
		t.Eventually("two partitions each", func() bool {
			return members[0].count() == 2 && members[1].count() == 2 && members[2].count() == 2
		})
		producer := newClient(t, kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
		values := numbered(120)
		for _, value := range values {
			t.NoError(producer.ProduceSync(t, &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr())
		}
		var all []string
		t.Eventually("120 records", func() bool {
			all = nil
			for _, one := range members {
				all = append(all, one.read()...)
			}
			return len(all) >= 120
		})
		t.Equal(sorted(all), values)
	})

	Test("group commit and fetch offsets", func(t *T) {
		topic, group := newTopic(t, 1), Unique("group")
		produce(t, topic, "a", "b", "c")
		client := newClient(t, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		read := poll(t, client, 3)
		t.NoError(client.CommitRecords(t, read[:2]...))
		offset := committed(t, group, topic, 0)
		t.Equal([]int64{offset.At, int64(offset.LeaderEpoch)}, []int64{2, 0})
		client.Close()
		again := newClient(t, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic))
		t.Equal(valuesOf(poll(t, again, 1)), []string{"c"})
	})

	Test("group auto-commit on close", func(t *T) {
		topic, group := newTopic(t, 1), Unique("group")
		produce(t, topic, "a", "b", "c")
		one := joinGroup(t, group, topic)
		t.Eventually("3 records", func() bool { return len(one.read()) == 3 })
		t.Eventually("a commit", func() bool { return committed(t, group, topic, 0).At == 3 })
	})

	Test("group commit with metadata", func(t *T) {
		topic, group := newTopic(t, 2), Unique("group")
		admin := newAdmin(t)
		offsets := kadm.Offsets{}
		offsets.Add(kadm.Offset{Topic: topic, Partition: 1, At: 17, LeaderEpoch: -1, Metadata: "note é"})
		t.NoError(admin.CommitAllOffsets(t, group, offsets))
		offset := committed(t, group, topic, 1)
		t.Equal(offset.Metadata, "note é")
		t.Equal([]int64{offset.At, int64(offset.LeaderEpoch)}, []int64{17, -1})
		offsets = kadm.Offsets{}
		offsets.Add(kadm.Offset{Topic: topic, Partition: 1, At: 18, LeaderEpoch: -1, Metadata: string(make([]byte, 5000))})
		t.Error(admin.CommitAllOffsets(t, group, offsets), "OFFSET_METADATA_TOO_LARGE")
	})

	Test("group commit to an unknown topic is refused", func(t *T) {
		topic := Unique("none")
		offsets := kadm.Offsets{}
		offsets.AddOffset(topic, 0, 1, -1)
		t.Error(newAdmin(t).CommitAllOffsets(t, Unique("group"), offsets), "UNKNOWN_TOPIC")
	})

	Test("group static member", func(t *T) {
		topic, group := newTopic(t, 2), Unique("group")
		admin := newAdmin(t)
		one := joinGroup(t, group, topic, kgo.InstanceID("one"))
		one.owns(t, 2)
		before := describe(t, admin, group)
		t.Equal(*before.Members[0].InstanceID, "one")
		one.client.Close() // a static member does not leave
		t.Equal(describe(t, admin, group).State, "Stable")
		again := joinGroup(t, group, topic, kgo.InstanceID("one"))
		again.owns(t, 2)
		after := describe(t, admin, group)
		t.Equal(len(after.Members), 1)
		t.True(after.Members[0].MemberID != before.Members[0].MemberID, "a new member id")
	})

	Test("group static member is fenced", func(t *T) {
		topic, group := newTopic(t, 2), Unique("group")
		one := joinGroup(t, group, topic, kgo.InstanceID("one"))
		one.owns(t, 2)
		joinGroup(t, group, topic, kgo.InstanceID("one")).owns(t, 2)
		t.Eventually("the first to be fenced", func() bool { return one.failure() != nil })
		t.Error(one.failure(), "FENCED_INSTANCE_ID")
	})

	Test("group remove members", func(t *T) {
		topic, group := newTopic(t, 2), Unique("group")
		admin := newAdmin(t)
		one := joinGroup(t, group, topic, kgo.InstanceID("one"))
		one.owns(t, 2)
		one.client.Close()
		left, err := admin.LeaveGroup(t, kadm.LeaveGroup(group).InstanceIDs("one", "stranger").Reason("test"))
		t.NoError(err)
		t.NoError(left["one"].Err)
		t.Error(left["stranger"].Err, "UNKNOWN_MEMBER_ID")
		t.Equal(describe(t, admin, group).State, "Empty")
	})

	Test("group session timeout", func(t *T) {
		topic, group := newTopic(t, 2), Unique("group")
		one := joinGroup(t, group, topic, kgo.InstanceID("one"), kgo.SessionTimeout(6*time.Second))
		one.owns(t, 2)
		one.client.Close()
		two := joinGroup(t, group, topic, kgo.InstanceID("two"))
		two.owns(t, 2)
	})

	Test("group with inconsistent protocol is refused", func(t *T) {
		topic, group := newTopic(t, 2), Unique("group")
		joinGroup(t, group, topic, kgo.Balancers(kgo.RangeBalancer())).owns(t, 2)
		two := joinGroup(t, group, topic, kgo.Balancers(kgo.RoundRobinBalancer()))
		t.Eventually("an error", func() bool { return two.failure() != nil })
		t.Error(two.failure(), "INCONSISTENT_GROUP_PROTOCOL")
	})

	Test("list groups", func(t *T) {
		topic, group := newTopic(t, 1), Unique("group")
		joinGroup(t, group, topic).owns(t, 1)
		admin := newAdmin(t)
		all, err := admin.ListGroups(t)
		t.NoError(err)
		t.Equal([]string{all[group].ProtocolType, all[group].State}, []string{"consumer", "Stable"})
		some, err := admin.ListGroups(t, "Empty")
		t.NoError(err)
		_, listed := some[group]
		t.True(!listed, "filtered by state")
		some, err = admin.ListGroupsByType(t, []string{"classic"})
		t.NoError(err)
		_, listed = some[group]
		t.True(listed, "filtered by type")
	})

	Test("describe groups", func(t *T) {
		topic, group := newTopic(t, 2), Unique("group")
		joinGroup(t, group, topic, kgo.Balancers(kgo.RangeBalancer())).owns(t, 2)
		one := describe(t, newAdmin(t), group)
		t.Equal([]string{one.State, one.ProtocolType, one.Protocol}, []string{"Stable", "consumer", "range"})
		t.Equal(len(one.Members), 1)
		t.Equal(one.Members[0].ClientID, "compat-franz")
		t.Equal(one.Members[0].ClientHost, "/127.0.0.1")
		joined, ok := one.Members[0].Join.AsConsumer()
		t.True(ok && joined.Topics[0] == topic, "subscription")
		t.Equal(len(one.AssignedPartitions()[topic]), 2)
	})

	Test("describe an unknown group", func(t *T) {
		group := Unique("group")
		all, err := newAdmin(t).DescribeGroups(t, group)
		t.NoError(err)
		t.Equal(all[group].State, "Dead")
		t.Error(all[group].Err, "GROUP_ID_NOT_FOUND")
	})

	Test("group lag", func(t *T) {
		topic, group := newTopic(t, 1), Unique("group")
		produce(t, topic, numbered(10)...)
		admin := newAdmin(t)
		offsets := kadm.Offsets{}
		offsets.AddOffset(topic, 0, 4, -1)
		t.NoError(admin.CommitAllOffsets(t, group, offsets))
		lags, err := admin.Lag(t, group)
		t.NoError(err)
		one := lags[group]
		t.NoError(one.Error())
		lag, ok := one.Lag.Lookup(topic, 0)
		t.True(ok, "lag")
		t.Equal(lag.Lag, int64(6))
	})

	Test("fetch offsets of an unknown group", func(t *T) {
		topic := newTopic(t, 1)
		all, err := newAdmin(t).FetchOffsetsForTopics(t, Unique("group"), topic)
		t.NoError(err)
		offset, ok := all.Lookup(topic, 0)
		t.True(ok, "listed")
		t.NoError(offset.Err)
		t.Equal(offset.At, int64(-1))
	})

	Test("fetch offsets of many groups at once", func(t *T) {
		topic := newTopic(t, 1)
		admin := newAdmin(t)
		groups := []string{Unique("group"), Unique("group"), Unique("group")}
		for i, group := range groups {
			offsets := kadm.Offsets{}
			offsets.AddOffset(topic, 0, int64(i), -1)
			t.NoError(admin.CommitAllOffsets(t, group, offsets))
		}
		all := admin.FetchManyOffsets(t, groups...)
		t.NoError(all.Error())
		for i, group := range groups {
			offset, _ := all[group].Fetched.Lookup(topic, 0)
			t.Equal(offset.At, int64(i))
		}
	})

	Test("delete offsets", func(t *T) {
		topic, group := newTopic(t, 2), Unique("group")
		admin := newAdmin(t)
		offsets := kadm.Offsets{}
		offsets.AddOffset(topic, 0, 4, -1)
		offsets.AddOffset(topic, 1, 5, -1)
		t.NoError(admin.CommitAllOffsets(t, group, offsets))
		deleted, err := admin.DeleteOffsets(t, group, kadm.TopicsSet{topic: {0: {}}})
		t.NoError(err)
		t.NoError(deleted[topic][0])
		t.Equal([]int64{committed(t, group, topic, 0).At, committed(t, group, topic, 1).At}, []int64{-1, 5})
		joinGroup(t, group, topic).owns(t, 2)
		deleted, err = admin.DeleteOffsets(t, group, kadm.TopicsSet{topic: {1: {}}})
		t.NoError(err)
		t.Error(deleted[topic][1], "GROUP_SUBSCRIBED_TO_TOPIC")
	})

	Test("delete groups", func(t *T) {
		topic, group := newTopic(t, 1), Unique("group")
		admin := newAdmin(t)
		one := joinGroup(t, group, topic)
		one.owns(t, 1)
		_, err := admin.DeleteGroup(t, group)
		t.Error(err, "NON_EMPTY_GROUP")
		one.client.Close()
		_, err = admin.DeleteGroup(t, group)
		t.NoError(err)
		_, err = admin.DeleteGroup(t, group)
		t.Error(err, "GROUP_ID_NOT_FOUND")
	})

	Test("group offsets go with their topic", func(t *T) {
		topic, group := newTopic(t, 1), Unique("group")
		admin := newAdmin(t)
		offsets := kadm.Offsets{}
		offsets.AddOffset(topic, 0, 4, -1)
		t.NoError(admin.CommitAllOffsets(t, group, offsets))
		_, err := admin.DeleteTopic(t, topic)
		t.NoError(err)
		t.Eventually("the offset to go", func() bool { return committed(t, group, topic, 0).At == -1 })
	})

	Test("find coordinators of many groups", func(t *T) {
		groups := []string{Unique("a"), Unique("b"), Unique("c")}
		found := newAdmin(t).FindGroupCoordinators(t, groups...)
		t.NoError(found.Error())
		for _, group := range groups {
			t.Equal(found[group].NodeID, int32(1))
		}
	})
}

func describe(t *T, admin *kadm.Client, group string) kadm.DescribedGroup {
	all, err := admin.DescribeGroups(t, group)
	t.NoError(err)
	t.NoError(all[group].Err)
	return all[group]
}
