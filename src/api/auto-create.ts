/** Topics that come into being because somebody asked for them. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { topicNameProblem } from '../controller/topic-names.ts'
import { offsetsTopic, transactionsTopic } from '../metadata/internal-topics.ts'
import type { RequestContext } from './request.ts'

/**
 * Creates what is missing with the broker's defaults, and waits until this broker serves it. Returns the error by name of
 * those that could not be created.
 */
export async function autoCreateTopics(
  names: readonly string[],
  context: RequestContext,
): Promise<Map<string, number>> {
  const { controllerRequests, coordinators, transactions } = context.broker
  const failures = new Map<string, number>()
  const ordinary: string[] = []
  for (const name of names) {
    if (topicNameProblem(name) !== null) failures.set(name, Errors.INVALID_TOPIC_EXCEPTION)
    else if (name === offsetsTopic || name === transactionsTopic) {
      const errorCode = await (name === offsetsTopic ? coordinators.ensureOffsetsTopic() : transactions.ensureTopic())
      if (errorCode !== Errors.NONE) failures.set(name, errorCode)
    } else ordinary.push(name)
  }
  if (ordinary.length === 0) return failures
  const defaults = { partitionsCount: -1, replicationFactor: -1, configs: [] }
  const wanted = ordinary.map(name => ({ name, ...defaults }))
  try {
    for (const { name, errorCode } of await controllerRequests.createTopics(wanted)) {
      if (errorCode !== Errors.NONE && errorCode !== Errors.TOPIC_ALREADY_EXISTS) failures.set(name, errorCode)
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    // No controller for the moment: clients ask again.
    for (const name of ordinary) failures.set(name, Errors.LEADER_NOT_AVAILABLE)
  }
  return failures
}
