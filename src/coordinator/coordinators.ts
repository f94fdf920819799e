/**
 * The group coordinators of this broker: one shard for each partition of `__consumer_offsets` that it leads. A group
 * belongs to the partition that its id hashes to.
 */
import { type ErrorCode, Errors } from '../../protocol/errors.ts'
import type { Host } from '../host/host.ts'
import { assert } from '../lib/assert.ts'
import { getOrCreate } from '../lib/get-or-create.ts'
import type { ReplicatedLog, TransactionEnd } from '../machine/machine.ts'
import { Shard } from '../machine/shard.ts'
import type { MetadataState } from '../metadata/state.ts'
import { checkRequest } from './group/checks.ts'
import type { GroupCluster } from './group/cluster.ts'
import type {
  DeleteGroupsReply,
  DescribedConsumerGroup,
  DescribedGroup,
  GroupEvent,
  GroupReply,
  ListEvent,
  ListReply,
  ReplyTo,
  RequestEvent,
} from './group/events.ts'
import { GroupMachine } from './group/groups.ts'
import { type GroupRecord, groupRecordCodec } from './group/records.ts'
import { failedReply } from './group/replies.ts'
import type { InternalTopic } from './internal-topic.ts'
import type { CoordinatorSettings } from './settings.ts'

export interface CoordinatorsOptions {
  readonly host: Pick<Host, 'clock' | 'random' | 'log'>
  readonly metadata: MetadataState
  readonly cluster: GroupCluster
  readonly settings: CoordinatorSettings
  /** The offsets topic. */
  readonly topic: InternalTopic
}

type GroupShard = Shard<GroupEvent, GroupRecord, GroupReply>

/** Requests that concern one group. */
type GroupRequest = Extract<RequestEvent, { groupId: string }>

export class Coordinators {
  readonly #options: CoordinatorsOptions
  readonly #shards = new Map<number, GroupShard>()
  readonly #loading = new Map<GroupShard, Promise<void>>()
  readonly #stopListening: () => void

  constructor(options: CoordinatorsOptions) {
    this.#options = options
    this.#stopListening = options.metadata.listen({
      topicDeleted: ({ name, id }) => this.#topicDeleted(name, id),
    })
  }

  /** This broker now leads a partition of the offsets topic: its groups are loaded and served from here on. */
  onPartitionLeader(index: number, log: ReplicatedLog): void {
    this.onPartitionLost(index)
    const { host, settings } = this.#options
    const machine = new GroupMachine(settings.groups, this.#options.cluster)
    const shard = new Shard(machine, groupRecordCodec, log, host, { commitTimeoutMs: settings.commitTimeoutMs })
    this.#shards.set(index, shard)
    this.#loading.set(
      shard,
      shard.load().finally(() => this.#loading.delete(shard)),
    )
  }

  onPartitionLost(index: number): void {
    this.#shards.get(index)?.drop()
    this.#shards.delete(index)
  }

  close(): void {
    this.#stopListening()
    for (const index of [...this.#shards.keys()]) this.onPartitionLost(index)
  }

  /** The partition of the offsets topic that a group belongs to. */
  partitionOfGroup(groupId: string): number {
    return this.#options.topic.partitionOf(groupId)
  }

  /** The broker that coordinates a group; -1 while there is none. */
  coordinatorOfGroup(groupId: string): number {
    return this.#options.topic.leaderOf(groupId)
  }

  /** Creates the offsets topic unless it is there. Answers the error, if any. */
  ensureOffsetsTopic(): Promise<number> {
    return this.#options.topic.ensure()
  }

  /** A transaction ended that may have committed offsets of groups in this partition. Answers as partition leaders do. */
  endTransaction(index: number, end: TransactionEnd): Promise<ErrorCode> {
    return this.#shards.get(index)?.endTransaction(end) ?? Promise.resolve(Errors.NOT_LEADER_OR_FOLLOWER)
  }

  /** One request of one group. Never rejects: errors are in the reply. */
  async ask<E extends GroupRequest>(event: E): Promise<ReplyTo<E>> {
    const error = checkRequest(event, this.#options.settings.groups)
    if (error !== Errors.NONE) return replyTo(event, failedReply(error, event))
    const shard = this.#shards.get(this.partitionOfGroup(event.groupId))
    if (!shard) return replyTo(event, failedReply(Errors.NOT_COORDINATOR, event))
    return replyTo(event, await shard.submit(event))
  }

  /** In the order asked for. */
  async describe(groupIds: readonly string[]): Promise<DescribedGroup[]> {
    const replies = await this.#perPartition(groupIds, async (shard, ids) => {
      const event = { kind: 'describe', groupIds: ids } as const
      return replyTo(event, shard ? await shard.submit(event) : failedReply(Errors.NOT_COORDINATOR, event)).groups
    })
    return inOrder(groupIds, replies.flat())
  }

  /** In the order asked for: groups of the consumer protocol. */
  async describeConsumers(groupIds: readonly string[]): Promise<DescribedConsumerGroup[]> {
    const replies = await this.#perPartition(groupIds, async (shard, ids) => {
      const event = { kind: 'consumerDescribe', groupIds: ids } as const
      return replyTo(event, shard ? await shard.submit(event) : failedReply(Errors.NOT_COORDINATOR, event)).groups
    })
    return inOrder(groupIds, replies.flat())
  }

  /** In the order asked for. */
  async deleteGroups(groupIds: readonly string[]): Promise<DeleteGroupsReply['results'][number][]> {
    const replies = await this.#perPartition(groupIds, async (shard, ids) => {
      const event = { kind: 'deleteGroups', groupIds: ids } as const
      return replyTo(event, shard ? await shard.submit(event) : failedReply(Errors.NOT_COORDINATOR, event)).results
    })
    return inOrder(groupIds, replies.flat())
  }

  /** All groups that this broker coordinates; an error while some of them are still being loaded. */
  async list(event: ListEvent): Promise<ListReply> {
    const replies = await Promise.all([...this.#shards.values()].map(shard => shard.submit(event)))
    const groups: ListReply['groups'][number][] = []
    let errorCode: ErrorCode = Errors.NONE
    for (const reply of replies.map(reply => replyTo(event, reply))) {
      groups.push(...reply.groups)
      if (reply.errorCode !== Errors.NONE && reply.errorCode !== Errors.NOT_COORDINATOR) errorCode = reply.errorCode
    }
    return { kind: 'list', errorCode, groups: errorCode === Errors.NONE ? groups : [] }
  }

  async #perPartition<R>(
    groupIds: readonly string[],
    ask: (shard: GroupShard | undefined, groupIds: readonly string[]) => Promise<R>,
  ): Promise<R[]> {
    const byPartition = new Map<number, string[]>()
    for (const groupId of new Set(groupIds)) {
      getOrCreate(byPartition, this.partitionOfGroup(groupId), () => []).push(groupId)
    }
    return Promise.all([...byPartition].map(([index, ids]) => ask(this.#shards.get(index), ids)))
  }

  /** Nobody will ask for these offsets again; a topic of the same name begins without any. */
  #topicDeleted(name: string, topicId: string): void {
    const event = { kind: 'topicsDeleted', topics: [{ name, topicId }] } as const
    for (const shard of this.#shards.values()) {
      const ready = this.#loading.get(shard) ?? Promise.resolve()
      void ready.then(() => shard.submit(event))
    }
  }
}

function replyTo<E extends RequestEvent>(event: E, reply: GroupReply): ReplyTo<E> {
  assert(isReplyTo(event, reply), `${event.kind} was answered by ${reply.kind}`)
  return reply
}

function isReplyTo<E extends RequestEvent>(event: E, reply: GroupReply): reply is ReplyTo<E> {
  return reply.kind === event.kind
}

function inOrder<T extends { readonly groupId: string }>(groupIds: readonly string[], answers: readonly T[]): T[] {
  const byId = new Map(answers.map(answer => [answer.groupId, answer]))
  return groupIds.map(groupId => byId.get(groupId)!)
}
