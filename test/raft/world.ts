import { parseBrokerConfig } from '../../src/config/broker.ts'
import type { Disk, Host } from '../../src/host/host.ts'
import { MemoryDisk } from '../../src/host/memory.ts'
import { nodeHost, silentLogger } from '../../src/host/node.ts'
import type { Log } from '../../src/log/log.ts'
import { Logs } from '../../src/log/logs.ts'
import { openMetadataLog } from '../../src/raft/metadata-log.ts'
import { Quorum } from '../../src/raft/quorum.ts'

export const settings = {
  'log.dirs': '/data',
  listeners: 'PLAINTEXT://127.0.0.1:0',
} as const

export interface World {
  readonly disk: MemoryDisk
  readonly host: Host
}

export function world(): World {
  const disk = new MemoryDisk()
  return { disk, host: nodeHost({ disk, logger: silentLogger }) }
}

export function config(more: Record<string, string> = {}) {
  return parseBrokerConfig(new Map(Object.entries({ ...settings, ...more })))
}

export interface Running {
  readonly quorum: Quorum
  readonly log: Log
  readonly logs: Logs
}

export const directoryId = 'AAAAAAAAAAAAAAAAAAAABA'

export async function startQuorum({ host }: World): Promise<Running> {
  const logs = await Logs.open(host, { directories: ['/data'] })
  try {
    const log = await openMetadataLog(logs, config())
    return { quorum: await Quorum.open({ host, log, nodeId: 1, directoryId }), log, logs }
  } catch (error) {
    await logs.close()
    throw error
  }
}

export async function readText(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, 'read')
  const bytes = await file.read(0, file.size)
  await file.close()
  return bytes.toString('utf8')
}

export async function writeText(disk: Disk, path: string, content: string | Buffer): Promise<void> {
  await disk.remove(path)
  const file = await disk.open(path, 'create')
  await file.append([Buffer.from(content)])
  await file.sync()
  await file.close()
}
