/** Standard output and error of this process, at the pace of whoever reads them. */
import { Output } from '../../src/cli/output.ts'

export function standardOutput(): Output {
  // Whoever reads has seen enough (`| head`): that is no failure.
  process.stdout.on('error', error => {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0)
    throw error
  })
  return new Output(
    text => written(process.stdout, text),
    text => written(process.stderr, text),
  )
}

function written(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise(resolve => {
    stream.write(text, () => resolve())
  })
}
