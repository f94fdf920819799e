/** What consumers tell their assignor about themselves. The coordinator only looks at the topics, to keep their offsets. */
import { ParseError } from '../../../protocol/reader.ts'
import { consumerProtocolSubscription } from '../../../protocol/stored/consumer-protocol.ts'
import { decodeVersioned } from '../../../protocol/stored/framing.ts'

/** The subscribed topics, or null when the bytes are not a subscription. */
export function topicsOfSubscription(metadata: Buffer): readonly string[] | null {
  try {
    return decodeVersioned(consumerProtocolSubscription, metadata, true).topics
  } catch (error) {
    if (error instanceof ParseError) return null
    throw error
  }
}
