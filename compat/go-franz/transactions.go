package main

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	. "ottla.invalid/compat/harness"
)

func transactionTests() {
	transact := func(t *T, topic string, commit kgo.TransactionEndTry) {
		client := newClient(t, kgo.TransactionalID(Unique("txn")), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		t.NoError(client.BeginTransaction())
		t.NoError(client.ProduceSync(t, &kgo.Record{Topic: topic, Value: []byte("in")}).FirstErr())
		t.NoError(client.EndTransaction(t, commit))
	}

	Test("transaction commit", func(t *T) {
		topic := newTopic(t, 1)
		transact(t, topic, kgo.TryCommit)
		client := consumerOf(t, topic, kgo.NewOffset().AtStart(), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
		t.Equal(valuesOf(poll(t, client, 1)), []string{"in"})
	}, Needs("transactions"))

	Test("transaction abort", func(t *T) {
		topic := newTopic(t, 1)
		transact(t, topic, kgo.TryAbort)
		produce(t, topic, "after")
		client := consumerOf(t, topic, kgo.NewOffset().AtStart(), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
		t.Equal(valuesOf(poll(t, client, 1)), []string{"after"})
	}, Needs("transactions"))

	Test("transaction with offsets", func(t *T) {
		from, to, group := newTopic(t, 1), newTopic(t, 1), Unique("group")
		produce(t, from, "a", "b")
		session, err := kgo.NewGroupTransactSession(
			kgo.SeedBrokers(Bootstrap), kgo.TransactionalID(Unique("txn")), kgo.ConsumerGroup(group), kgo.ConsumeTopics(from),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(500*time.Millisecond))
		t.NoError(err)
		t.Cleanup(session.Close)
		for seen := 0; seen < 2; {
			fetches := session.PollFetches(t)
			t.NoError(fetches.Err())
			t.NoError(session.Begin())
			for _, record := range fetches.Records() {
				session.Produce(t, &kgo.Record{Topic: to, Value: record.Value}, nil)
				seen++
			}
			ok, err := session.End(context.WithoutCancel(t), kgo.TryCommit)
			t.NoError(err)
			t.True(ok, "committed")
		}
		t.Eventually("the commit", func() bool { return committed(t, group, from, 0).At == 2 })
		t.Equal(valuesOf(poll(t, consumerOf(t, to, kgo.NewOffset().AtStart()), 2)), []string{"a", "b"})
	}, Needs("transactions"))
}
