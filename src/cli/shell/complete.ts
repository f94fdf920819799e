/** `ottla complete`: what shells ask while somebody types. Never fails, and never takes long. */
import type { Command } from 'commander'
import { resourceTypes } from '../../client/configs.ts'
import { listAllGroups } from '../../client/groups.ts'
import { listTopics } from '../../client/topics.ts'
import { listAllTransactions } from '../../client/transactions.ts'
import { candidates } from './completion.ts'
import { Session, type Surroundings } from './session.ts'

/** A shell waits meanwhile. */
const timeout = '1500ms'

export async function complete(program: Command, words: readonly string[], surroundings: Surroundings): Promise<void> {
  const found = await candidates(program, words, (kind, _command, words) => namesOf(kind, words, surroundings))
  await surroundings.terminal.output.write(found.map(({ word, description }) => `${word}\t${description}\n`).join(''))
}

async function namesOf(kind: string, words: readonly string[], surroundings: Surroundings): Promise<readonly string[]> {
  if (kind === 'kind') return Object.keys(resourceTypes)
  const ask = {
    topic: topicNames,
    group: groupNames,
    'transactional-id': transactionalIds,
    broker: brokerIds,
    name: namesOfKind,
  }[kind]
  if (!ask) return []
  const at = words.findIndex(word => word === '--bootstrap' || word === '-b')
  const bootstrap = at < 0 ? undefined : words[at + 1]
  try {
    const session = new Session(surroundings, { bootstrap, timeout })
    try {
      return await ask(session, words)
    } finally {
      await session.close()
    }
  } catch {
    // Nobody to ask: the shell goes on without.
    return []
  }
}

async function topicNames({ client }: Session): Promise<string[]> {
  return (await listTopics(client)).map(({ name }) => name)
}

async function groupNames({ client }: Session): Promise<string[]> {
  return (await listAllGroups(client)).map(({ group }) => group)
}

async function transactionalIds({ client }: Session): Promise<string[]> {
  return (await listAllTransactions(client)).map(({ transactionalId }) => transactionalId)
}

async function brokerIds({ client }: Session): Promise<string[]> {
  await client.refresh([])
  return [...client.view.brokers.keys()].map(String)
}

/** `ottla config VERB KIND <name>` */
async function namesOfKind(session: Session, words: readonly string[]): Promise<string[]> {
  if (words.includes('topic')) return topicNames(session)
  if (words.includes('group')) return groupNames(session)
  return words.includes('broker') || words.includes('broker-logger') ? brokerIds(session) : []
}
