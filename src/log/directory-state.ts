import type { LogDirectory, PartitionDirectory } from './directory.ts'
import type { DirectoryCheckpoints } from './directory-checkpoints.ts'
import type { Log } from './log.ts'
import type { LogServices } from './log-services.ts'

/** One log directory and the logs in it. */
export interface DirectoryState {
  readonly directory: LogDirectory
  readonly services: LogServices
  readonly checkpoints: DirectoryCheckpoints
  /** By directory name, `<topic>-<n>`. */
  readonly logs: Map<string, Log>
  /** The same of those that have not been loaded. */
  readonly waiting: Map<string, PartitionDirectory>
}
