/** Replicas and the log directories that they lie in. */
import t from 'tap'
import { Errors } from '../../protocol/index.ts'
import { DiskError } from '../../src/host/host.ts'
import { MemoryDisk } from '../../src/host/memory.ts'
import { nodeHost, silentLogger } from '../../src/host/node.ts'
import { defaultLogConfig } from '../../src/log/log-config.ts'
import { Logs } from '../../src/log/logs.ts'
import { type AssignDirectoriesRequest, DirectoryAssignments } from '../../src/replication/directory-assignments.ts'
import { simHost } from '../sim/host.ts'

const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'
const ids = ['BBBBBBBBBBBBBBBBBBBBBA', 'CCCCCCCCCCCCCCCCCCCCCA']

t.test('a replica is made where the controller wants it, and nowhere else while that place is offline', async t => {
  const host = nodeHost({ disk: new MemoryDisk(), logger: silentLogger })
  const logs = await Logs.open(host, { directories: ['/one', '/two'] })
  t.teardown(() => logs.close())
  for (const [at, directory] of logs.directories.entries()) {
    await directory.format({ clusterId: 'c', nodeId: 1, directoryId: ids[at], others: new Map() })
  }
  for (let index = 0; index < 3; index++) {
    const log = await logs.create('t', topicId, index, defaultLogConfig, ids[1])
    t.equal(log.logDirectory, '/two')
  }
  t.equal((await logs.create('t', topicId, 3, defaultLogConfig)).logDirectory, '/one', 'the one with the fewest')
  const unknown = await logs.create('t', topicId, 4, defaultLogConfig, 'DDDDDDDDDDDDDDDDDDDDDA')
  t.equal(unknown.logDirectory, '/one', 'of a directory that is no more')
  logs.directories[1].fail(new DiskError('EIO', 'a test'))
  await t.rejects(logs.create('t', topicId, 5, defaultLogConfig, ids[1]), { code: Errors.KAFKA_STORAGE_ERROR })
})

t.test('the controller is told once, and again until it has taken it', async t => {
  const host = simHost(1)
  const requests: AssignDirectoriesRequest[] = []
  const failures = [new Error('no controller'), Errors.NOT_CONTROLLER]
  const assignments = new DirectoryAssignments({
    clock: host.clock,
    log: host.log,
    brokerId: 1,
    brokerEpoch: () => 7,
    async assignDirectories(request) {
      requests.push(request)
      const failure = failures.shift()
      if (failure instanceof Error) throw failure
      const directories = request.directories.map(({ id, topics }) => ({
        id: id!,
        topics: topics.map(({ topicId, partitions }) => ({
          topicId: topicId!,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: partitionIndex === 2 && requests.length < 5 ? Errors.KAFKA_STORAGE_ERROR : Errors.NONE,
          })),
        })),
      }))
      return { throttleTimeMs: 0, errorCode: failure ?? Errors.NONE, directories }
    },
  })
  for (let index = 0; index < 3; index++) assignments.submit(topicId, index, ids[index % 2])
  await host.clock.advance(10_000)
  const partitions = requests.map(({ directories }) =>
    directories.flatMap(({ topics }) => topics.flatMap(topic => topic.partitions.map(each => each.partitionIndex))),
  )
  t.same(partitions, [[0, 2, 1], [0, 2, 1], [0, 2, 1], [2], [2]])
  t.match(requests[0], { brokerId: 1, brokerEpoch: 7, directories: [{ id: ids[0] }, { id: ids[1] }] })
})
