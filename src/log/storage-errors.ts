/** What a disk's errors mean to those who called a log. `fail` ends the use of the log and its directory. */
import { Errors, KafkaError } from '../../protocol/errors.ts'
import { DiskError } from '../host/host.ts'

type Fail = (error: DiskError) => void

/** After this error nothing can be trusted. Throws KafkaError KAFKA_STORAGE_ERROR; what is no DiskError as it is. */
export function final(error: unknown, fail: Fail): never {
  if (!(error instanceof DiskError)) throw error
  fail(error)
  throw storageError(error)
}

/** A full disk may pass, and nothing has happened yet; anything else that a disk says is final. */
export function finalUnlessFull(error: unknown, fail: Fail): never {
  if (error instanceof DiskError && error.code === 'ENOSPC') throw storageError(error)
  final(error, fail)
}

/**
 * A read that the disk refused is final too, except that the file may have gone: with its segment, or with the whole log,
 * which then has a `failure` that says so.
 */
export function finalUnlessGone(error: unknown, failure: KafkaError | null, fail: Fail): never {
  if (error instanceof DiskError) {
    if (failure) throw failure
    if (error.code === 'ENOENT') throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE, 'the segment is gone')
    if (error.code === 'EMFILE') throw storageError(error)
  }
  final(error, fail)
}

/**
 * For what is saved again later, and can be made again from the batches until then. Recovery drops what the file of leader
 * epochs says of offsets that it scans, so a file that is out of date there does no harm.
 */
export function ignoreFull(error: unknown): void {
  if (!(error instanceof DiskError && error.code === 'ENOSPC')) throw error
}

/** What those who wait for a log are told; a KafkaError is told as it is. */
export function asKafkaError(error: Error): KafkaError {
  return error instanceof KafkaError ? error : storageError(error)
}

function storageError(error: Error): KafkaError {
  return new KafkaError(Errors.KAFKA_STORAGE_ERROR, error.message)
}
