// One request to one node, by the protocol package: for questions that the clients at hand do not ask.
import { connect } from 'node:net'
import {
  decodeResponse,
  decodeResponseHeader,
  describeCluster,
  describeQuorum,
  encodeRequestFrame,
  FrameAssembler,
  metadata,
} from '../../dist/protocol/index.js'

/** The decoded answer of the node at `address` (HOST:PORT). Rejects when it cannot be asked. */
export function ask(address, api, version, request, timeoutMs = 5000) {
  const at = address.lastIndexOf(':')
  return new Promise((resolve, reject) => {
    const socket = connect(Number(address.slice(at + 1)), address.slice(0, at))
    const frames = new FrameAssembler(1 << 28)
    const end = (settle, value) => {
      socket.destroy()
      settle(value)
    }
    socket.setTimeout(timeoutMs, () => end(reject, new Error(`no answer of ${address} in ${timeoutMs} ms`)))
    socket.on('error', error => end(reject, error))
    socket.on('close', () => reject(new Error(`${address} closed the connection`)))
    socket.on('connect', () => {
      for (const chunk of encodeRequestFrame(api, version, 1, 'compat', request)) socket.write(chunk)
    })
    socket.on('data', chunk => {
      for (const frame of frames.push(chunk)) {
        const { bodyOffset } = decodeResponseHeader(api, version, frame)
        end(resolve, decodeResponse(api, version, frame, bodyOffset))
      }
    })
  })
}

/** The first answer that any of the addresses (a list with commas) gives. */
export async function askAny(addresses, api, version, request, timeoutMs) {
  let failure
  for (const address of addresses.split(',')) {
    try {
      return await ask(address, api, version, request, timeoutMs)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

const noTopicId = 'AAAAAAAAAAAAAAAAAAAAAA'
const withoutOperations = { includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false }

/** Ids of the brokers that are up, as one node knows them. */
export async function brokersUp(addresses) {
  const request = { includeClusterAuthorizedOperations: false, endpointType: 1, includeFencedBrokers: false }
  const { brokers } = await askAny(addresses, describeCluster, 1, request)
  return brokers.map(({ brokerId }) => brokerId).sort((a, b) => a - b)
}

/** Partitions of a topic in their order: leader, epoch, replicas, isr. Null when there is no such topic. */
export async function partitionsOf(addresses, topic) {
  const topics = [{ name: topic, topicId: noTopicId }]
  const request = { topics, allowAutoTopicCreation: false, ...withoutOperations }
  const answer = (await askAny(addresses, metadata, 12, request)).topics[0]
  if (answer.errorCode !== 0) return null
  return answer.partitions
    .sort((a, b) => a.partitionIndex - b.partitionIndex)
    .map(({ leaderId, leaderEpoch, replicaNodes, isrNodes }) => ({
      leader: leaderId,
      leaderEpoch,
      replicas: replicaNodes,
      isr: isrNodes,
    }))
}

/** Leader, epoch and high watermark of the metadata quorum, with its voters and observers. */
export async function quorumOf(addresses) {
  const request = { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] }
  const answer = await askAny(addresses, describeQuorum, 1, request)
  const partition = answer.topics[0]?.partitions[0]
  const errorCode = answer.errorCode || partition.errorCode
  if (errorCode !== 0) throw new Error(`DescribeQuorum was answered by error ${errorCode}`)
  return partition
}
