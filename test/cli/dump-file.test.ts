import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { batchView, iterateBatches, setBaseOffset } from '../../protocol/records/batch.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { buildMessageSet } from '../../protocol/records/legacy.ts'
import { type DumpOptions, dumpFiles } from '../../src/cli/dump-file.ts'
import { MemoryDisk } from '../../src/host/memory.ts'
import { record, writeFile } from './recorder.ts'

const directory = fileURLToPath(new URL('../../../test/data/apache-logs', import.meta.url))
const segment = 'events-0/00000000000000000000.log'
const index = 'events-0/00000000000000000000.index'
const timeIndex = 'events-0/00000000000000000000.timeindex'
const producers = 'events-0/00000000000000000015.snapshot'

/** The files that Apache Kafka wrote, on a disk where they can be damaged. */
async function apacheDisk(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = `${entry.parentPath}/${entry.name}`
    await writeFile(disk, path.slice(directory.length), readFileSync(path))
  }
  return disk
}

const original = (path: string) => Buffer.from(readFileSync(`${directory}/${path}`))

async function dump(paths: readonly string[], options: DumpOptions = {}, disk?: MemoryDisk) {
  const { output, printed, reported } = record()
  await dumpFiles(disk ?? (await apacheDisk()), paths, options, output)
  return { text: printed(), errors: reported(), problems: output.problems }
}

/** `path` with the bytes at `at` replaced. */
async function patched(path: string, at: number, bytes: readonly number[]): Promise<MemoryDisk> {
  const disk = await apacheDisk()
  const content = original(path)
  content.set(bytes, at)
  await writeFile(disk, `/${path}`, content)
  return disk
}

t.test("what Kafka's own tool prints of the same files", async t => {
  const cases: [string, string[], DumpOptions][] = [
    ['events-log', [segment], {}],
    [
      'records',
      [
        segment,
        index,
        timeIndex,
        producers,
        'txn-0/00000000000000000000.log',
        'txn-0/00000000000000000000.index',
        'txn-0/00000000000000000000.timeindex',
        'txn-0/00000000000000000000.txnindex',
        'txn-0/00000000000000000004.snapshot',
      ],
      { printRecords: true },
    ],
    ['offsets', ['__consumer_offsets-0/00000000000000000000.log'], { decoder: 'offsets' }],
    ['transactions', ['__transaction_state-0/00000000000000000000.log'], { decoder: 'transactions' }],
    [
      'metadata',
      [
        '__cluster_metadata-0/00000000000000000000.log',
        '__cluster_metadata-0/00000000000000000000-0000000000.checkpoint',
        'bootstrap.checkpoint',
      ],
      { decoder: 'metadata' },
    ],
  ]
  for (const [name, paths, options] of cases) {
    const { text, errors, problems } = await dump(paths, options)
    t.equal(text, readFileSync(`${directory}/expected-${name}.txt`, 'utf8'), name)
    t.equal(errors, '')
    t.equal(problems, 0)
  }
})

t.test('options', async t => {
  const plain = await dump(['__cluster_metadata-0/00000000000000000000.log'], {
    decoder: 'metadata',
    skipRecordMetadata: true,
  })
  t.match(plain.text, /^\| payload: \{"type":"TOPIC_RECORD","version":0,"data":\{"name":"events",/m)
  t.notMatch(plain.text, 'LeaderChange')
  const first = await dump([segment], { bytesMax: 1 })
  t.equal(first.text.trimEnd().split('\n').length, 3)
  const quiet = await dump([index, timeIndex], { verifyIndexOnly: true })
  t.equal(quiet.text, `Dumping ${index}\nDumping ${timeIndex}\n`)
  t.equal(quiet.problems, 0)
})

t.test('a record of a kind that nobody knows is passed over', async t => {
  const disk = new MemoryDisk()
  const key = Buffer.from([0, 99, 1])
  const records = [
    { key, value: null },
    { key: null, value: Buffer.from('x') },
    { key: Buffer.from([0, 2, 0, 1]), value: null },
    { key: Buffer.from([0, 2, 0, 1, 103]), value: null },
  ]
  await writeFile(disk, '/o/00000000000000000000.log', buildBatch({ records, baseTimestamp: 5 }))
  const { text, problems } = await dump(['/o/00000000000000000000.log'], { decoder: 'offsets' }, disk)
  const lines = text.trimEnd().split('\n')
  t.match(lines[3], /key: Unknown record type 99 at offset 0, skipping\.$/)
  t.match(lines[4], /key: Error at offset 1, skipping\. /)
  t.match(lines[5], /key: Error at offset 2, skipping\. /)
  t.match(lines[6], /key: \{"type":"2","data":\{"group":"g"\}\} payload: <DELETE>$/)
  t.equal(problems, 0)
})

t.test('a wrong checksum', async t => {
  const { text, errors, problems } = await dump([segment], {}, await patched(segment, 500, [0x58]))
  t.equal(text.match(/isvalid: true/g)?.length, 4)
  t.match(text, /baseOffset: 12 .* isvalid: false/)
  t.equal(errors, `Found 1 batches with a wrong checksum in ${segment}\n`)
  t.equal(problems, 1)
})

t.test('a torn tail', async t => {
  const disk = await apacheDisk()
  await writeFile(disk, `/${segment}`, original(segment).subarray(0, 548))
  const { text, errors, problems } = await dump([segment], {}, disk)
  t.match(text, 'baseOffset: 9 ')
  t.notMatch(text, 'baseOffset: 12 ')
  t.equal(errors, 'Found 104 invalid bytes at the end of 00000000000000000000.log\n')
  t.equal(problems, 1)
})

t.test('damage in the middle: what follows is printed', async t => {
  // The length of the second batch points far beyond the file.
  const { text, errors, problems } = await dump([segment], {}, await patched(segment, 106 + 8, [0x7f]))
  t.same(
    [...text.matchAll(/^baseOffset: (\d+)/gm)].map(match => match[1]),
    ['0', '6', '9', '12'],
  )
  t.equal(errors, 'Found 106 invalid bytes at position 106 of 00000000000000000000.log\n')
  t.equal(problems, 1)
})

t.test('records that cannot be read', async t => {
  // Inside of the gzip stream; the checksum is wrong as well.
  const { errors, problems } = await dump([segment], { printRecords: true }, await patched(segment, 300, [0x58]))
  t.match(errors, /^Cannot read the records at position 212: /)
  t.equal(problems, 2)
})

t.test('an offset index that disagrees with its segment', async t => {
  const { text, errors, problems } = await dump([index], {}, await patched(index, 0, [0, 0, 0, 4]))
  t.match(text, 'offset: 4 position: 106\noffset: 8 position: 212\n')
  t.equal(errors, `Mismatches in :${index}\n  Index offset: 4, log offset: 5\n`)
  t.equal(problems, 1)
  const nowhere = await dump([index], {}, await patched(index, 28, [0, 0, 1, 200]))
  t.equal(nowhere.errors, `Mismatches in :${index}\n  Index offset: 14, log offset: -1\n`)
})

t.test('a time index that disagrees with its segment', async t => {
  const early = await dump([timeIndex], {}, await patched(timeIndex, 0, [0, 0, 0, 0, 0, 0, 0, 1]))
  t.equal(
    early.errors,
    `Found timestamp mismatch in :${timeIndex}\n  Index timestamp: 1, log timestamp: 1795367163992\n`,
  )
  const between = await dump([timeIndex], {}, await patched(timeIndex, 20, [0, 0, 0, 7]))
  t.equal(
    between.errors,
    `The following indexed offsets are not found in :${timeIndex}\nIndexed offset: 7, found log offset: 8\n`,
  )
  const swapped = original(timeIndex)
  swapped.copyWithin(12, 0, 8)
  const disk = await apacheDisk()
  await writeFile(disk, `/${timeIndex}`, swapped)
  const { errors, problems } = await dump([timeIndex], {}, disk)
  t.match(errors, 'Found out of order timestamp in :')
  t.equal(problems, 2)
})

t.test('an index without its segment, and half an entry', async t => {
  const disk = await apacheDisk()
  await disk.remove(`/${segment}`)
  await writeFile(disk, `/${index}`, original(index).subarray(0, 12))
  const { text, errors, problems } = await dump([index], {}, disk)
  t.match(text, 'offset: 5 position: 106\n')
  t.match(errors, 'is not compared with its segment, which is missing')
  t.match(errors, 'Found 4 bytes behind the last entry of')
  t.equal(problems, 2)
})

t.test('a preallocated index: zeros behind the entries are none', async t => {
  const disk = await apacheDisk()
  await writeFile(disk, `/${index}`, Buffer.concat([original(index), Buffer.alloc(4096)]))
  const { text, problems } = await dump([index], {}, disk)
  t.equal(text.split('\n').length, 6)
  t.equal(problems, 0)
})

t.test('a transaction index that makes no sense', async t => {
  const path = 'txn-0/00000000000000000000.txnindex'
  const { errors, problems } = await dump([path], {}, await patched(path, 16, [0, 9]))
  t.match(errors, 'first offset: 9, last offset: 3')
  t.equal(problems, 1)
})

t.test('a corrupt producer snapshot', async t => {
  const { errors, problems } = await dump([producers], {}, await patched(producers, 20, [0x58]))
  t.match(errors, /^Snapshot is corrupt \(CRC is no longer valid\)\. Stored crc: 3503399437\. Computed crc: \d+\n$/)
  t.equal(problems, 1)
  const disk = await apacheDisk()
  await writeFile(disk, `/${producers}`, Buffer.alloc(3))
  t.equal((await dump([producers], {}, disk)).problems, 1)
})

t.test('checkpoints and other text', async t => {
  const { text, problems } = await dump([
    'events-0/leader-epoch-checkpoint',
    'replication-offset-checkpoint',
    'cleaner-offset-checkpoint',
    'events-0/partition.metadata',
    '__cluster_metadata-0/quorum-state',
  ])
  t.match(text, 'version: 0 entries: 1\nepoch: 0 startOffset: 0\n')
  t.match(text, 'topic: events partition: 0 offset: 15\n')
  t.match(text, 'cleaner-offset-checkpoint is empty.\n')
  t.match(text, 'version: 0\ntopic_id: ')
  t.match(text, '"leaderId"')
  t.equal(problems, 0)
  const disk = new MemoryDisk()
  await writeFile(disk, '/d/leader-epoch-checkpoint', '0\n3\n0 0\nsoon 5\n')
  const wrong = await dump(['/d/leader-epoch-checkpoint'], {}, disk)
  t.match(wrong.errors, 'says that it has 3 entries, but has 2')
  await writeFile(disk, '/d/leader-epoch-checkpoint', '1\n1\n0 x')
  const torn = await dump(['/d/leader-epoch-checkpoint'], {}, disk)
  t.match(torn.errors, 'ends in the middle of a line')
  t.match(torn.errors, 'has version 1, not 0')
  t.match(torn.errors, 'an entry that makes no sense: 0 x')
})

t.test('files that are not there, or unknown', async t => {
  const disk = new MemoryDisk()
  await writeFile(disk, '/d/notes.txt', 'hello')
  const { text, errors, problems } = await dump(['/d/1.log', '/d/notes.txt', '/d/nothing'], {}, disk)
  t.match(text, 'Dumping /d/1.log\n')
  t.match(errors, /^Cannot read \/d\/1\.log: /)
  t.match(errors, 'Ignoring unknown file /d/notes.txt\n')
  t.match(errors, '/d/nothing does not exist\n')
  t.equal(problems, 2)
})

t.test('messages of magic 0 and 1', async t => {
  const messages = [
    { offset: 0, timestampMs: 7, key: null, value: Buffer.from('a') },
    { offset: 1, timestampMs: 9, key: Buffer.from('k'), value: Buffer.from('b') },
  ]
  const disk = new MemoryDisk()
  const path = '/old-0/00000000000000000000.log'
  await writeFile(
    disk,
    path,
    Buffer.concat([buildMessageSet({ magic: 0, messages }), buildMessageSet({ magic: 1, messages, codecId: 1 })]),
  )
  const { text, problems } = await dump([path], { printRecords: true }, disk)
  const lines = text.trimEnd().split('\n').slice(2)
  t.match(
    lines[0],
    /^offset: 0 position: 0 CreateTime: -1 size: 27 magic: 0 compresscodec: none crc: \d+ isvalid: true$/,
  )
  t.equal(lines[1], '| offset: 0 CreateTime: -1 keySize: -1 valueSize: 1 payload: a')
  t.match(
    lines[4],
    /^offset: 1 position: 55 CreateTime: 9 size: \d+ magic: 1 compresscodec: gzip crc: \d+ isvalid: true$/,
  )
  t.equal(lines[6], '| offset: 1 CreateTime: 9 keySize: 1 valueSize: 1 key: k payload: b')
  t.equal(problems, 0)
})

t.test('a segment of several pieces, with a batch larger than one', async t => {
  const disk = new MemoryDisk()
  const path = '/big-0/00000000000000000007.log'
  const value = Buffer.alloc(300_000, 1)
  const batches: Buffer[] = []
  let baseOffset = 7
  for (const count of [1, 1, 12, 1, 1, 1, 2]) {
    const records = Array.from({ length: count }, () => ({ key: null, value }))
    batches.push(buildBatch({ records, baseOffset, baseTimestamp: baseOffset, logAppendTime: true }))
    baseOffset += count
  }
  await writeFile(disk, path, Buffer.concat(batches))
  const { text, problems } = await dump([path], { deep: true }, disk)
  t.equal(text.match(/^baseOffset.* LogAppendTime: .* isvalid: true$/gm)?.length, 7)
  t.equal(text.match(/^\| offset: /gm)?.length, 19)
  t.match(text, 'Log starting offset: 7\n')
  t.equal(problems, 0)
})

t.test('gaps between records are told, but are no problem: compaction leaves them', async t => {
  const bytes = original(segment)
  const [first, second] = [...iterateBatches(bytes)].map(at => Buffer.from(batchView(bytes, at)))
  setBaseOffset(second, 0, 50)
  const disk = new MemoryDisk()
  await writeFile(disk, '/c-0/00000000000000000000.log', Buffer.concat([first, second]))
  const { errors, problems } = await dump(['/c-0/00000000000000000000.log'], { printRecords: true }, disk)
  t.equal(errors, 'Non-consecutive offsets in /c-0/00000000000000000000.log\n  2 is followed by 50\n')
  t.equal(problems, 0)
})
