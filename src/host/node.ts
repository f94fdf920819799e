/** The real machine. Only the files `node*.ts` of this room touch Node's own modules for time, disk and network. */
import type { Disk, Host, Logger } from './host.ts'
import { nodeClock, nodeRandom } from './node-clock.ts'
import { nodeDisk } from './node-disk.ts'
import { type LoggerOptions, nodeLogger } from './node-logger.ts'
import { NodeNetwork } from './node-network.ts'

/** What the machine is called in its network. */
export { hostname as hostName } from 'node:os'
export { type LoggerOptions, type LogLevel, nodeLogger } from './node-logger.ts'
export { silentLogger } from './silent-logger.ts'

export interface NodeHostOptions {
  readonly logger?: Logger | LoggerOptions
  /** Where files live: the file system when absent. */
  readonly disk?: Disk
}

export function nodeHost(options: NodeHostOptions = {}): Host {
  const log = options.logger && 'child' in options.logger ? options.logger : nodeLogger(options.logger)
  return {
    clock: nodeClock,
    random: nodeRandom,
    disk: options.disk ?? nodeDisk,
    network: new NodeNetwork(log),
    log,
  }
}
