/** The server-side assignors, by the names that members ask for. */
import type { Assignor } from './assignor.ts'
import { rangeAssignor } from './assignor-range.ts'
import { uniformAssignor } from './assignor-uniform.ts'

export const assignors: Readonly<Record<string, Assignor>> = { uniform: uniformAssignor, range: rangeAssignor }
