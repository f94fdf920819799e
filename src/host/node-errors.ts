/** The operating system's errors in the terms of the host. */
import { DiskError, type DiskErrorCode } from './host.ts'

const codes: Readonly<Record<string, DiskErrorCode>> = {
  ENOENT: 'ENOENT',
  EEXIST: 'EEXIST',
  ENOTEMPTY: 'EEXIST',
  ENOSPC: 'ENOSPC',
  EDQUOT: 'ENOSPC',
  EIO: 'EIO',
  EROFS: 'EIO',
  EMFILE: 'EMFILE',
  ENFILE: 'EMFILE',
}

/** What the operating system said, as the only error that a disk throws. */
export function diskError(cause: NodeJS.ErrnoException, what: string): DiskError {
  return new DiskError(codes[cause.code ?? ''] ?? 'EOTHER', `${what}: ${cause.message}`, { cause })
}
