/** What can be limited, for whom, and in which numbers. */

export const entityTypes = { user: 'user', clientId: 'client-id', ip: 'ip' } as const

interface QuotaKey {
  /** Whole numbers only. */
  readonly whole: boolean
  readonly of: 'clients' | 'addresses'
}

export const quotaKeys = {
  producer_byte_rate: { whole: true, of: 'clients' },
  consumer_byte_rate: { whole: true, of: 'clients' },
  request_percentage: { whole: false, of: 'clients' },
  controller_mutation_rate: { whole: false, of: 'clients' },
  connection_creation_rate: { whole: true, of: 'addresses' },
} as const satisfies Record<string, QuotaKey>

export type QuotaKeyName = keyof typeof quotaKeys

export function isQuotaKey(name: string): name is QuotaKeyName {
  return Object.hasOwn(quotaKeys, name)
}
