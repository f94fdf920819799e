/** `ottla ping`: asks a broker for its API versions. */
import {
  apiVersions,
  decodeResponse,
  decodeResponseHeader,
  encodeRequestFrame,
  FrameAssembler,
} from '../../protocol/index.ts'
import { nodeHost } from '../../src/host/node.ts'

const correlationId = 1
const version = 0
const answerBytesMax = 1 << 20
const software = { clientSoftwareName: 'ottla', clientSoftwareVersion: '0' }

export async function ping(options: { bootstrap: string; timeout: string }): Promise<void> {
  const host = nodeHost({ logger: { level: 'silent' } })
  const colon = options.bootstrap.lastIndexOf(':')
  const address = {
    host: options.bootstrap.slice(0, colon).replace(/^\[|\]$/g, '') || 'localhost',
    port: Number(options.bootstrap.slice(colon + 1)),
  }
  const cancel = host.clock.after(Number(options.timeout), () => {
    end(1, `no answer from ${options.bootstrap} within ${options.timeout} ms`)
  })
  try {
    const { stream } = await host.network.connect(address, Number(options.timeout))
    const assembler = new FrameAssembler(answerBytesMax)
    stream.on('error', error => end(1, error.message))
    stream.on('close', () => end(1, 'the connection was closed'))
    stream.on('data', (chunk: Buffer) => {
      for (const frame of assembler.push(chunk)) {
        const { bodyOffset } = decodeResponseHeader(apiVersions, version, frame)
        const { apiKeys } = decodeResponse(apiVersions, version, frame, bodyOffset)
        cancel()
        end(0, `${options.bootstrap} answers, ${apiKeys.length} APIs`)
      }
    })
    for (const chunk of encodeRequestFrame(apiVersions, version, correlationId, 'ottla-ping', software))
      stream.write(chunk)
  } catch (error) {
    end(1, (error as Error).message)
  }
}

function end(code: number, message: string): never {
  ;(code === 0 ? process.stdout : process.stderr).write(`${message}\n`)
  process.exit(code)
}
