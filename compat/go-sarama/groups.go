package main

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/IBM/sarama"
	. "ottla.invalid/compat/harness"
)

// member of a group; a sarama.ConsumerGroupHandler that knows what it is assigned and what it has read.
type member struct {
	group  sarama.ConsumerGroup
	stop   context.CancelFunc
	done   chan struct{}
	mutex  sync.Mutex
	claims []int32
	values []string
	err    error
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.claims = nil
	for _, partitions := range session.Claims() {
		m.claims = append(m.claims, partitions...)
	}
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.claims = nil
	return nil
}

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			m.mutex.Lock()
			m.values = append(m.values, string(message.Value))
			m.mutex.Unlock()
			session.MarkMessage(message, "")
		case <-session.Context().Done():
			return nil
		}
	}
}

func (m *member) count() int {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return len(m.claims)
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

func (m *member) leave() {
	m.stop()
	<-m.done
	m.group.Close()
}

func (m *member) owns(t *T, count int) {
	t.Eventually(fmt.Sprintf("%d partitions", count), func() bool { return m.count() == count })
}

func joinGroup(t *T, config *sarama.Config, group, topic string) *member {
	consumer, err := sarama.NewConsumerGroup(addresses, group, config)
	t.NoError(err)
	ctx, stop := context.WithCancel(t)
	m := &member{group: consumer, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(m.done)
		for ctx.Err() == nil {
			if err := consumer.Consume(ctx, []string{topic}, m); err != nil && ctx.Err() == nil {
				m.mutex.Lock()
				m.err = err
				m.mutex.Unlock()
				return
			}
		}
	}()
	t.Cleanup(m.leave)
	return m
}

func committed(t *T, admin sarama.ClusterAdmin, group, topic string) (int64, string) {
	answer, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: {0}})
	t.NoError(err)
	t.Equal(answer.Err, sarama.ErrNoError)
	block := answer.GetBlock(topic, 0)
	t.Equal(block.Err, sarama.ErrNoError)
	return block.Offset, block.Metadata
}

func groupTests() {
	for _, strategy := range []sarama.BalanceStrategy{sarama.NewBalanceStrategyRange(), sarama.NewBalanceStrategyRoundRobin(), sarama.NewBalanceStrategySticky()} {
		Test("group rebalance, "+strategy.Name(), func(t *T) {
			topic, group, config := newTopic(t, 4), Unique("group"), newest()
			config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy}
			one := joinGroup(t, config, group, topic)
			one.owns(t, 4)
			two := joinGroup(t, config, group, topic)
			t.Eventually("two and two partitions", func() bool { return one.count() == 2 && two.count() == 2 })
			two.leave()
			one.owns(t, 4)
			produce(t, topic, numbered(20)...)
			t.Eventually("20 messages", func() bool { return len(one.read()) == 20 })
			t.NoError(one.failure())
		})
	}

	for _, version := range []sarama.KafkaVersion{sarama.V1_0_0_0, sarama.V2_1_0_0, sarama.V2_4_0_0, sarama.V2_8_0_0, sarama.V3_9_0_0, sarama.V4_0_0_0} {
		Test("group as a client of Kafka "+version.String(), func(t *T) {
			topic, group, config := newTopic(t, 2), Unique("group"), newConfig(version)
			produce(t, topic, numbered(10)...)
			one := joinGroup(t, config, group, topic)
			t.Eventually("10 messages", func() bool { return len(one.read()) == 10 })
			admin := adminWith(t, config)
			t.Eventually("the commit", func() bool { offset, _ := committed(t, admin, group, topic); return offset == 10 })
			described, err := admin.DescribeConsumerGroups([]string{group})
			t.NoError(err)
			t.Equal(described[0].State, "Stable")
			one.leave()
			t.NoError(one.failure())
		})
	}

	Test("group of three members keeps every message once", func(t *T) {
		topic, group := newTopic(t, 6), Unique("group")
		members := []*member{joinGroup(t, newest(), group, topic), joinGroup(t, newest(), group, topic), joinGroup(t, newest(), group, topic)}
		t.Eventually("two partitions each", func() bool {
			return members[0].count() == 2 && members[1].count() == 2 && members[2].count() == 2
		})
		var messages []*sarama.ProducerMessage
		for i, value := range numbered(120) {
			messages = append(messages, &sarama.ProducerMessage{Topic: topic, Partition: int32(i % 6), Value: sarama.StringEncoder(value)})
		}
		t.NoError(newProducer(t, newest()).SendMessages(messages))
		var all []string
		t.Eventually("120 messages", func() bool {
			all = nil
			for _, one := range members {
				all = append(all, one.read()...)
			}
			return len(all) >= 120
		})
		sort.Strings(all)
		t.Equal(all, numbered(120))
	})

	Test("group resumes from the committed offset", func(t *T) {
		topic, group := newTopic(t, 1), Unique("group")
		admin := newAdmin(t)
		produce(t, topic, "a")
		one := joinGroup(t, newest(), group, topic)
		t.Eventually("the commit", func() bool { offset, _ := committed(t, admin, group, topic); return offset == 1 })
		one.leave()
		produce(t, topic, "b")
		two := joinGroup(t, newest(), group, topic)
		t.Eventually("the next", func() bool { return len(two.read()) == 1 })
		t.Equal(two.read(), []string{"b"})
	})

	Test("group static member", func(t *T) {
		topic, group, config := newTopic(t, 2), Unique("group"), newest()
		config.Consumer.Group.InstanceId = "one"
		one := joinGroup(t, config, group, topic)
		one.owns(t, 2)
		one.leave()
		admin := newAdmin(t)
		described, err := admin.DescribeConsumerGroups([]string{group})
		t.NoError(err)
		t.Equal(described[0].State, "Stable")
		for _, each := range described[0].Members {
			t.Equal(*each.GroupInstanceId, "one")
			t.Equal(each.ClientHost, "/127.0.0.1")
		}
		joinGroup(t, config, group, topic).owns(t, 2)
		left, err := admin.RemoveMemberFromConsumerGroup(group, []string{"one", "stranger"})
		t.NoError(err)
		t.Equal(left.Err, sarama.ErrNoError)
		t.Equal([]sarama.KError{left.Members[0].Err, left.Members[1].Err}, []sarama.KError{sarama.ErrNoError, sarama.ErrUnknownMemberId})
	})

	Test("group session timeout", func(t *T) {
		topic, group, config := newTopic(t, 2), Unique("group"), newest()
		config.Consumer.Group.InstanceId, config.Consumer.Group.Session.Timeout = "one", 6*time.Second
		one := joinGroup(t, config, group, topic)
		one.owns(t, 2)
		one.leave()
		joinGroup(t, newest(), group, topic).owns(t, 2)
	})

	Test("group of mixed protocols is refused", func(t *T) {
		topic, group := newTopic(t, 2), Unique("group")
		joinGroup(t, newest(), group, topic).owns(t, 2)
		config := newest()
		config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategySticky()}
		two := joinGroup(t, config, group, topic)
		t.Eventually("an error", func() bool { return two.failure() != nil })
		t.Error(two.failure(), sarama.ErrInconsistentGroupProtocol.Error())
	})

	Test("list groups", func(t *T) {
		topic, group := newTopic(t, 1), Unique("group")
		joinGroup(t, newest(), group, topic).owns(t, 1)
		all, err := newAdmin(t).ListConsumerGroups()
		t.NoError(err)
		t.Equal(all[group], "consumer")
	})

	Test("describe groups", func(t *T) {
		topic, group := newTopic(t, 2), Unique("group")
		joinGroup(t, newest(), group, topic).owns(t, 2)
		stranger := Unique("group")
		all, err := newAdmin(t).DescribeConsumerGroups([]string{group, stranger})
		t.NoError(err)
		t.Equal(len(all), 2)
		for _, one := range all {
			if one.GroupId == stranger {
				t.Equal(one.State, "Dead")
				continue
			}
			t.Equal([]string{one.State, one.ProtocolType, one.Protocol}, []string{"Stable", "consumer", "range"})
			for _, each := range one.Members {
				assigned, err := each.GetMemberAssignment()
				t.NoError(err)
				t.Equal(len(assigned.Topics[topic]), 2)
				subscribed, err := each.GetMemberMetadata()
				t.NoError(err)
				t.Equal(subscribed.Topics, []string{topic})
			}
		}
	})

	Test("set offsets", func(t *T) {
		topic, group := newTopic(t, 1), Unique("group")
		admin := newAdmin(t)
		answer, err := admin.AlterConsumerGroupOffsets(group, map[string]map[int32]sarama.OffsetAndMetadata{topic: {0: {Offset: 17, Metadata: "note", LeaderEpoch: -1}}}, nil)
		t.NoError(err)
		t.Equal(answer.Errors[topic][0], sarama.ErrNoError)
		offset, metadata := committed(t, admin, group, topic)
		t.Equal([]any{offset, metadata}, []any{int64(17), "note"})
	})

	Test("fetch offsets of an unknown group", func(t *T) {
		offset, _ := committed(t, newAdmin(t), Unique("group"), newTopic(t, 1))
		t.Equal(offset, int64(-1))
	})

	Test("fetch offsets of many groups at once", func(t *T) {
		topic, admin := newTopic(t, 1), newAdmin(t)
		groups := map[string]map[string][]int32{}
		for range 3 {
			group := Unique("group")
			groups[group] = map[string][]int32{topic: {0}}
			_, err := admin.AlterConsumerGroupOffsets(group, map[string]map[int32]sarama.OffsetAndMetadata{topic: {0: {Offset: 5, LeaderEpoch: -1}}}, nil)
			t.NoError(err)
		}
		all, err := admin.ListConsumerGroupOffsetsBatch(groups)
		t.NoError(err)
		t.Equal(len(all), 3)
		for _, one := range all {
			t.Equal(one.Blocks[topic][0].Offset, int64(5))
		}
	})

	Test("delete offsets", func(t *T) {
		topic, group := newTopic(t, 1), Unique("group")
		admin := newAdmin(t)
		_, err := admin.AlterConsumerGroupOffsets(group, map[string]map[int32]sarama.OffsetAndMetadata{topic: {0: {Offset: 5, LeaderEpoch: -1}}}, nil)
		t.NoError(err)
		t.NoError(admin.DeleteConsumerGroupOffset(group, topic, 0))
		offset, _ := committed(t, admin, group, topic)
		t.Equal(offset, int64(-1))
	})

	Test("delete groups", func(t *T) {
		topic, group := newTopic(t, 1), Unique("group")
		admin := newAdmin(t)
		one := joinGroup(t, newest(), group, topic)
		one.owns(t, 1)
		t.Error(admin.DeleteConsumerGroup(group), sarama.ErrNonEmptyGroup.Error())
		one.leave()
		t.NoError(admin.DeleteConsumerGroup(group))
		t.Error(admin.DeleteConsumerGroup(group), sarama.ErrGroupIDNotFound.Error())
	})
}

func transactionTests() {
	for name, commit := range map[string]bool{"commit": true, "abort": false} {
		Test("transaction "+name, func(t *T) {
			topic, config := newTopic(t, 1), newest()
			config.Producer.Idempotent, config.Net.MaxOpenRequests = true, 1
			config.Producer.Transaction.ID = Unique("txn")
			producer := newProducer(t, config)
			t.NoError(producer.BeginTxn())
			t.NoError(producer.SendMessages(messagesOf(topic, "in")))
			expected := "in"
			if commit {
				t.NoError(producer.CommitTxn())
			} else {
				t.NoError(producer.AbortTxn())
				produce(t, topic, "after")
				expected = "after"
			}
			reader := newest()
			reader.Consumer.IsolationLevel = sarama.ReadCommitted
			t.Equal(valuesOf(read(t, reader, topic, 0, 0, 1)), []string{expected})
		}, Needs("transactions"))
	}
}
