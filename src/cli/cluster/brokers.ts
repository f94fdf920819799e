/** `ottla cluster describe` and `ottla cluster brokers` */
import { clusterOf, versionsOf } from '../../client/cluster.ts'
import { listTopics } from '../../client/topics.ts'
import type { Session } from '../shell/session.ts'

export async function describeTheCluster(session: Session): Promise<void> {
  const { client } = session
  const cluster = await clusterOf(client)
  const topics = await listTopics(client)
  const { finalizedFeatures } = await versionsOf(client)
  const partitions = topics.flatMap(each => each.partitions)
  const summary = {
    clusterId: cluster.clusterId,
    controllerId: cluster.controllerId,
    brokers: cluster.brokers.length,
    topics: topics.filter(({ internal }) => !internal).length,
    internalTopics: topics.filter(({ internal }) => internal).length,
    partitions: partitions.length,
    underReplicated: partitions.filter(({ isr, replicas }) => isr.length < replicas.length).length,
    leaderless: partitions.filter(({ leader }) => leader < 0).length,
    metadataVersion: finalizedFeatures.find(({ name }) => name === 'metadata.version')?.maxVersionLevel ?? null,
  }
  if (session.json) return session.printJson(summary)
  const up = cluster.brokers.filter(({ fenced }) => fenced !== true).map(({ id }) => id)
  await session.facts([
    ['Cluster', cluster.clusterId ?? 'unnamed'],
    [
      'Brokers',
      `${up.length} up (${up.join(', ')})${up.length < cluster.brokers.length ? `, ${cluster.brokers.length - up.length} fenced` : ''}`,
    ],
    ['Controller', cluster.controllerId < 0 ? 'none' : `asked through ${cluster.controllerId}`],
    ['Topics', `${summary.topics}, and ${summary.internalTopics} internal`],
    [
      'Partitions',
      `${summary.partitions}, ${summary.underReplicated} under-replicated, ${summary.leaderless} without a leader`,
    ],
    ['Metadata', summary.metadataVersion === null ? '-' : `version ${summary.metadataVersion}`],
  ])
}

export async function listBrokers(session: Session): Promise<void> {
  const { client } = session
  const { brokers } = await clusterOf(client)
  const partitions = (await listTopics(client)).flatMap(each => each.partitions)
  const shown = brokers.map(broker => ({
    ...broker,
    leaders: partitions.filter(({ leader }) => leader === broker.id).length,
    replicas: partitions.filter(({ replicas }) => replicas.includes(broker.id)).length,
    inSync: partitions.filter(({ isr }) => isr.includes(broker.id)).length,
  }))
  if (session.json) return session.printJson({ brokers: shown })
  const right = (title: string) => ({ title, align: 'right' }) as const
  await session.table(
    [
      right('BROKER'),
      { title: 'HOST' },
      right('PORT'),
      { title: 'RACK' },
      { title: 'STATE' },
      ...['LEADERS', 'REPLICAS', 'IN SYNC'].map(right),
    ],
    shown.map(({ id, host, port, rack, fenced, leaders, replicas, inSync }) => [
      String(id),
      host,
      String(port),
      rack ?? '-',
      fenced ? 'fenced' : 'up',
      String(leaders),
      String(replicas),
      String(inSync),
    ]),
  )
}
