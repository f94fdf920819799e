import t from 'tap'
import { Errors } from '../../protocol/errors.ts'
import { DiskError } from '../../src/host/host.ts'
import { Logs } from '../../src/log/logs.ts'
import { SimDisk } from '../sim/disk.ts'
import { type SimHost, simHost } from '../sim/host.ts'
import { append, isDurable, LogModel, openLogs, readAll, smallConfig, smallLimits, topicId } from './harness.ts'

const otherId = 'AAAAAAAAAAAAAAAAAAAAAg'

function newHost(disk?: SimDisk): SimHost {
  return simHost(1, { slowDisk: false, disk })
}

t.test('a directory belongs to one broker at a time', async t => {
  const host = newHost()
  const logs = await openLogs(host)
  await t.rejects(openLogs(host), { code: 'ELOCKED' })
  await host.clock.run(logs.close())
  const again = await openLogs(host)
  await host.clock.run(again.close())
})

t.test('a second directory that is locked leaves the first one free', async t => {
  const host = newHost()
  const other = await Logs.open(host, { directories: ['/b'] })
  await t.rejects(Logs.open(host, { directories: ['/a', '/b'] }), { code: 'ELOCKED' })
  const first = await Logs.open(host, { directories: ['/a'] })
  await first.close()
  await other.close()
})

t.test('logs are spread over the directories and found again', async t => {
  const host = newHost()
  let logs = await Logs.open(host, { directories: ['/a', '/b'], limits: smallLimits })
  for (let i = 0; i < 6; i++) await logs.create('topic-with-dashes', topicId, i, smallConfig)
  const here = (path: string) => logs.all().filter(log => log.logDirectory === path).length
  t.equal(here('/a'), 3)
  t.equal(here('/b'), 3)
  const model = new LogModel()
  const log = logs.get('topic-with-dashes', 5)!
  append(log, model, { bytes: 10 })
  await host.clock.run(isDurable(log))
  await host.clock.run(logs.close())
  logs = await Logs.open(host, { directories: ['/b', '/a'], limits: smallLimits })
  t.equal(logs.waiting.length, 6)
  t.equal(await logs.load('nothing', 0, smallConfig), undefined)
  const loaded = await logs.load('topic-with-dashes', 5, smallConfig)
  t.match(loaded, { topicId, logEndOffset: 1, partition: 5 })
  await logs.loadAll(() => smallConfig)
  t.equal(logs.all().length, 6)
  t.equal(logs.waiting.length, 0)
  await host.clock.run(logs.close())
})

t.test('a start after a clean stop reads no more than it must', async t => {
  const host = newHost()
  const logs = await openLogs(host)
  const log = await logs.create('t', topicId, 0, smallConfig)
  const model = new LogModel()
  for (let i = 0; i < 60; i++) append(log, model, { bytes: 150 })
  await host.clock.run(isDurable(log))
  await host.clock.run(logs.close())
  t.ok(await host.disk.exists('/data/.kafka_cleanshutdown'))
  let reads = 0
  host.disk.fault = ({ kind, path }) => {
    if (kind === 'read' && path.endsWith('.log')) reads++
    return null
  }
  const again = await openLogs(host)
  t.notOk(await host.disk.exists('/data/.kafka_cleanshutdown'))
  t.ok(reads <= 3, `${reads} reads of segments`)
  t.equal(again.get('t', 0)?.logEndOffset, 60)
  await host.clock.run(again.close())
})

t.test('idle producers are forgotten by their own clock; logs are loaded by as many as one thread may', async t => {
  const host = newHost()
  const options = { directories: ['/a'], limits: smallLimits, producerIdExpirationMs: 1000 }
  let logs = await Logs.open(host, { ...options, producerIdExpirationCheckMs: 5000, retentionCheckMs: 1e9 })
  for (let i = 0; i < 6; i++) await logs.create('t', topicId, i, smallConfig)
  const log = logs.get('t', 0)!
  append(log, new LogModel(), { bytes: 10, producerId: 7, timestampMs: host.clock.now() })
  await host.clock.run(isDurable(log))
  logs.start()
  await host.clock.run(host.clock.sleep(4900))
  t.equal(log.producers.activeProducers().length, 1)
  await host.clock.run(host.clock.sleep(200))
  t.equal(log.producers.activeProducers().length, 0)
  await host.clock.run(logs.close())
  logs = await Logs.open(host, { ...options, recoveryThreads: 1 })
  await logs.loadAll(() => smallConfig)
  t.equal(logs.all().length, 6)
  await host.clock.run(logs.close())
})

t.test('deleting a topic', async t => {
  const host = newHost()
  const logs = await openLogs(host)
  const log = await logs.create('t', topicId, 0, smallConfig)
  const model = new LogModel()
  for (let i = 0; i < 5; i++) append(log, model, { bytes: 100 })
  const waiting = isDurable(log, 100).then(
    () => 'durable',
    error => error.code,
  )
  await host.clock.run(logs.delete('t', 0))
  t.equal(await waiting, Errors.UNKNOWN_TOPIC_OR_PARTITION)
  t.equal(logs.get('t', 0), undefined)
  const names = async () => (await host.disk.list('/data')).filter(entry => entry.directory).map(entry => entry.name)
  t.match(await names(), [/^t-0\.[0-9a-f]{32}-delete$/])

  const fresh = await logs.create('t', otherId, 0, smallConfig)
  t.match(fresh, { topicId: otherId, logEndOffset: 0 })
  await host.clock.advance(100)
  t.same(await names(), ['t-0'])
  await host.clock.run(logs.delete('no such topic', 3))
  await host.clock.run(logs.close())
})

t.test('what a deletion left behind is removed at the next start', async t => {
  const host = newHost()
  const logs = await openLogs(host)
  await logs.create('t', topicId, 0, { ...smallConfig, fileDeleteDelayMs: 1e9 })
  await host.clock.run(logs.delete('t', 0))
  await host.clock.run(logs.close())
  const again = await openLogs(host)
  await host.clock.advance(1)
  t.same(
    (await host.disk.list('/data')).filter(entry => entry.directory),
    [],
  )
  await host.clock.run(again.close())
})

t.test('a log set aside stays for a person to look at', async t => {
  const host = newHost()
  const logs = await openLogs(host)
  const log = await logs.create('t', topicId, 0, smallConfig)
  await host.clock.run(logs.setAside(log))
  t.equal(logs.get('t', 0), undefined)
  t.match((await host.disk.list('/data')).find(entry => entry.directory)?.name, /-stray$/)
  await host.clock.run(logs.close())
})

t.test('creating what is there already, and twice at once', async t => {
  const host = newHost()
  const logs = await openLogs(host)
  const both = await Promise.all([logs.create('t', topicId, 0, smallConfig), logs.create('t', topicId, 0, smallConfig)])
  t.equal(both[0], both[1])
  await host.clock.run(logs.close())
  await t.rejects(logs.create('u', topicId, 0, smallConfig), { code: Errors.KAFKA_STORAGE_ERROR })
})

t.test('a failed sync takes the directory offline, with all its logs', async t => {
  const host = newHost()
  const logs = await openLogs(host)
  const log = await logs.create('t', topicId, 0, smallConfig)
  const other = await logs.create('u', topicId, 0, smallConfig)
  const model = new LogModel()
  append(log, model, { bytes: 10 })
  await host.clock.run(isDurable(log))
  host.disk.fault = ({ kind, path }) => (kind === 'sync' && path.includes('/t-0/') ? 'EIO' : null)
  append(log, model, { bytes: 10 })
  await t.rejects(host.clock.run(isDurable(log)), { code: Errors.KAFKA_STORAGE_ERROR })
  const syncs = host.disk.syncs
  t.throws(() => append(log, model, { bytes: 10 }), { code: Errors.KAFKA_STORAGE_ERROR })
  t.throws(() => append(other, new LogModel(), { bytes: 10 }), { code: Errors.KAFKA_STORAGE_ERROR })
  await t.rejects(
    readAll(other).then(() => readAll(log)),
    { code: Errors.KAFKA_STORAGE_ERROR },
  )
  t.ok(logs.directories[0].isOffline)
  host.disk.fault = () => null
  await host.clock.run(logs.close())
  t.equal(host.disk.syncs, syncs, 'no sync is tried again')
  t.notOk(await host.disk.exists('/data/.kafka_cleanshutdown'))
  const after = newHost(host.disk.afterPowerLoss(1))
  t.equal((await openLogs(after)).get('t', 0)?.logEndOffset, 1)
})

t.test('a disk that fills up refuses clients in time, and recovers by itself', async t => {
  const disk = new SimDisk(1, { capacityBytes: 40_000 })
  const host = newHost(disk)
  const limits = { ...smallLimits, reservedFreeBytes: 10_000, spaceCheckMs: 100 }
  const logs = await openLogs(host, limits)
  const config = { ...smallConfig, retentionBytes: 5_000 }
  const log = await logs.create('t', topicId, 0, config)
  const model = new LogModel()
  let refused = 0
  for (let i = 0; i < 400 && refused === 0; i++) {
    try {
      append(log, model, { bytes: 150, origin: 'client' })
    } catch (error) {
      t.match(error, { code: Errors.KAFKA_STORAGE_ERROR })
      refused++
    }
    await host.clock.run(isDurable(log))
    await host.clock.advance(20)
  }
  t.equal(refused, 1)
  t.ok((await disk.space()).freeBytes > 5_000, 'well before it is full')
  t.notOk(logs.directories[0].isOffline)
  append(log, model, { bytes: 150 }) // the broker's own records still go in
  await host.clock.run(isDurable(log))
  await host.clock.run(logs.enforceRetention())
  await host.clock.advance(500)
  append(log, model, { bytes: 150, origin: 'client' })
  await host.clock.run(isDurable(log))
  t.same(await readAll(log), model.batches.slice(-(await readAll(log)).length))
  await host.clock.run(logs.close())
})

t.test('a disk that is full to the last byte keeps what is queued until there is room', async t => {
  const disk = new SimDisk(1)
  const host = newHost(disk)
  const logs = await openLogs(host)
  const log = await logs.create('t', topicId, 0, { ...smallConfig, segmentBytes: 1 << 20 })
  const model = new LogModel()
  append(log, model, { bytes: 150 })
  await host.clock.run(isDurable(log))
  disk.capacityBytes = (await host.disk.space()).totalBytes - (await host.disk.space()).freeBytes + 300
  append(log, model, { bytes: 150 })
  append(log, model, { bytes: 150 })
  await host.clock.advance(3_000)
  t.equal(log.durable.value, 1)
  t.throws(() => append(log, model, { bytes: 150 }), { code: Errors.KAFKA_STORAGE_ERROR })
  t.equal(log.failure, null)
  disk.capacityBytes = 1 << 20
  await host.clock.run(isDurable(log, 3))
  append(log, model, { bytes: 150 })
  await host.clock.run(isDurable(log))
  t.same(await readAll(log), model.batches)
  await host.clock.run(logs.close())
})

t.test('checkpoints and retention run by the clock', async t => {
  const host = newHost()
  const logs = await openLogs(host)
  logs.start()
  const log = await logs.create('t', topicId, 0, { ...smallConfig, retentionMs: 200_000 })
  const model = new LogModel()
  for (let i = 0; i < 12; i++) append(log, model, { bytes: 150, timestampMs: host.clock.now() })
  await host.clock.run(isDurable(log))
  const text = async (name: string) => {
    const file = await host.disk.open(`/data/${name}`, 'read')
    return (await file.read(0, 1000)).toString()
  }
  await host.clock.advance(6_000)
  t.equal(await text('replication-offset-checkpoint'), '0\n1\nt 0 0\n', 'nobody has said yet what is committed')
  log.highWatermark = 12
  await host.clock.advance(6_000)
  t.equal(await text('replication-offset-checkpoint'), '0\n1\nt 0 12\n')
  await host.clock.advance(60_000)
  t.equal(await text('recovery-point-offset-checkpoint'), '0\n1\nt 0 12\n')
  await host.clock.advance(700_000)
  t.match(log, { logStartOffset: 12, segmentBaseOffsets: [12] })
  const operations = host.disk.operations
  await host.clock.advance(250_000)
  t.equal(host.disk.operations, operations, 'an idle broker leaves the disk alone')
  await host.clock.run(logs.close())
})

t.test('many partitions hold few files open', async t => {
  const host = newHost()
  const logs = await openLogs(host, { ...smallLimits, openFiles: 5 })
  const made = await Promise.all(Array.from({ length: 40 }, (_, i) => logs.create('t', topicId, i, smallConfig)))
  const models = made.map(() => new LogModel())
  let open = 0
  let most = 0
  host.disk.fault = ({ kind, path }) => {
    if (path.endsWith('.log') && kind === 'open') most = Math.max(most, ++open)
    if (path.endsWith('.log') && kind === 'close') open--
    return null
  }
  for (let round = 0; round < 3; round++) {
    for (const [i, log] of made.entries()) {
      append(log, models[i], { bytes: 50 })
      await host.clock.run(isDurable(log))
    }
  }
  t.ok(most <= 7, `${most} files open at once`)
  for (const [i, log] of made.entries()) t.same(await readAll(log), models[i].batches)
  await host.clock.run(logs.close())
})

t.test('a disk error while loading is no clean stop afterwards', async t => {
  const host = newHost()
  const logs = await openLogs(host)
  await logs.create('t', topicId, 0, smallConfig)
  await host.clock.run(logs.close())
  host.disk.fault = ({ kind, path }) => (kind === 'list' && path.endsWith('t-0') ? 'EIO' : null)
  const again = await openLogs(host)
  t.ok(again.directories[0].isOffline)
  t.match(again.directories[0].failure, DiskError)
  await t.rejects(again.create('u', topicId, 0, smallConfig), { code: Errors.KAFKA_STORAGE_ERROR })
  await host.clock.run(again.close())
  t.notOk(await host.disk.exists('/data/.kafka_cleanshutdown'))
})

t.test('a log that waits for room can be deleted, and makes room for the others', async t => {
  const disk = new SimDisk(1)
  const host = newHost(disk)
  const logs = await openLogs(host)
  const config = { ...smallConfig, segmentBytes: 1 << 20 }
  const [full, other] = [await logs.create('t', topicId, 0, config), await logs.create('u', topicId, 0, config)]
  const models = [new LogModel(), new LogModel()]
  append(full, models[0], { bytes: 900 })
  append(other, models[1], { bytes: 20 })
  await host.clock.run(Promise.all([isDurable(full), isDurable(other)]))
  const { totalBytes, freeBytes } = await disk.space()
  disk.capacityBytes = totalBytes - freeBytes + 500
  append(full, models[0], { bytes: 900 })
  await host.clock.advance(100)
  t.throws(() => append(other, models[1], { bytes: 20, origin: 'client' }), { code: Errors.KAFKA_STORAGE_ERROR })
  await host.clock.run(logs.delete('t', 0))
  await host.clock.advance(2_000)
  append(other, models[1], { bytes: 20, origin: 'client' })
  await host.clock.run(isDurable(other))
  t.same(await readAll(other), models[1].batches)
  await host.clock.run(logs.close())
})

t.test('a broker stops although the disk is full', async t => {
  const disk = new SimDisk(1)
  const host = newHost(disk)
  const logs = await openLogs(host)
  const log = await logs.create('t', topicId, 0, smallConfig)
  const model = new LogModel()
  append(log, model, { bytes: 20 })
  await host.clock.run(isDurable(log))
  const { totalBytes, freeBytes } = await disk.space()
  disk.capacityBytes = totalBytes - freeBytes
  append(log, model, { bytes: 20 })
  const told = isDurable(log).then(
    () => null,
    error => error.code,
  )
  await host.clock.advance(100)
  await host.clock.run(logs.close())
  t.equal(await told, Errors.NOT_LEADER_OR_FOLLOWER)
  disk.capacityBytes = 1 << 20
  const again = await openLogs(host)
  t.equal(again.get('t', 0)?.logEndOffset, 1)
  await host.clock.run(again.close())
})
