/**
 * File `meta.properties` of a log directory: which cluster and which node it belongs to, and its own id. Java's
 * properties format; keys that are not known here are kept.
 */
import { parseProperties } from '../config/properties.ts'
import type { Disk } from '../host/host.ts'
import { DurableFile } from './durable-file.ts'

export const metaPropertiesFile = 'meta.properties'

export interface MetaProperties {
  readonly clusterId: string
  readonly nodeId: number
  /** Null in a directory that was formatted before directories had ids (KIP-858). */
  readonly directoryId: string | null
  /** Whatever else the file holds. */
  readonly others: ReadonlyMap<string, string>
}

/** What `meta.properties` says makes no sense: the directory cannot be used until a person has looked at it. */
export class MetaPropertiesError extends Error {
  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`)
    this.name = 'MetaPropertiesError'
  }
}

/** Null when the directory has not been formatted. Throws DiskError and MetaPropertiesError. */
export async function readMetaProperties(disk: Disk, directory: string): Promise<MetaProperties | null> {
  const file = new DurableFile(disk, directory, metaPropertiesFile)
  const bytes = await file.read()
  if (bytes === null) return null
  const properties = parseProperties(bytes.toString('utf8'))
  const take = (key: string) => {
    const value = properties.get(key)
    properties.delete(key)
    return value
  }
  const version = take('version')
  if (version !== '1') throw new MetaPropertiesError(file.path, `version is ${version ?? 'missing'}, not 1`)
  const clusterId = take('cluster.id')
  if (!clusterId) throw new MetaPropertiesError(file.path, 'cluster.id is missing')
  const nodeText = take('node.id')
  if (!nodeText || !/^\d{1,9}$/.test(nodeText)) {
    throw new MetaPropertiesError(file.path, `node.id is ${nodeText ?? 'missing'}, not a number`)
  }
  return { clusterId, nodeId: Number(nodeText), directoryId: take('directory.id') ?? null, others: properties }
}

/** Durable when it resolves. Throws DiskError. */
export function writeMetaProperties(disk: Disk, directory: string, meta: MetaProperties): Promise<void> {
  const entries: [string, string][] = [
    ...meta.others,
    ['cluster.id', meta.clusterId],
    ...(meta.directoryId === null ? [] : [['directory.id', meta.directoryId] as [string, string]]),
    ['node.id', String(meta.nodeId)],
    ['version', '1'],
  ]
  const text = entries.map(([key, value]) => `${escapeProperty(key, true)}=${escapeProperty(value, false)}\n`).join('')
  return new DurableFile(disk, directory, metaPropertiesFile).write(text)
}

function escapeProperty(text: string, key: boolean): string {
  const escaped = text
    .replace(/[\\=:#!]/g, '\\$&')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/\t/g, '\\t')
  return key ? escaped.replace(/ /g, '\\ ') : escaped.replace(/^ /, '\\ ')
}
