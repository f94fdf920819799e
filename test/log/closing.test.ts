import t from 'tap'
import { buildBatch } from '../../protocol/records/builder.ts'
import { MemoryDisk } from '../../src/host/memory.ts'
import { highWatermarkCheckpoint, OffsetCheckpoint, recoveryPointCheckpoint } from '../../src/log/checkpoints.ts'
import { defaultLogConfig } from '../../src/log/log-config.ts'
import { Logs } from '../../src/log/logs.ts'
import { simHost } from '../sim/host.ts'

t.test('a clean shutdown leaves checkpoints that hold the ends of the logs', async t => {
  const host = { ...simHost(1), disk: new MemoryDisk() }
  const { clock } = host
  const logs = await Logs.open(host, { directories: ['/data'] })
  const log = await clock.run(logs.create('a', 'abcdefghijklmnopqrstug', 3, defaultLogConfig))
  for (let count = 1; count <= 3; count++) {
    const records = Array.from({ length: count }, () => ({ key: null, value: Buffer.from('x') }))
    const batch = buildBatch({ records, baseTimestamp: clock.now() })
    log.append(batch, { leaderEpoch: 0, origin: 'client', requestVersion: 9 })
  }
  // Whoever takes the log up tells how far it is committed.
  log.highWatermark = log.logEndOffset
  await clock.run(logs.close())
  for (const name of [recoveryPointCheckpoint, highWatermarkCheckpoint]) {
    t.same(await new OffsetCheckpoint(host, '/data', name).read(), new Map([['a-3', 6]]), name)
  }
})
