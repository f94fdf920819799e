/** Deleting a partition must never take its directory offline (KAFKA-6624, KAFKA-15391). */
import t from 'tap'
import { buildBatch } from '../../protocol/records/builder.ts'
import { MemoryDisk } from '../../src/host/memory.ts'
import { nodeHost, silentLogger } from '../../src/host/node.ts'
import { defaultLogConfig } from '../../src/log/log-config.ts'
import { Logs } from '../../src/log/logs.ts'

const topicId = 'f6jPZFbBR9yCxBH5Q7Uq0A'

t.test('a partition is deleted while its leader epoch and its first batch are being written', async t => {
  const host = nodeHost({ disk: new MemoryDisk(), logger: silentLogger })
  const logs = await Logs.open(host, { directories: ['/data'] })
  for (let round = 0; round < 20; round++) {
    const log = await logs.create('topic', topicId, 0, defaultLogConfig)
    log.startEpoch(round)
    if (round % 2 === 1)
      log.append(buildBatch({ records: [{ key: null, value: Buffer.from('x') }] }), {
        leaderEpoch: round,
        origin: 'client',
        requestVersion: 9,
      })
    // Let the writes get some way, a different one each round.
    for (let turn = 0; turn < round; turn++) await Promise.resolve()
    await logs.delete('topic', 0)
    t.equal(logs.directories[0].failure, null, `round ${round}: the directory is online`)
  }
  await logs.close()
})
