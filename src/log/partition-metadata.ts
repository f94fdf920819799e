/** File `partition.metadata` of a partition directory: the id of the topic that the directory belongs to. */
import type { Disk, Logger } from '../host/host.ts'
import { DurableFile } from './durable-file.ts'

export const partitionMetadataFile = 'partition.metadata'

const uuidPattern = /^[A-Za-z0-9_-]{22}$/

/** The topic id, 22 characters of URL-safe base64. Null when the file is absent or malformed. Throws DiskError. */
export async function readTopicId(
  host: { readonly disk: Disk; readonly log: Logger },
  directory: string,
): Promise<string | null> {
  const bytes = await new DurableFile(host.disk, directory, partitionMetadataFile).read()
  if (bytes === null) return null
  const fields = new Map<string, string>()
  for (const line of bytes.toString('utf8').split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim())
  }
  const topicId = fields.get('topic_id')
  if (fields.get('version') === '0' && topicId !== undefined && uuidPattern.test(topicId)) return topicId
  host.log.warn({ directory }, `${partitionMetadataFile} is malformed and is not used`)
  return null
}

/** Durable when it resolves. Throws DiskError. */
export function writeTopicId(disk: Disk, directory: string, topicId: string): Promise<void> {
  return new DurableFile(disk, directory, partitionMetadataFile).write(`version: 0\ntopic_id: ${topicId}`)
}
