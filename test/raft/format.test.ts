import t from 'tap'
import { Logs } from '../../src/log/logs.ts'
import { ensureFormatted, FormatError, readBootstrap } from '../../src/raft/format.ts'
import { readSnapshot } from '../../src/raft/snapshot-file.ts'
import { record } from '../metadata/history.ts'
import { config, readText, type World, world, writeText } from './world.ts'

const bootstrapRecords = [record('featureLevel', { name: 'metadata.version', featureLevel: 30 })]
const clusterId = 'AAAAAAAAAAAAAAAAAAAAAg'

async function format({ host }: World, settings: Record<string, string> = {}, wanted?: string) {
  const configuration = config(settings)
  const logs = await Logs.open(host, { directories: configuration.logDirs })
  try {
    return await ensureFormatted(host, configuration, logs.directories, {
      clusterId: wanted,
      bootstrapRecords,
      initialVoters: 'standalone',
    })
  } finally {
    await logs.close()
  }
}

t.test('new directories of one cluster', async t => {
  const place = world()
  const identity = await format(place, { 'log.dirs': '/a,/b', 'node.id': '4' })
  t.same(identity.formatted, ['/a', '/b'])
  t.equal(identity.directoryIds.size, 2)
  t.not(identity.directoryIds.get('/a'), identity.directoryIds.get('/b'))
  const text = await readText(place.disk, '/b/meta.properties')
  for (const line of ['node.id=4', 'version=1', `cluster.id=${identity.clusterId}`]) t.match(text, line)
  t.same(await readBootstrap(place.disk, '/a'), bootstrapRecords)
  t.equal(await readBootstrap(place.disk, '/b'), null, 'only where the metadata log is')
  const again = await format(place, { 'log.dirs': '/a,/b', 'node.id': '4' })
  t.same(again, { ...identity, formatted: [] })
  const more = await format(place, { 'log.dirs': '/a,/b,/c', 'node.id': '4' })
  t.equal(more.clusterId, identity.clusterId)
  t.same(more.formatted, ['/c'])
})

t.test('with a listener for controllers the voters are in the log itself', async t => {
  const place = world()
  const settings = {
    listeners: 'PLAINTEXT://:0,CONTROLLER://10.0.0.1:9093',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  }
  const { directoryIds } = await format(place, settings, clusterId)
  const path = '/data/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint'
  t.match(await readSnapshot(place.disk, path), {
    kraftVersion: 1,
    voters: [
      { voterId: 1, voterDirectoryId: directoryIds.get('/data'), endpoints: [{ host: '10.0.0.1', port: 9093 }] },
    ],
  })
})

t.test('directories of somebody else', async t => {
  const place = world()
  await format(place, {}, clusterId)
  await t.rejects(format(place, { 'node.id': '2' }), new FormatError('/data belongs to node 1, but node.id is 2'))
  await t.rejects(format(place, {}, 'AAAAAAAAAAAAAAAAAAAAAw'), FormatError)
  await place.disk.makeDirectory('/other')
  await writeText(place.disk, '/other/meta.properties', 'version=1\ncluster.id=other\nnode.id=1\n')
  await t.rejects(format(place, { 'log.dirs': '/data,/other' }), FormatError)
})

t.test('a directory from before directories had ids gets one', async t => {
  const place = world()
  await place.disk.makeDirectory('/data')
  await writeText(place.disk, '/data/meta.properties', `version=1\ncluster.id=${clusterId}\nnode.id=1\nx=y\n`)
  const { directoryIds, formatted } = await format(place)
  t.same(formatted, [])
  const text = await readText(place.disk, '/data/meta.properties')
  t.match(text, `directory.id=${directoryIds.get('/data')}`)
  t.match(text, 'x=y')
})
