import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { OttlaProcess, temporaryDirectory } from './ottla-process.ts'

const file = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url))
const run = (...args: string[]) => new OttlaProcess(args).ended
const segment = file('test/data/apache-logs/events-0/00000000000000000000.log')

t.test('version and help', async t => {
  const { version } = JSON.parse(readFileSync(file('package.json'), 'utf8'))
  t.match(await run('--version'), { code: 0, stdout: `${version}\n` })
  const help = await run('--help')
  for (const command of ['start', 'storage', 'dump-log', 'ping']) t.match(help.stdout, command)
  t.match(await run('start', '--help'), { code: 0, stdout: /--override <key=value>/ })
})

t.test('what is not understood', async t => {
  t.match(await run('stat'), { code: 1, stderr: /unknown command 'stat'/ })
  t.match(await run('start', '--listen', 'here'), { code: 1, stderr: /HOST:PORT is expected/ })
  t.match(await run('start', '--log-level', 'loud'), { code: 1, stderr: /Allowed choices are trace, debug/ })
  t.match(await run('ping', '--timeout', 'soon'), { code: 1, stderr: /a number of milliseconds is expected/ })
  t.match(await run('dump-log'), { code: 1, stderr: 'error: at least one file must be named\n' })
  t.match(await run('dump-log', '--offsets', '--metadata', segment), {
    code: 1,
    stderr: 'error: only one of offsets, metadata can be asked for\n',
  })
  t.match(await run('dump-log', '--max-bytes', '-1', segment), { code: 1, stderr: /must be a number/ })
})

t.test('settings that stop the start: key, value and what is allowed', async t => {
  const data = temporaryDirectory(t)
  const start = (...settings: string[]) =>
    run('start', '--data-dir', data, '--listen', '127.0.0.1:0', ...settings.flatMap(each => ['--override', each]))
  t.match(await start('num.partitions=many', 'log.segment.bytes=1'), {
    code: 1,
    stdout: '',
    stderr: /num\.partitions/,
  })
  const { stderr } = await start('num.partitions=0', 'compression.type=zip', 'node.id=-4')
  t.match(stderr, /^Invalid value 0 for configuration num\.partitions: Value must be at least 1$/m)
  t.match(stderr, /^Invalid value zip for configuration compression\.type: Value must be one of .*zstd/m)
  t.match(stderr, /^Invalid value -4 for configuration node\.id: Value must be at least 0$/m)
  t.match(await start('nothing'), { code: 1, stderr: "override 'nothing' must have the form key=value\n" })
  t.match(await run('start', '--config', join(data, 'none.properties')), { code: 1, stderr: /^cannot read .*none/ })
})

t.test('dump-log', async t => {
  const directory = file('test/data/apache-logs')
  const ours = await run('dump-log', '--print-records', segment)
  t.equal(ours.code, 0)
  t.equal(ours.stderr, '')
  const expected = readFileSync(join(directory, 'expected-records.txt'), 'utf8').split('\n')
  t.same(ours.stdout.split('\n').slice(1, 22), expected.slice(1, 22))
  const theirs = await run('dump-log', '--files', `${segment},${segment}`, '--print-data-log')
  t.equal(theirs.stdout, ours.stdout + ours.stdout, "Kafka's names for the options are taken too")
  const metadata = join(directory, '__cluster_metadata-0', '00000000000000000000.log')
  t.match(await run('dump-log', '--cluster-metadata-decoder', metadata), { code: 0, stdout: /"type":"TOPIC_RECORD"/ })
  const data = temporaryDirectory(t)
  const torn = join(data, '00000000000000000000.log')
  writeFileSync(torn, readFileSync(segment).subarray(0, 200))
  t.match(await run('dump-log', torn), {
    code: 1,
    stdout: /baseOffset: 0 /,
    stderr: 'Found 94 invalid bytes at the end of 00000000000000000000.log\n',
  })
})

t.test('storage', async t => {
  const data = join(temporaryDirectory(t), 'data')
  t.match(await run('storage', 'info', '--data-dir', data), {
    code: 1,
    stdout: `Found problem:\n  ${data} does not exist\n\n`,
  })
  const id = (await run('storage', 'random-uuid')).stdout.trim()
  t.match(id, /^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
  const format = ['storage', 'format', '--data-dir', data, '-t', id]
  t.match(await run(...format), {
    code: 0,
    stdout: `Formatting metadata directory ${data} with metadata.version 4.3-IV0.\n`,
  })
  t.match(await run(...format), { code: 1, stderr: /is already formatted\. Use --ignore-formatted/ })
  t.match(await run(...format, '--ignore-formatted', '--standalone'), {
    code: 0,
    stdout: 'All of the log directories are already formatted.\n',
  })
  const info = await run('storage', 'info', '--data-dir', data)
  t.equal(info.code, 0)
  t.match(info.stdout, `Found log directory:\n  ${data}\n\nFound metadata: {cluster.id=${id}, directory.id=`)
})

t.test('data directories that cannot be used', async t => {
  const data = temporaryDirectory(t)
  writeFileSync(join(data, 'meta.properties'), 'version=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAg\nnode.id=7\n')
  const start = (dir: string) => run('start', '--data-dir', dir, '--listen', '127.0.0.1:0')
  t.match(await start(data), { code: 1, stderr: /belongs to node 7, but node\.id is 1\n$/ })
  writeFileSync(join(data, 'meta.properties'), 'version=1\n')
  t.match(await start(data), { code: 1, stderr: /meta\.properties: cluster\.id is missing\n$/ })
  mkdirSync(join(data, 'dir'))
  writeFileSync(join(data, 'dir', 'file'), '')
  t.match(await start(join(data, 'dir', 'file')), { code: 1, stderr: /file/ })
})

t.test('ping without a broker', async t => {
  t.match(await run('ping', '--bootstrap', '127.0.0.1:1', '--timeout', '2000'), { code: 1, stderr: /ECONNREFUSED/ })
})
