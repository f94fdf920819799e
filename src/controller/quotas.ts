/** Altering the quotas of clients and addresses (KIP-546, KIP-612). */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { plainAddress } from '../lib/address-bytes.ts'
import type { QuotaEntityPart } from '../metadata/entities.ts'
import { quotaKey } from '../metadata/image.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { entityTypes, isQuotaKey, type QuotaKeyName, quotaKeys } from '../quota/quota-keys.ts'
import { type ControllerContext, type Decision, recordsPerRequestMax } from './context.ts'
import type { QuotaAlteration, QuotaOutcome } from './events.ts'
import { outcomeOf } from './topics.ts'

const knownTypes: readonly string[] = Object.values(entityTypes)

/** Every entity succeeds or fails by itself. Throws KafkaError POLICY_VIOLATION for too many changes in all. */
export function alterQuotas(
  context: ControllerContext,
  entries: readonly QuotaAlteration[],
  validateOnly: boolean,
): Decision<readonly QuotaOutcome[]> {
  const records: MetadataRecord[] = []
  const seen = new Set<string>()
  const answer = entries.map((entry): QuotaOutcome => {
    const { entity } = entry
    try {
      checkEntity(entity)
      const key = quotaKey(entity)
      if (seen.has(key)) throw invalid('Duplicate quota entity.')
      seen.add(key)
      const changes = changesOf(context, key, entry)
      if (!validateOnly) records.push(...changes)
      return { errorCode: Errors.NONE, errorMessage: null, entity }
    } catch (error) {
      return { ...outcomeOf(error), entity }
    }
  })
  if (records.length > recordsPerRequestMax) {
    throw new KafkaError(
      Errors.POLICY_VIOLATION,
      `Unable to perform more than ${recordsPerRequestMax} changes at once.`,
    )
  }
  return { records, answer }
}

function invalid(message: string): KafkaError {
  return new KafkaError(Errors.INVALID_REQUEST, message)
}

function checkEntity(entity: readonly QuotaEntityPart[]): void {
  if (entity.length === 0) throw invalid('Invalid empty client quota entity')
  const types = new Set<string>()
  for (const { entityType, entityName } of entity) {
    if (types.has(entityType)) throw invalid(`Invalid client quota entity, duplicate entity entry ${entityType}`)
    types.add(entityType)
    if (!knownTypes.includes(entityType)) throw invalid(`Unhandled client quota entity type: ${entityType}`)
    if (entityName === '') throw invalid(`Empty ${entityType} not supported`)
    if (entityType === entityTypes.ip && entityName !== null && plainAddress(entityName) === null) {
      throw invalid(`${entityName} is not a valid IP or resolvable host.`)
    }
  }
  if (types.has(entityTypes.ip) && types.size > 1) {
    throw invalid('Invalid quota entity combination, IP entity should not be combined with User or ClientId')
  }
}

function changesOf({ state }: ControllerContext, key: string, { entity, ops }: QuotaAlteration): MetadataRecord[] {
  const kind = entity.some(({ entityType }) => entityType === entityTypes.ip) ? 'addresses' : 'clients'
  const before = state.quotas.get(key)?.values
  // Of several for one key the last one counts.
  const last = new Map(ops.map(op => [op.key, op]))
  const records: MetadataRecord[] = []
  for (const op of last.values()) {
    if (!op.remove) {
      if (!isQuotaKey(op.key) || quotaKeys[op.key].of !== kind) throw invalid(`Invalid configuration key ${op.key}`)
      checkValue(op.key, op.value)
    }
    const present = before?.get(op.key)
    if (op.remove ? present === undefined : present === op.value) continue
    const value = op.remove ? { key: op.key, value: 0, remove: true } : { key: op.key, value: op.value, remove: false }
    records.push({ kind: 'clientQuota', version: 0, value: { entity: entity.map(part => ({ ...part })), ...value } })
  }
  return records
}

const epsilon = 1e-6

function checkValue(key: QuotaKeyName, value: number): void {
  // Infinity is neither a rate nor something that JSON or a tool could show.
  if (!(value > 0) || value === Number.POSITIVE_INFINITY) throw invalid(`Quota ${key} must be greater than 0`)
  if (quotaKeys[key].whole && Math.abs(Math.floor(value + epsilon) - value) > epsilon) {
    throw invalid(`Configuration ${key} must be a Long value`)
  }
}
