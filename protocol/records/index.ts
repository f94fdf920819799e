/**
 * Record batches, as an embedding program may use them: build (`buildBatch`), check (`checkBatch`), read (`readRecords`),
 * compress (`compress`, after `compressionReady`), and the message sets of old clients.
 */
export * from './batch.ts'
export * from './builder.ts'
export * from './compression.ts'
export * from './control.ts'
export * from './crc.ts'
export * from './down-convert.ts'
export * from './legacy.ts'
export * from './pace.ts'
export * from './record.ts'
export * from './up-convert.ts'
export * from './validate.ts'
