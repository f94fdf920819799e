import t from 'tap'
import type { Disk } from '../../src/host/host.ts'
import { DiskError } from '../../src/host/host.ts'
import {
  cleanShutdownFile,
  LogDirectory,
  parsePartitionDirectory,
  suffixedDirectoryName,
} from '../../src/log/directory.ts'
import { readMetaProperties, writeMetaProperties } from '../../src/log/meta-properties.ts'
import { readTopicId, writeTopicId } from '../../src/log/partition-metadata.ts'
import { SimDisk } from '../sim/disk.ts'
import { simHost } from '../sim/host.ts'

async function put(disk: Disk, path: string, text: string): Promise<void> {
  const file = await disk.open(path, 'append')
  await file.truncate(0)
  await file.append([Buffer.from(text)])
  await file.close()
}

async function text(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, 'read')
  return String(await file.read(0, file.size))
}

const meta = {
  clusterId: '4L6g3nShT-eMCtK--X86sw',
  nodeId: 7,
  directoryId: 'dirdirdirdirdirdirdird',
  others: new Map(),
}

t.test('names of partition directories', async t => {
  const cases: [string, [string, number, string | null] | null][] = [
    ['orders-0', ['orders', 0, null]],
    ['with-dash-12', ['with-dash', 12, null]],
    ['__cluster_metadata-0', ['__cluster_metadata', 0, null]],
    ['a.b-3.0123456789abcdef0123456789abcdef-delete', ['a.b', 3, 'delete']],
    ['a-3.x-future', ['a', 3, 'future']],
    ['a-3.x-stray', ['a', 3, 'stray']],
    ['orders', null],
    ['orders-', null],
    ['-0', null],
    ['orders-x', null],
    ['orders-99999999999', null],
    ['orders-2147483648', null],
  ]
  for (const [name, expected] of cases) {
    const parsed = parsePartitionDirectory(name)
    t.same(parsed && [parsed.topic, parsed.partition, parsed.suffix], expected, name)
  }
  const long = suffixedDirectoryName('t'.repeat(249), 123, 'a'.repeat(32), 'delete')
  t.equal(long.length, 255)
  t.match(parsePartitionDirectory(long), { partition: 123, suffix: 'delete' })
})

t.test('a fresh directory, formatted, closed and opened again', async t => {
  const host = simHost(1, { slowDisk: false })
  const first = await LogDirectory.open(host, '/data/kafka')
  t.equal(first.meta, null)
  t.equal(first.wasShutDownCleanly, false)
  await t.rejects(LogDirectory.open(host, '/data/kafka'), { code: 'ELOCKED' })
  await first.format(meta)
  for (const name of ['b-1', 'a-0', 'a-0.x-delete', 'lost+found']) await host.disk.makeDirectory(`/data/kafka/${name}`)
  t.same(
    (await first.partitions()).map(({ name, suffix }) => [name, suffix]),
    [
      ['a-0', null],
      ['a-0.x-delete', 'delete'],
      ['b-1', null],
    ],
  )
  await first.close(true, 42)
  t.equal(await text(host.disk, `/data/kafka/${cleanShutdownFile}`), '{"version":0,"brokerEpoch":42}')

  const second = await LogDirectory.open(host, '/data/kafka')
  t.equal(second.meta?.nodeId, 7)
  t.equal(second.wasShutDownCleanly, true)
  t.equal(second.previousBrokerEpoch, 42)
  t.equal(await host.disk.exists(`/data/kafka/${cleanShutdownFile}`), false)
  await second.close(false)
  const third = await LogDirectory.open(host, '/data/kafka')
  t.equal(third.wasShutDownCleanly, false)
  t.equal(third.previousBrokerEpoch, -1)
  third.fail(new DiskError('EIO', 'bad'))
  third.fail(new DiskError('EIO', 'worse'))
  t.match(third.failure, { message: 'bad' })
  const told: string[] = []
  third.whenOffline(failure => told.push(failure.message))
  t.same(told, ['bad'])
  await third.close(true)
  t.equal(await host.disk.exists(`/data/kafka/${cleanShutdownFile}`), false, 'never clean after a failure')
  await put(host.disk, `/data/kafka/${cleanShutdownFile}`, '')
  const fourth = await LogDirectory.open(host, '/data/kafka')
  t.equal(fourth.wasShutDownCleanly, true, 'an empty marker of older versions')
  t.equal(fourth.previousBrokerEpoch, -1)
})

t.test('a crash at any operation never leaves a clean marker behind for unclean data', async t => {
  // Clean shutdown, start, write, power failure anywhere: whenever a write may have happened, the marker is gone.
  let crashes = 0
  for (let at = 1; ; at++) {
    let crashed = false
    for (let seed = 0; seed < 6; seed++) {
      const disk = new SimDisk(seed)
      const host = { ...simHost(seed), disk }
      const directory = await LogDirectory.open(host, '/d')
      await directory.format(meta)
      await directory.close(true, 1)
      disk.crashAt(disk.operations + at)
      let wrote = false
      const session = async () => {
        const opened = await LogDirectory.open(host, '/d')
        t.equal(opened.wasShutDownCleanly, true)
        wrote = true
        await (await disk.open('/d/data', 'append')).append([Buffer.from('unsynced')])
        return true
      }
      const done = await Promise.race([session(), disk.down.then(() => false)])
      crashed ||= !done
      const survivor = disk.afterPowerLoss(seed)
      const next = await LogDirectory.open({ ...host, disk: survivor }, '/d')
      if (wrote) t.equal(next.wasShutDownCleanly, false, `crash at ${at}, seed ${seed}`)
      t.equal(next.meta?.clusterId, meta.clusterId)
    }
    if (!crashed) break
    crashes = at
  }
  t.ok(crashes >= 8, `${crashes} points`)
})

t.test('meta.properties', async t => {
  const { disk } = simHost(1, { slowDisk: false })
  await disk.makeDirectory('/d')
  t.equal(await readMetaProperties(disk, '/d'), null)
  await put(
    disk,
    '/d/meta.properties',
    '#\n#Thu Jan 01 00:00:00 UTC 2026\nnode.id=1\ndirectory.id=abc\nversion=1\ncluster.id=c-1\n',
  )
  t.same(await readMetaProperties(disk, '/d'), { nodeId: 1, directoryId: 'abc', clusterId: 'c-1', others: new Map() })
  const others = new Map([['some.key with=odd', ' value: \\ #\n!']])
  await writeMetaProperties(disk, '/d', { ...meta, others })
  t.same(await readMetaProperties(disk, '/d'), { ...meta, others })
  const bad = [
    '',
    'version=0\n',
    'version=1\nnode.id=1\n',
    'version=1\ncluster.id=x\n',
    'version=1\ncluster.id=x\nnode.id=-1',
  ]
  for (const content of bad) {
    await put(disk, '/d/meta.properties', content)
    await t.rejects(readMetaProperties(disk, '/d'), { name: 'MetaPropertiesError' }, JSON.stringify(content))
  }
})

t.test('partition.metadata', async t => {
  const host = simHost(1, { slowDisk: false })
  await host.disk.makeDirectory('/p-0')
  t.equal(await readTopicId(host, '/p-0'), null)
  await writeTopicId(host.disk, '/p-0', meta.clusterId)
  t.equal(await text(host.disk, '/p-0/partition.metadata'), `version: 0\ntopic_id: ${meta.clusterId}`)
  t.equal(await readTopicId(host, '/p-0'), meta.clusterId)
  for (const content of ['', 'version: 1\ntopic_id: 4L6g3nShT-eMCtK--X86sw', 'version: 0\ntopic_id: short']) {
    await put(host.disk, '/p-0/partition.metadata', content)
    t.equal(await readTopicId(host, '/p-0'), null)
  }
  t.equal(host.log.at('warn').length, 3)
})
