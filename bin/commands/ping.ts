/** `ottla ping`: asks a broker for its API versions. Exits with 0 when it answers: for health checks. */
import { decodeResponse } from '../../protocol/compile.ts'
import { FrameAssembler } from '../../protocol/frame.ts'
import { decodeResponseHeader, encodeRequestFrame } from '../../protocol/header.ts'
import { apiVersions } from '../../protocol/messages/18-api-versions.ts'
import type { Endpoint, Host } from '../../src/host/host.ts'
import { quietHost } from '../../src/host/node-quiet.ts'
import { readConfiguration } from './configuration.ts'
import { fail } from './fail.ts'
import { packageVersion } from './version.ts'

const correlationId = 1
const version = 3
const answerBytesMax = 1 << 20

export interface PingOptions {
  readonly bootstrap?: string
  readonly timeout: string
  /** The first listener of a broker that was started with the same environment. */
  readonly env?: boolean
}

export async function ping(options: PingOptions): Promise<void> {
  const host = quietHost
  try {
    const endpoint = await endpointOf(options, host)
    const shown = `${endpoint.host}:${endpoint.port}`
    const timeoutMs = Number(options.timeout)
    const cancel = host.clock.after(timeoutMs, () => fail(`no answer from ${shown} within ${options.timeout} ms`))
    const apis = await ask(endpoint, timeoutMs, host)
    cancel()
    process.stdout.write(`${shown} answers, ${apis} APIs\n`)
    process.exit(0)
  } catch (error) {
    fail(error)
  }
}

async function endpointOf({ bootstrap, env }: PingOptions, host: Host): Promise<Endpoint> {
  if (bootstrap === undefined && env) {
    const [listener] = (await readConfiguration({ env }, host)).listeners
    const everywhere = ['', '0.0.0.0', '::'].includes(listener.host)
    return { host: everywhere ? 'localhost' : listener.host, port: listener.port }
  }
  const address = bootstrap ?? 'localhost:9092'
  const colon = address.lastIndexOf(':')
  return {
    host: address.slice(0, colon).replace(/^\[|\]$/g, '') || 'localhost',
    port: Number(address.slice(colon + 1)),
  }
}

/** How many APIs the broker has. */
async function ask(endpoint: Endpoint, timeoutMs: number, host: Host): Promise<number> {
  const clientSoftwareVersion = await packageVersion(host.disk)
  const { stream } = await host.network.connect(endpoint, timeoutMs)
  const assembler = new FrameAssembler(answerBytesMax)
  return new Promise((resolve, reject) => {
    stream.on('error', reject)
    stream.on('close', () => reject(new Error('the connection was closed')))
    stream.on('data', (chunk: Buffer) => {
      try {
        for (const frame of assembler.push(chunk)) {
          const { bodyOffset } = decodeResponseHeader(apiVersions, version, frame)
          resolve(decodeResponse(apiVersions, version, frame, bodyOffset).apiKeys.length)
        }
      } catch (error) {
        reject(error)
      }
    })
    const request = { clientSoftwareName: 'ottla', clientSoftwareVersion }
    for (const chunk of encodeRequestFrame(apiVersions, version, correlationId, 'ottla-ping', request)) {
      stream.write(chunk)
    }
  })
}
