/**
 * Where a broker that is simply started differs from Apache Kafka's documented defaults. DescribeConfigs shows these as
 * set in the server's own configuration, next to the documented default, which is also how the server.properties that
 * Apache Kafka ships makes them appear.
 */

export interface OwnDefault {
  readonly name: string
  readonly value: string
  /** Not used when one of these is given: they say the same thing in another way. */
  readonly unless: readonly string[]
  readonly reason: string
}

export const ownDefaults: readonly OwnDefault[] = [
  { name: 'process.roles', value: 'broker,controller', unless: [], reason: 'one process is a whole cluster' },
  { name: 'node.id', value: '1', unless: ['broker.id'], reason: 'as in the server.properties of Apache Kafka' },
  {
    name: 'listeners',
    value: 'PLAINTEXT://localhost:9092',
    unless: [],
    reason: 'a broker without authentication is not open to the network unless asked to be',
  },
  {
    name: 'log.dirs',
    value: './data',
    unless: ['log.dir'],
    reason: 'data that survives a reboot, where one looks for it',
  },
  {
    name: 'offsets.topic.replication.factor',
    value: '1',
    unless: ['controller.quorum.voters', 'controller.quorum.bootstrap.servers'],
    reason: 'one broker alone holds one replica; as in the server.properties of Apache Kafka',
  },
  {
    name: 'transaction.state.log.replication.factor',
    value: '1',
    unless: ['controller.quorum.voters', 'controller.quorum.bootstrap.servers'],
    reason: 'one broker alone holds one replica; as in the server.properties of Apache Kafka',
  },
  {
    name: 'transaction.state.log.min.isr',
    value: '1',
    unless: ['controller.quorum.voters', 'controller.quorum.bootstrap.servers'],
    reason: 'one broker alone holds one replica; as in the server.properties of Apache Kafka',
  },
]
