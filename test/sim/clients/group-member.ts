/** A member of a consumer group of the classic protocol: joins, reads what it is given, commits, and rejoins. */
import {
  Errors,
  findCoordinator,
  heartbeat,
  joinGroup,
  offsetCommit,
  offsetFetch,
  syncGroup,
} from '../../../protocol/index.ts'
import type { Endpoint } from '../../../src/host/host.ts'
import { PeerError } from '../../../src/network/peers.ts'
import { Client, indexOf, type Scene, topicOf, zeroId } from './client.ts'
import { Fetcher } from './reader.ts'

const protocolName = 'round-robin'
const sessionTimeoutMs = 6000
const rebalanceTimeoutMs = 4000
const heartbeatMs = 500
const pauseMs = 100

interface Membership {
  readonly generation: number
  readonly partitions: readonly string[]
  over: boolean
}

export class GroupMember extends Client {
  readonly #group: string
  #coordinator: Endpoint | null = null
  #memberId = ''
  commits = 0

  constructor(scene: Scene, name: string, group: string) {
    super(scene, name)
    this.#group = group
  }

  async run(): Promise<void> {
    await this.refresh()
    while (!this.stopping) {
      try {
        this.#coordinator ??= await this.#findCoordinator()
        const membership = this.#coordinator && (await this.#join(this.#coordinator))
        if (membership) await this.#takePart(this.#coordinator!, membership)
        else await this.sleep(pauseMs)
      } catch (error) {
        if (!(error instanceof PeerError)) throw error
        this.#coordinator = null
        await this.sleep(pauseMs)
      }
    }
  }

  async #findCoordinator(): Promise<Endpoint | null> {
    const answer = await this.ask(
      this.anyone(),
      findCoordinator,
      { key: this.#group, keyType: 0, coordinatorKeys: [this.#group] },
      { minVersion: 4 },
    )
    const [{ errorCode, host, port }] = answer.coordinators
    return errorCode === Errors.NONE ? { host, port } : null
  }

  /** Null when it has to begin again. */
  async #join(coordinator: Endpoint): Promise<Membership | null> {
    const joined = await this.ask(
      coordinator,
      joinGroup,
      {
        groupId: this.#group,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId: this.#memberId,
        protocolType: 'sim',
        protocols: [{ name: protocolName, metadata: Buffer.from(this.name) }],
      },
      { lane: 'join', timeoutMs: rebalanceTimeoutMs + 3000 },
    )
    if (joined.errorCode === Errors.MEMBER_ID_REQUIRED) this.#memberId = joined.memberId
    if (this.#failed(joined.errorCode)) return null
    this.#memberId = joined.memberId
    const generation = joined.generationId
    const synced = await this.ask(
      coordinator,
      syncGroup,
      {
        groupId: this.#group,
        generationId: generation,
        memberId: this.#memberId,
        protocolType: 'sim',
        protocolName,
        assignments:
          joined.leader === joined.memberId ? this.#assign(joined.members.map(({ memberId }) => memberId)) : [],
      },
      { lane: 'join', timeoutMs: rebalanceTimeoutMs + 3000 },
    )
    if (this.#failed(synced.errorCode)) return null
    const partitions = JSON.parse(String(synced.assignment) || '[]') as string[]
    return { generation, partitions, over: false }
  }

  #assign(members: readonly string[]): { memberId: string; assignment: Buffer }[] {
    return members.map((memberId, at) => {
      const partitions = this.scene.partitions.filter((_, index) => index % members.length === at)
      return { memberId, assignment: Buffer.from(JSON.stringify(partitions)) }
    })
  }

  async #takePart(coordinator: Endpoint, membership: Membership): Promise<void> {
    const { generation, partitions } = membership
    const group = this.#group
    const { history } = this.scene
    history.note(
      this.name,
      'assignment',
      { consumer: this.name, group, member: this.#memberId, generation, partitions },
      {},
    )
    const beats = this.#beat(coordinator, membership)
    try {
      const fetcher = new Fetcher(this)
      while (!membership.over && !this.stopping && !(await this.#place(coordinator, fetcher, partitions))) {
        await this.sleep(pauseMs)
      }
      while (!membership.over && !this.stopping) {
        if (partitions.length === 0) {
          await this.sleep(pauseMs)
          continue
        }
        const poll = history.invoke(this.name, 'poll', { consumer: this.name })
        const records = (await fetcher.poll()) ?? {}
        // Who is out of the group does not hand out what it got.
        if (membership.over) {
          poll.fail('the group goes on without this member')
          break
        }
        poll.ok({ records })
        const read = Object.keys(records).filter(partition => records[partition].length > 0)
        if (read.length > 0) await this.#commit(coordinator, membership, fetcher, read)
        else await this.sleep(10)
      }
    } finally {
      membership.over = true
      await beats
    }
  }

  async #beat(coordinator: Endpoint, membership: Membership): Promise<void> {
    while (!membership.over && !this.stopping) {
      await this.sleep(heartbeatMs)
      if (membership.over) return
      try {
        const { errorCode } = await this.ask(
          coordinator,
          heartbeat,
          { groupId: this.#group, generationId: membership.generation, memberId: this.#memberId },
          { lane: 'beat' },
        )
        if (this.#failed(errorCode)) membership.over = true
      } catch (error) {
        if (!(error instanceof PeerError)) throw error
        this.#coordinator = null
        membership.over = true
      }
    }
  }

  /** True once every partition has its place. */
  async #place(coordinator: Endpoint, fetcher: Fetcher, partitions: readonly string[]): Promise<boolean> {
    if (partitions.length === 0) return true
    const group = this.#group
    const operation = this.scene.history.invoke(this.name, 'fetchOffsets', { group, partitions })
    try {
      const topics = [...new Set(partitions.map(topicOf))].map(name => ({
        name,
        topicId: this.topicIds.get(name) ?? zeroId,
        partitionIndexes: partitions.filter(partition => topicOf(partition) === name).map(indexOf),
      }))
      const answer = await this.ask(
        coordinator,
        offsetFetch,
        { groupId: group, topics: [], groups: [{ groupId: group, topics }], requireStable: true },
        { minVersion: 8, maxVersion: 9 },
      )
      const [found] = answer.groups
      const offsets: Record<string, number> = {}
      let errorCode = found.errorCode
      for (const { name, partitions: list } of found.topics) {
        for (const one of list) {
          errorCode ||= one.errorCode
          offsets[`${name}-${one.partitionIndex}`] = one.committedOffset
        }
      }
      if (errorCode !== 0) {
        operation.info(`error ${errorCode}`)
        this.#failed(errorCode)
        return false
      }
      operation.ok({ offsets })
      for (const [partition, offset] of Object.entries(offsets)) fetcher.place(partition, Math.max(0, offset))
      return true
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      operation.info(error.message)
      throw error
    }
  }

  async #commit(
    coordinator: Endpoint,
    membership: Membership,
    fetcher: Fetcher,
    read: readonly string[],
  ): Promise<void> {
    const group = this.#group
    const offsets = Object.fromEntries(read.map(partition => [partition, fetcher.positions.get(partition)!.offset]))
    const operation = this.scene.history.invoke(this.name, 'commitOffsets', { group, offsets })
    try {
      const answer = await this.ask(
        coordinator,
        offsetCommit,
        {
          groupId: group,
          generationIdOrMemberEpoch: membership.generation,
          memberId: this.#memberId,
          topics: [...new Set(read.map(topicOf))].map(name => ({
            name,
            topicId: this.topicIds.get(name) ?? zeroId,
            partitions: read
              .filter(partition => topicOf(partition) === name)
              .map(partition => ({
                partitionIndex: indexOf(partition),
                committedOffset: offsets[partition],
                committedMetadata: '',
              })),
          })),
        },
        { maxVersion: 9 },
      )
      const errors = answer.topics.flatMap(topic => topic.partitions.map(({ errorCode }) => errorCode))
      const error = errors.find(code => code !== 0)
      if (error === undefined) {
        operation.ok({})
        this.commits++
      } else {
        operation.info(`error ${error}`)
        if (this.#failed(error)) membership.over = true
      }
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      operation.info(error.message)
      throw error
    }
  }

  /** Takes note of why; true when it has to join again. */
  #failed(errorCode: number): boolean {
    if (errorCode === Errors.NONE) return false
    if (errorCode === Errors.UNKNOWN_MEMBER_ID || errorCode === Errors.FENCED_INSTANCE_ID) this.#memberId = ''
    if (
      errorCode === Errors.NOT_COORDINATOR ||
      errorCode === Errors.COORDINATOR_NOT_AVAILABLE ||
      errorCode === Errors.COORDINATOR_LOAD_IN_PROGRESS
    ) {
      this.#coordinator = null
    }
    return true
  }
}
