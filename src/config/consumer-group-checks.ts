/** What the settings of consumer groups must be to each other. */
import { isAssignorName } from './consumer-group-settings.ts'

type NumberOf = (name: string) => number

/** Told as problems, one line each. */
export function checkConsumerGroups(numberOf: NumberOf, assignors: readonly string[], problems: string[]): void {
  const kind = 'group.consumer'
  for (const what of ['heartbeat.interval.ms', 'session.timeout.ms', 'assignment.interval.ms']) {
    const [name, low, high] = [`${kind}.${what}`, `${kind}.min.${what}`, `${kind}.max.${what}`]
    if (numberOf(high) < numberOf(low)) problems.push(`${high} must be greater than or equal to ${low}`)
    if (numberOf(name) < numberOf(low)) problems.push(`${name} must be greater than or equal to ${low}`)
    if (numberOf(name) > numberOf(high)) problems.push(`${name} must be less than or equal to ${high}`)
  }
  const [session, heartbeat] = [`${kind}.session.timeout.ms`, `${kind}.heartbeat.interval.ms`]
  if (numberOf(heartbeat) >= numberOf(session)) problems.push(`${heartbeat} must be less than ${session}`)
  for (const name of assignors) {
    if (!isAssignorName(name)) {
      problems.push(
        `Invalid value ${name} for configuration ${kind}.assignors: the assignors here are uniform and range`,
      )
    }
  }
}
