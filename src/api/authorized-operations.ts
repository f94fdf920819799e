/** Bit fields of what a client may do, as some responses tell (KIP-430): a bit for each operation. */

const operations = {
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
} as const

type Operation = keyof typeof operations

function bits(...names: Operation[]): number {
  return names.reduce((field, name) => field | (1 << operations[name]), 0)
}

/** The client did not ask. */
export const operationsNotAsked = -(2 ** 31)

/** All that can be done to each kind of resource: what everybody may do while nothing restricts access. */
export const allOperations = {
  cluster: bits(
    'CREATE',
    'CLUSTER_ACTION',
    'DESCRIBE_CONFIGS',
    'ALTER_CONFIGS',
    'IDEMPOTENT_WRITE',
    'ALTER',
    'DESCRIBE',
  ),
  topic: bits('READ', 'WRITE', 'CREATE', 'DESCRIBE', 'DELETE', 'ALTER', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'),
  group: bits('READ', 'DESCRIBE', 'DELETE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'),
} as const
