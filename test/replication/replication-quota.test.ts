import t from 'tap'
import { isThrottledReplica, ReplicationQuota } from '../../src/replication/replication-quota.ts'

t.test('bytes a second over the window', async t => {
  const quota = new ReplicationQuota({ samples: 11, sampleMs: 1000 })
  t.notOk(quota.isLimited)
  quota.record(1e9, 0)
  t.notOk(quota.isExceeded(0), 'no limit')
  quota.limit(100)
  t.ok(quota.isExceeded(1))
  t.ok(quota.isExceeded(10_999))
  t.notOk(quota.isExceeded(11_000), 'forgotten')
  quota.record(1000, 20_000)
  t.notOk(quota.isExceeded(20_000), 'as much as the window allows')
  quota.record(1, 20_000)
  t.ok(quota.isExceeded(20_000))
  t.notOk(quota.isExceeded(30_011))
})

t.test('which replicas', async t => {
  t.ok(isThrottledReplica(['*'], 3, 1))
  t.ok(isThrottledReplica(['0:1', '3:1'], 3, 1))
  t.notOk(isThrottledReplica(['3:2', '2:1'], 3, 1))
  t.notOk(isThrottledReplica([], 3, 1))
})
