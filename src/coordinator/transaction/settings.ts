/** What the settings say about transactions; units are in the names. */
export interface TransactionSettings {
  readonly timeoutMaxMs: number
  /** How long an idle transactional id is remembered. */
  readonly idExpirationMs: number
  readonly idExpirationCheckMs: number
  /** Pause before partitions that could not take their marker are asked again; doubles with each attempt. */
  readonly markerRetryMs: number
  readonly markerRetryMaxMs: number
  /** The level of the feature `transaction.version` that the cluster has agreed on. */
  readonly version: () => number
}

export const defaultTransactionSettings: TransactionSettings = {
  timeoutMaxMs: 900_000,
  idExpirationMs: 604_800_000,
  idExpirationCheckMs: 3_600_000,
  markerRetryMs: 50,
  markerRetryMaxMs: 1000,
  version: () => 2,
}
