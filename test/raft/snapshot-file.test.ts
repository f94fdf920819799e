import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  encodeSnapshot,
  parseSnapshot,
  parseSnapshotFileName,
  SnapshotError,
  snapshotFileName,
} from '../../src/raft/snapshot-file.ts'
import { record } from '../metadata/history.ts'

const formatted = new URL('../../../test/data/apache-formatted/', import.meta.url)
const bootstrap = readFileSync(new URL('bootstrap.checkpoint', formatted))
const voters = readFileSync(new URL('__cluster_metadata-0/00000000000000000000-0000000000.checkpoint', formatted))

t.test('names', async t => {
  const id = { endOffset: 123, epoch: 4 }
  t.equal(snapshotFileName(id), '00000000000000000123-0000000004.checkpoint')
  t.same(parseSnapshotFileName(snapshotFileName(id)), id)
  for (const name of ['bootstrap.checkpoint', '00000000000000000123-0000000004.checkpoint.part', '1-1.checkpoint']) {
    t.equal(parseSnapshotFileName(name), null, name)
  }
})

t.test('what the storage tool of Apache Kafka writes', async t => {
  const level = (name: string, featureLevel: number) => record('featureLevel', { name, featureLevel })
  t.same(parseSnapshot(bootstrap, 'bootstrap'), {
    records: [
      level('metadata.version', 30),
      level('eligible.leader.replicas.version', 1),
      level('group.version', 1),
      level('share.version', 1),
      level('streams.version', 1),
      level('transaction.version', 2),
    ],
    kraftVersion: null,
    voters: null,
    lastTimestampMs: 0,
  })
  t.match(parseSnapshot(voters, 'voters'), {
    records: [],
    kraftVersion: 1,
    voters: [
      {
        voterId: 1,
        voterDirectoryId: 'Cv8GKH-BRyyvF6HrrXEwag',
        endpoints: [{ name: 'CONTROLLER', host: '127.0.0.1', port: 19093 }],
        kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
      },
    ],
  })
})

t.test('what is written is read again', async t => {
  const records = Array.from({ length: 2500 }, (_, i) => record('featureLevel', { name: `f${i}`, featureLevel: i }))
  const { voters: known } = parseSnapshot(voters, 'voters')
  const bytes = encodeSnapshot({ records, kraftVersion: 1, voters: known, lastTimestampMs: 77 }, 5, 99)
  t.same(parseSnapshot(bytes, 'again'), { records, kraftVersion: 1, voters: known, lastTimestampMs: 77 })
})

t.test('a snapshot that is cut off or damaged is refused', async t => {
  for (let end = 0; end < voters.length; end++) {
    t.throws(() => parseSnapshot(voters.subarray(0, end), 'cut'), SnapshotError, `cut at ${end}`)
  }
  for (const at of [20, 70, 120, voters.length - 1]) {
    const damaged = Buffer.from(voters)
    damaged[at] ^= 0x40
    t.throws(() => parseSnapshot(damaged, 'damaged'), SnapshotError, `damaged at ${at}`)
  }
})
