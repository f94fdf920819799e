/** The real machine for commands that keep no log. Loads in a fraction of the time that the logger takes. */
import type { Host } from './host.ts'
import { nodeClock, nodeRandom } from './node-clock.ts'
import { nodeDisk } from './node-disk.ts'
import { NodeNetwork } from './node-network.ts'
import { silentLogger } from './silent-logger.ts'

export const quietHost: Host = {
  clock: nodeClock,
  random: nodeRandom,
  disk: nodeDisk,
  network: new NodeNetwork(silentLogger),
  log: silentLogger,
}
