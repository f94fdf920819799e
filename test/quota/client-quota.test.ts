import t from 'tap'
import type { Quota } from '../../src/metadata/entities.ts'
import { ClientQuota } from '../../src/quota/client-quota.ts'
import { MutationQuota } from '../../src/quota/mutation-quota.ts'
import { QuotaLimits } from '../../src/quota/quota-limits.ts'

const window = { samples: 11, sampleMs: 1000 }

/** Parts as `user=u`, `user` for the default. */
function quota(parts: string, key: string, value: number): Quota {
  const entity = parts.split(',').map(part => {
    const [entityType, entityName = null] = part.split('=')
    return { entityType, entityName }
  })
  return { entity, values: new Map([[key, value]]) }
}

t.test('eight levels, strongest first', async t => {
  const levels = [
    'user=u,client-id=c',
    'user=u,client-id',
    'user=u',
    'user,client-id=c',
    'user,client-id',
    'user',
    'client-id=c',
    'client-id',
  ]
  const limits = new QuotaLimits('producer_byte_rate')
  const quotas = levels.map((parts, i) => quota(parts, 'producer_byte_rate', i + 1))
  for (const [i] of levels.entries()) {
    limits.replace(quotas.slice(i))
    t.equal(limits.ofClient('u', 'c')?.limit, i + 1, levels[i])
  }
  limits.replace(quotas)
  t.equal(limits.ofClient('u', 'x')?.limit, 2)
  t.equal(limits.ofClient('x', 'c')?.limit, 4)
  t.equal(limits.ofClient('x', 'x')?.limit, 5)
  t.same(limits.ofAddress('10.0.0.1'), null)
})

t.test('who is counted together', async t => {
  const limits = new QuotaLimits('producer_byte_rate')
  const scope = (user: string, clientId: string) => limits.ofClient(user, clientId)?.scope
  limits.replace([quota('user', 'producer_byte_rate', 1)])
  t.equal(scope('u', 'a'), scope('u', 'b'))
  t.not(scope('u', 'a'), scope('v', 'a'), 'the default of users is for each of them')
  limits.replace([quota('client-id=a', 'producer_byte_rate', 1)])
  t.equal(scope('u', 'a'), scope('v', 'a'))
  limits.replace([quota('user,client-id', 'producer_byte_rate', 1)])
  t.not(scope('u', 'a'), scope('u', 'b'))
})

t.test('addresses, however they are spelt', async t => {
  const limits = new QuotaLimits('connection_creation_rate')
  limits.replace([quota('ip=::1', 'connection_creation_rate', 5), quota('ip', 'connection_creation_rate', 9)])
  t.equal(limits.ofAddress('0:0:0:0:0:0:0:1')?.limit, 5)
  t.equal(limits.ofAddress('10.1.2.3')?.limit, 9)
})

t.test('whoever is over waits until the rate is right again', async t => {
  const produce = new ClientQuota({ key: 'producer_byte_rate', window })
  t.notOk(produce.isOn)
  t.equal(produce.charge('u', 'c', 1e9, 0), 0)
  produce.update([quota('client-id=c', 'producer_byte_rate', 1000)])
  t.ok(produce.isOn)
  t.equal(produce.charge('u', 'other', 1e9, 0), 0)
  t.equal(produce.windowMax('u', 'c', 0), 10_000)
  t.equal(produce.windowMax('u', 'other', 0), Number.POSITIVE_INFINITY)
  t.equal(produce.charge('u', 'c', 10_000, 0), 0, 'a whole window at once')
  t.equal(produce.charge('u', 'c', 1000, 0), 1000)
  produce.giveBack('u', 'c', 1000, 0)
  t.equal(produce.charge('u', 'c', 0, 0), 0)
  produce.update([quota('client-id=c', 'producer_byte_rate', 500)])
  t.equal(produce.charge('u', 'c', 0, 0), 10_000, 'what was counted stays when the limit changes')
  produce.update([])
  t.notOk(produce.isOn)
})

t.test('a bound on the wait', async t => {
  const request = new ClientQuota({ key: 'request_percentage', window, throttleMsMax: 1000 })
  request.update([quota('user=u', 'request_percentage', 1)])
  t.equal(request.charge('u', 'c', 1000, 0), 1000)
})

t.test('clients that went quiet are forgotten, busy ones are not', async t => {
  const produce = new ClientQuota({ key: 'producer_byte_rate', window })
  produce.update([quota('client-id', 'producer_byte_rate', 1000)])
  produce.charge('u', 'busy', 11_000, 0)
  for (let i = 0; i < 5000; i++) produce.charge('u', `client ${i}`, 1, 0)
  t.equal(produce.charge('u', 'busy', 0, 0), 1000)
})

t.test('partitions made and deleted', async t => {
  const clock = { nowMs: 0, monotonic: () => clock.nowMs }
  const mutation = new MutationQuota(window)
  const told: number[] = []
  const allow = (strict: boolean) => mutation.allowance('u', 'c', strict, clock, throttleMs => told.push(throttleMs))
  t.equal(allow(true), null)
  mutation.update([quota('user=u', 'controller_mutation_rate', 1)])
  allow(true)?.spend(20)
  t.same(told, [], 'the last that goes through may owe')
  t.throws(() => allow(true)?.spend(1), { code: 89 })
  t.same(told, [9000])
  allow(false)?.spend(1)
  t.same(told, [9000, 10_000], 'an older client is only told')
  clock.nowMs = 10_000
  allow(true)?.spend(1)
  t.equal(told.length, 2)
})
