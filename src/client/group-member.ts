/** A member of a classic consumer group: joins, is given partitions, keeps itself alive, and goes. */
import { Errors } from '../../protocol/errors.ts'
import { joinGroup } from '../../protocol/messages/11-join-group.ts'
import { heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { leaveGroup } from '../../protocol/messages/13-leave-group.ts'
import { syncGroup } from '../../protocol/messages/14-sync-group.ts'
import type { DecodedResponseOf } from '../../protocol/schema.ts'
import { consumerProtocolAssignment, consumerProtocolSubscription } from '../../protocol/stored/consumer-protocol.ts'
import { decodeVersioned, encodeVersioned } from '../../protocol/stored/framing.ts'
import type { Cancel } from '../host/host.ts'
import type { Client } from './client.ts'
import { refusal } from './client-error.ts'
import type { Committer } from './group-offsets.ts'
import { assignedPartitions } from './groups.ts'
import { clientLimits } from './limits.ts'
import { assignRange } from './range-assignor.ts'
import { byTopic, type TopicPartition } from './topic-partition.ts'

type JoinAnswer = DecodedResponseOf<typeof joinGroup>

const protocolType = 'consumer'
const protocolName = 'range'

/** Codes after which a member joins anew. */
const rejoin: ReadonlySet<number> = new Set([
  Errors.REBALANCE_IN_PROGRESS,
  Errors.ILLEGAL_GENERATION,
  Errors.UNKNOWN_MEMBER_ID,
  Errors.MEMBER_ID_REQUIRED,
])

export class GroupMember {
  readonly #client: Client
  readonly #group: string
  readonly #topics: readonly string[]
  #memberId = ''
  #generation = -1
  #cancelHeartbeat: Cancel = () => {}
  #rebalancing: (() => void) | null = null

  constructor(client: Client, group: string, topics: readonly string[]) {
    this.#client = client
    this.#group = group
    this.#topics = topics
  }

  /** As whom to commit. */
  get committer(): Committer {
    return { memberId: this.#memberId, generation: this.#generation }
  }

  /** Joins, or joins anew after a rebalance; gives what is assigned to it. `rebalancing` is called when that ends. */
  async join(rebalancing: () => void): Promise<TopicPartition[]> {
    this.#cancelHeartbeat()
    for (;;) {
      const joined = await this.#join()
      if (rejoin.has(joined.errorCode)) {
        this.#memberId = joined.errorCode === Errors.UNKNOWN_MEMBER_ID ? '' : joined.memberId || this.#memberId
        continue
      }
      if (joined.errorCode !== Errors.NONE) throw refusal(`group ${this.#group}`, joined.errorCode)
      this.#memberId = joined.memberId
      this.#generation = joined.generationId
      const synced = await this.#sync(joined)
      if (rejoin.has(synced.errorCode)) continue
      if (synced.errorCode !== Errors.NONE) throw refusal(`group ${this.#group}`, synced.errorCode)
      this.#rebalancing = rebalancing
      this.#beat()
      return assignedPartitions(synced.assignment)
    }
  }

  /** So that the others need not wait for the session to end. */
  async leave(): Promise<void> {
    this.#cancelHeartbeat()
    this.#rebalancing = null
    if (this.#memberId === '') return
    const deadline = this.#client.deadline(clientLimits.leaveMs)
    await this.#client.ask(
      { group: this.#group },
      leaveGroup,
      { groupId: this.#group, memberId: this.#memberId, members: [{ memberId: this.#memberId }] },
      { lane: 'group', deadline },
    )
  }

  #join(): Promise<JoinAnswer> {
    const metadata = encodeVersioned(consumerProtocolSubscription, 0, {
      topics: [...this.#topics],
      ownedPartitions: [],
    })
    // The answer comes when all members have joined: within their rebalance timeout.
    const deadline = this.#client.deadline(clientLimits.rebalanceMs + this.#client.timeoutMs)
    return this.#client.ask(
      { group: this.#group },
      joinGroup,
      {
        groupId: this.#group,
        sessionTimeoutMs: clientLimits.sessionMs,
        rebalanceTimeoutMs: clientLimits.rebalanceMs,
        memberId: this.#memberId,
        protocolType,
        protocols: [{ name: protocolName, metadata }],
      },
      { lane: 'group', deadline, codes: ({ errorCode }) => [errorCode] },
    )
  }

  async #sync(joined: JoinAnswer): Promise<DecodedResponseOf<typeof syncGroup>> {
    return this.#client.ask(
      { group: this.#group },
      syncGroup,
      {
        groupId: this.#group,
        generationId: this.#generation,
        memberId: this.#memberId,
        protocolType,
        protocolName: joined.protocolName ?? protocolName,
        assignments: joined.leader === joined.memberId ? await this.#assign(joined) : [],
      },
      { lane: 'group', codes: ({ errorCode }) => [errorCode] },
    )
  }

  /** The leader of a group assigns for all. */
  async #assign({ members }: JoinAnswer): Promise<{ memberId: string; assignment: Buffer }[]> {
    const subscribers = members.map(({ memberId, metadata }) => ({
      memberId,
      topics: decodeVersioned(consumerProtocolSubscription, metadata, true).topics,
    }))
    await this.#client.refresh([...new Set(subscribers.flatMap(({ topics }) => topics))])
    const assigned = assignRange(subscribers, topic => this.#client.view.topics.get(topic)?.partitions.length ?? 0)
    return [...assigned].map(([memberId, partitions]) => ({
      memberId,
      assignment: encodeVersioned(consumerProtocolAssignment, 0, {
        assignedPartitions: byTopic(partitions).map(({ topic, items }) => ({
          topic,
          partitions: items.map(({ partition }) => partition),
        })),
      }),
    }))
  }

  #beat(): void {
    this.#cancelHeartbeat = this.#client.host.clock.after(clientLimits.heartbeatMs, () => {
      const { memberId, generation: generationId } = this.committer
      const body = { groupId: this.#group, generationId, memberId }
      this.#client
        .ask({ group: this.#group }, heartbeat, body, { lane: 'group', codes: ({ errorCode }) => [errorCode] })
        .then(
          ({ errorCode }) => (errorCode === Errors.NONE ? this.#beatAgain(generationId) : this.#told(errorCode)),
          // Whether it is still a member shows when it joins again.
          () => this.#told(Errors.REBALANCE_IN_PROGRESS),
        )
    })
  }

  #beatAgain(generation: number): void {
    if (this.#rebalancing && generation === this.#generation) this.#beat()
  }

  #told(errorCode: number): void {
    if (errorCode === Errors.UNKNOWN_MEMBER_ID) this.#memberId = ''
    const rebalancing = this.#rebalancing
    this.#rebalancing = null
    rebalancing?.()
  }
}
