/** What consumers tell their assignor about themselves. The coordinator only looks at the topics, to keep their offsets. */
import { decodeMessage } from '../../../protocol/compile.ts'
import { ParseError } from '../../../protocol/reader.ts'
import { consumerProtocolSubscription } from '../../../protocol/stored/consumer-protocol.ts'

/** Newer versions only add fields at the end of those that are known. */
const newestKnown = consumerProtocolSubscription.versions.high

/** The subscribed topics, or null when the bytes are not a subscription. */
export function topicsOfSubscription(metadata: Buffer): readonly string[] | null {
  if (metadata.length < 2) return null
  const version = metadata.readInt16BE(0)
  if (version < 0) return null
  try {
    return decodeMessage(consumerProtocolSubscription, Math.min(version, newestKnown), metadata, 2).topics
  } catch (error) {
    if (error instanceof ParseError) return null
    throw error
  }
}
