/** Keys of older Kafka releases and of the JVM, and values that would promise what this broker doesn't do. */

const obsolete: readonly RegExp[] = [
  /^zookeeper\./,
  /^password\.encoder\./,
  /^(inter\.broker\.protocol\.version|log\.message\.format\.version|control\.plane\.listener\.name)$/,
  /^log\.message\.(timestamp\.difference\.max\.ms|downconversion\.enable)$/,
  /^(broker\.id\.generation\.enable|reserved\.broker\.max\.id|group\.coordinator\.new\.enable)$/,
  /^(delegation\.token\.master\.key|auto\.include\.jmx\.reporter|metrics\.jmx\.(include|exclude))$/,
  /^(port|host\.name|advertised\.port|advertised\.host\.name|zookeeper|controlled\.shutdown\.(max\.retries|retry\.backoff\.ms))$/,
  /^(leader\.imbalance\.per\.broker\.percentage|offsets\.commit\.required\.acks|java\..*|jvm\..*|jmx\..*)$/,
]

/** Of a time before KRaft, or about the machine that Apache Kafka runs on. */
export function isObsolete(name: string): boolean {
  return obsolete.some(pattern => pattern.test(name))
}

export interface Refusal {
  readonly name: string
  refuses(value: string): boolean
  readonly allowed: string
}

/** Ignoring one of these would leave the broker other than its owner believes: the start stops instead. */
export const refusals: readonly Refusal[] = [
  {
    name: 'authorizer.class.name',
    refuses: value => value.trim() !== '',
    allowed: 'must be empty: this broker does not authorize requests',
  },
  {
    name: 'replica.selector.class',
    refuses: value => value.trim() !== '' && value !== 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
    allowed: 'must be empty or org.apache.kafka.common.replica.RackAwareReplicaSelector: no other selector is known',
  },
]
