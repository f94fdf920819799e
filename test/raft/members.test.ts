import t from 'tap'
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { recordsOf } from '../../src/metadata/snapshot.ts'
import { MetadataState } from '../../src/metadata/state.ts'
import { SnapshotError } from '../../src/raft/snapshot-file.ts'
import { record } from '../metadata/history.ts'
import { directoryOf, endpointOf, type Member, Members } from './members.ts'
import { writeText } from './world.ts'

for (const dynamic of [false, true]) {
  const kind = dynamic ? 'in the log' : 'by configuration'

  t.test(`three voters ${kind} elect one, and what it writes is committed everywhere`, async t => {
    const members = new Members({ count: 3, dynamic })
    await members.clock.run(members.startAll())
    const leader = await members.leads()
    const offset = members.write(leader, 1)
    await members.committedEverywhere(offset)
    const follower = members.all.find(member => member !== leader) as Member
    t.equal(follower.running.leaderId, leader.id)
    t.same(follower.running.leaderEndpoint(), endpointOf(leader.id))
    t.throws(() => members.write(follower, 2), new KafkaError(Errors.NOT_CONTROLLER))
    const { voters } = leader.running.describe()
    t.same(
      voters.map(({ replicaId }) => replicaId),
      [1, 2, 3],
    )
    await members.clock.run(members.stopAll())
  })

  t.test(`a voter ${kind} that stops hands over at once`, async t => {
    const members = new Members({ count: 3, dynamic })
    await members.clock.run(members.startAll())
    const first = await members.leads()
    await members.committedEverywhere(members.write(first, 1))
    const beforeMs = members.clock.monotonic()
    await members.clock.run(members.stop(first))
    const second = await members.leads()
    const tookMs = members.clock.monotonic() - beforeMs
    t.ok(tookMs < 500, `${tookMs} ms`)
    t.not(second.id, first.id)
    const offset = members.write(second, 2)
    await members.clock.run(members.start(first))
    await members.committedEverywhere(offset)
    await members.clock.run(members.stopAll())
  })
}

t.test('one that is cut off does not disturb the others when it comes back', async t => {
  const members = new Members({ count: 3 })
  await members.clock.run(members.startAll())
  const leader = await members.leads()
  await members.committedEverywhere(members.write(leader, 1))
  const epoch = leader.running.leaderEpoch
  const lost = members.all.find(member => member !== leader) as Member
  lost.isCut = true
  await members.clock.advance(20_000)
  members.write(leader, 2)
  lost.isCut = false
  await members.committedEverywhere(members.write(leader, 3))
  t.equal(leader.running.leaderEpoch, epoch, 'nobody was elected')
  await members.clock.run(members.stopAll())
})

t.test('a leader without followers steps down, and what it wrote alone gives way', async t => {
  const members = new Members({ count: 3 })
  await members.clock.run(members.startAll())
  const old = await members.leads()
  await members.committedEverywhere(members.write(old, 1))
  old.isCut = true
  members.write(old, 66)
  members.write(old, 67)
  await members.until('stepped down', () => !old.running.isLeader)
  await members.until('another leader', () => members.leader !== null && members.leader !== old)
  const fresh = members.leader as Member
  await members.until('elected', () => fresh.elected.length > 0)
  const offset = members.write(fresh, 2)
  old.isCut = false
  await members.committedEverywhere(offset)
  const logs = []
  for (const { running } of members.all) logs.push(await members.clock.run(running.read(0, 1 << 20)))
  t.same(logs[0], logs[1], 'the logs are the same bytes')
  t.same(logs[1], logs[2])
  await members.clock.run(members.stopAll())
})

t.test('a replica that is too far behind takes a snapshot', async t => {
  const members = new Members({ count: 4, voters: 3, quorum: { snapshotBytesMax: 100 } })
  const observer = members.all[3]
  for (const member of members.all.slice(0, 3)) await members.clock.run(members.start(member))
  const leader = await members.leads()
  const state = new MetadataState()
  let offset = 0
  for (let level = 1; level <= 30; level++) {
    offset = members.write(leader, level)
    state.apply(record('featureLevel', { name: `f${level}`, featureLevel: level }), offset, 1)
  }
  await members.committedEverywhere(offset)
  await members.clock.run(leader.running.saveSnapshot({ endOffset: offset + 1, epoch: 1 }, recordsOf(state), 5))
  const installed: unknown[] = []
  const quorum = await members.clock.run(members.start(observer))
  quorum.listen({ snapshotInstalled: (id, records) => installed.push(id, records.length) })
  await members.committedEverywhere(members.write(leader, 31))
  t.same(installed, [{ endOffset: offset + 1, epoch: leader.running.leaderEpoch }, 30])
  const names = (await members.clock.run(observer.host.disk.list('/data/__cluster_metadata-0'))).map(({ name }) => name)
  t.notOk(names.some(name => name.endsWith('.part')))
  await members.clock.run(members.stop(observer))
  const again = await members.clock.run(members.start(observer))
  t.equal(again.snapshotRecords.length, 30)
  t.equal(leader.running.describe().observers.length, 1)
  await members.clock.run(members.stopAll())
})

t.test('voters come and go', async t => {
  const members = new Members({ count: 4, voters: 3, dynamic: true })
  await members.clock.run(members.startAll())
  const leader = await members.leads()
  const { requests } = leader.running
  const fourth = { id: 4, directoryId: directoryOf(4) }
  const add = (ackWhenCommitted: boolean) =>
    requests.addVoter({
      clusterId: null,
      timeoutMs: 5000,
      voterId: fourth.id,
      voterDirectoryId: fourth.directoryId,
      listeners: [endpointOf(4)],
      ackWhenCommitted,
    })
  await members.committedEverywhere(members.write(leader, 1))
  t.match(await members.clock.run(add(true)), { errorCode: Errors.NONE })
  t.match(await members.clock.run(add(true)), { errorCode: Errors.DUPLICATE_VOTER })
  t.equal(leader.running.voters.size, 4)
  const remove = (id: number) =>
    requests.removeVoter({ clusterId: null, voterId: id, voterDirectoryId: directoryOf(id) })
  t.match(await members.clock.run(remove(9)), { errorCode: Errors.VOTER_NOT_FOUND })
  const epoch = leader.running.leaderEpoch
  t.match(await members.clock.run(remove(leader.id)), { errorCode: Errors.NONE })
  await members.until('led by another', () => members.leader !== null && members.leader !== leader)
  const next = await members.leads()
  t.ok(next.running.leaderEpoch > epoch)
  t.same(
    next.running.voters.ids,
    [1, 2, 3, 4].filter(id => id !== leader.id),
  )
  await members.committedEverywhere(members.write(next, 2))
  await members.clock.run(members.stopAll())
})

t.test('a controller that may join does', async t => {
  const members = new Members({ count: 4, voters: 3, dynamic: true })
  for (const member of members.all) await members.clock.run(members.start(member, { autoJoin: member.id === 4 }))
  const leader = await members.leads()
  await members.until('four voters', () => leader.running.voters.size === 4)
  t.ok(leader.running.voters.has({ id: 4, directoryId: directoryOf(4) }))
  await members.clock.run(members.stopAll())
})

t.test('voters move from the configuration into the log', async t => {
  const members = new Members({ count: 3 })
  await members.clock.run(members.startAll())
  const leader = await members.leads()
  await members.committedEverywhere(members.write(leader, 1))
  await members.clock.advance(5000)
  await members.clock.run(leader.running.upgradeVersion(1))
  t.equal(leader.running.kraftVersion, 1)
  await members.committedEverywhere(members.write(leader, 2))
  t.ok(members.all.every(({ running }) => running.kraftVersion === 1))
  await members.clock.run(members.stop(leader))
  const next = await members.leads()
  t.ok(next.running.voters.has({ id: leader.id, directoryId: directoryOf(leader.id) }))
  await members.clock.run(members.stopAll())
})

t.test('log and snapshots are kept for those who are behind, as long as they are small', async t => {
  const members = new Members({ count: 1, quorum: { retention: { bytes: 2000 } } })
  const [member] = members.all
  await members.clock.run(members.startAll())
  const snapshots = async () => {
    const entries = await members.clock.run(member.host.disk.list('/data/__cluster_metadata-0'))
    return entries.filter(({ name }) => name.endsWith('.checkpoint')).length
  }
  const save = async (level: number) => {
    const offset = members.write(member, level)
    await members.committedEverywhere(offset)
    const state = new MetadataState()
    state.apply(record('featureLevel', { name: 'f', featureLevel: level }), offset, 1)
    await members.clock.run(member.running.saveSnapshot({ endOffset: offset + 1, epoch: 1 }, recordsOf(state), 5))
  }
  await save(1)
  await save(2)
  t.equal(await snapshots(), 2)
  for (let level = 3; level < 30; level++) await save(level)
  t.ok((await snapshots()) < 10)
  await members.clock.run(members.stop(member))
  const again = await members.clock.run(members.start(member))
  t.equal(again.snapshotRecords.length, 1)
  await members.clock.run(members.stopAll())
})

t.test('a damaged log stops a node that votes, which says why', async t => {
  const members = new Members({ count: 3, voters: 3 })
  await members.clock.run(members.startAll())
  const leader = await members.leads()
  for (let i = 1; i < 10; i++) await members.committedEverywhere(members.write(leader, i))
  const voter = members.all.find(member => member !== leader) as Member
  await members.clock.run(members.stop(voter))
  const path = '/data/__cluster_metadata-0/00000000000000000000.log'
  const { length } = voter.host.disk.peek(path)
  voter.host.disk.corrupt(path, Math.floor(length / 2), Buffer.from([1, 2, 3]))
  await t.rejects(members.clock.run(members.start(voter)), { name: 'QuorumError', message: /is damaged.*Restore/ })
  await members.clock.run(members.stopAll())
})

t.test('a damaged snapshot is fetched again by a node that only follows, and stops one that votes', async t => {
  const members = new Members({ count: 4, voters: 3 })
  await members.clock.run(members.startAll())
  const leader = await members.leads()
  const observer = members.all[3]
  await members.committedEverywhere(members.write(leader, 1))
  const state = new MetadataState()
  state.apply(record('featureLevel', { name: 'f', featureLevel: 1 }), 1, 1)
  for (const member of members.all) {
    const id = { endOffset: 2, epoch: leader.running.leaderEpoch }
    await members.clock.run(member.running.saveSnapshot(id, recordsOf(state), 5))
  }
  const voter = members.all.find(member => member !== leader) as Member
  for (const member of [voter, observer]) {
    await members.clock.run(members.stop(member))
    const directory = '/data/__cluster_metadata-0'
    const [name] = (await members.clock.run(member.host.disk.list(directory)))
      .map(entry => entry.name)
      .filter(each => each.endsWith('.checkpoint'))
    await members.clock.run(writeText(member.host.disk, `${directory}/${name}`, 'x'))
  }
  await t.rejects(members.clock.run(members.start(voter)), SnapshotError)
  await members.clock.run(members.start(observer))
  await members.committedEverywhere(members.write(leader, 2))
  t.equal(observer.running.snapshotRecords.length, 0, 'it came afterwards')
  await members.clock.run(members.stopAll())
})
