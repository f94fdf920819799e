/** The options of `ottla record consume`. */
import type { Isolation } from '../../client/offsets.ts'

export interface ConsumeOptions {
  readonly from?: string
  readonly to?: string
  readonly follow?: boolean
  readonly count?: string
  readonly tail?: string
  readonly group?: string
  readonly format?: string
  readonly raw?: boolean
  readonly null: string
  readonly isolation: Isolation
}
