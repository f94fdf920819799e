import t from 'tap'
import { formatDirectories } from '../../src/cli/storage-format.ts'
import { storageInfo } from '../../src/cli/storage-info.ts'
import { parseBrokerConfig } from '../../src/config/broker.ts'
import { MemoryDisk } from '../../src/host/memory.ts'
import { nodeHost, silentLogger } from '../../src/host/node.ts'
import { cleanShutdownFile } from '../../src/log/directory.ts'
import { readBootstrap } from '../../src/raft/format.ts'
import { readSnapshot } from '../../src/raft/snapshot-file.ts'
import { writeFile } from './recorder.ts'

const clusterId = 'AAAAAAAAAAAAAAAAAAAAAg'

function world(settings: Record<string, string> = {}) {
  const disk = new MemoryDisk()
  const config = parseBrokerConfig(new Map(Object.entries({ 'log.dirs': '/a', ...settings })))
  return { disk, host: nodeHost({ disk, logger: silentLogger }), config }
}

t.test('info', async t => {
  const { disk } = world()
  t.same(await storageInfo(disk, ['/a']), {
    lines: ['Found problem:', '  /a does not exist', ''],
    problems: ['/a does not exist'],
  })
  await disk.makeDirectory('/a')
  await writeFile(disk, '/b/meta.properties', `version=1\ncluster.id=${clusterId}\nnode.id=1\nx=y\n`)
  await writeFile(disk, '/c/meta.properties', 'version=1\ncluster.id=another\nnode.id=1\n')
  await writeFile(disk, '/d/meta.properties', 'version=7\n')
  await writeFile(disk, '/e', 'a file')
  const { lines, problems } = await storageInfo(disk, ['/e', '/d', '/c', '/b', '/a'])
  t.same(lines.slice(0, 7), [
    'Found log directories:',
    '  /a',
    '  /b',
    '  /c',
    '  /d',
    '',
    `Found metadata: {cluster.id=${clusterId}, node.id=1, version=1, x=y}`,
  ])
  t.match(problems, [
    '/a is not formatted.',
    /^Mismatch among directories: .* in \/c$/,
    /^Error loading \/d\/meta\.properties: .*version is 7/,
    '/e is not a directory',
  ])
})

t.test('format', async t => {
  const { disk, host, config } = world({ 'log.dirs': '/a,/b' })
  t.same(await formatDirectories(host, config, { clusterId, ignoreFormatted: false }), [
    'Formatting metadata directory /a with metadata.version 4.3-IV0.',
    'Formatting data directory /b with metadata.version 4.3-IV0.',
  ])
  const { lines, problems } = await storageInfo(disk, ['/a', '/b'])
  t.same(problems, [])
  t.match(lines.at(-2), `Found metadata: {cluster.id=${clusterId}, directory.id=`)
  t.same((await readBootstrap(disk, '/a'))?.[0].kind, 'featureLevel')
  await t.rejects(formatDirectories(host, config, { clusterId, ignoreFormatted: false }), {
    message:
      'Log directory /a is already formatted. Use --ignore-formatted to ignore this directory and format the others.',
  })
  t.same(await formatDirectories(host, config, { clusterId, ignoreFormatted: true }), [
    'All of the log directories are already formatted.',
  ])
  await t.rejects(formatDirectories(host, config, { clusterId: 'AAAAAAAAAAAAAAAAAAAAAw', ignoreFormatted: true }), {
    message: /belongs to cluster/,
  })
  await t.rejects(formatDirectories(host, config, { clusterId: 'mine', ignoreFormatted: true }), {
    message: /^Cluster ID string mine does not appear to be a valid UUID/,
  })
})

t.test('with a listener for controllers there are voters', async t => {
  const { disk, host, config } = world({
    listeners: 'PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093',
    'controller.listener.names': 'CONTROLLER',
  })
  t.same(await formatDirectories(host, config, { ignoreFormatted: false }), [
    'Formatting dynamic metadata voter directory /a with metadata.version 4.3-IV0.',
  ])
  t.ok(await disk.exists('/a/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint'))
})

t.test('who votes at first', async t => {
  const both = { listeners: 'PLAINTEXT://h:9092,CONTROLLER://h:9093', 'controller.listener.names': 'CONTROLLER' }
  const joining = { ...both, 'controller.quorum.bootstrap.servers': 'a:9093,b:9093' }
  const fixed = { ...both, 'controller.quorum.voters': '1@h:9093,2@b:9093' }
  const broker = { 'process.roles': 'broker', 'controller.quorum.bootstrap.servers': 'a:9093' }
  const firstSnapshot = '/a/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint'
  const refused = async (settings: Record<string, string>, options: object, message: RegExp) => {
    const { host, config } = world(settings)
    await t.rejects(formatDirectories(host, config, { clusterId, ignoreFormatted: false, ...options }), { message })
  }
  const formatted = async (settings: Record<string, string>, options: object) => {
    const { host, config, disk } = world(settings)
    const lines = await formatDirectories(host, config, { clusterId, ignoreFormatted: false, ...options })
    const meta = await disk.open('/a/meta.properties', 'read')
    const text = (await meta.read(0, meta.size)).toString()
    await meta.close()
    const kind = /Formatting (.*) \/a/.exec(lines[0])?.[1]
    const snapshot = (await disk.exists(firstSnapshot)) ? await readSnapshot(disk, firstSnapshot) : null
    return { kind, directoryId: /^directory.id=(.*)$/m.exec(text)?.[1], voters: snapshot?.voters ?? null }
  }
  await refused(joining, {}, /you must specify one of the following: --standalone, --initial-controllers/)
  await refused(joining, { standalone: true, noInitialControllers: true }, /Only one of/)
  await refused(fixed, { standalone: true }, /when controller.quorum.voters is set/)
  await refused(broker, { standalone: true }, /only controllers can use it/)
  await refused(joining, { initialControllers: '1@a:9093' }, /must have the form id@host:port:directory-id/)
  const ids = ['AAAAAAAAAAAAAAAAAAAAAQ', 'AAAAAAAAAAAAAAAAAAAAAw']
  await refused(joining, { initialControllers: `2@b:9093:${ids[1]}` }, /Node id 1 is not in --initial-controllers/)
  await refused(joining, { initialControllers: `1@b:9093:${ids[1]},1@b:9093:${ids[0]}` }, /Node id 1 is there twice/)

  t.match(await formatted(fixed, {}), { kind: 'metadata directory', voters: null })
  t.match(await formatted(broker, {}), { kind: 'metadata directory', voters: null })
  t.match(await formatted(joining, { noInitialControllers: true }), { kind: 'metadata directory', voters: null })
  const alone = await formatted(joining, { standalone: true })
  t.match(alone, {
    kind: 'dynamic metadata voter directory',
    voters: [{ voterId: 1, voterDirectoryId: alone.directoryId, endpoints: [{ host: 'h', port: 9093 }] }],
  })
  const listed = await formatted(joining, { initialControllers: `1@a:9093:${ids[0]},2@[::1]:9094:${ids[1]}` })
  t.match(listed, {
    directoryId: ids[0],
    voters: [
      { voterId: 1, voterDirectoryId: ids[0], endpoints: [{ name: 'CONTROLLER', host: 'a', port: 9093 }] },
      { voterId: 2, voterDirectoryId: ids[1], endpoints: [{ name: 'CONTROLLER', host: '::1', port: 9094 }] },
    ],
  })
})

t.test('looking at a directory keeps the mark of a clean shutdown', async t => {
  const { disk, host, config } = world()
  await formatDirectories(host, config, { clusterId, ignoreFormatted: false })
  t.notOk(await disk.exists(`/a/${cleanShutdownFile}`))
  await writeFile(disk, `/a/${cleanShutdownFile}`, '{"version":0,"brokerEpoch":12}')
  await formatDirectories(host, config, { clusterId, ignoreFormatted: true })
  const file = await disk.open(`/a/${cleanShutdownFile}`, 'read')
  t.match(JSON.parse((await file.read(0, file.size)).toString()), { brokerEpoch: 12 })
  await file.close()
})
