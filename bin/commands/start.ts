/** `ottla start`: runs a broker until SIGTERM or SIGINT. */
import { Broker } from '../../src/broker.ts'
import { ConfigError } from '../../src/config/broker.ts'
import { type LogLevel, nodeHost } from '../../src/host/node.ts'
import { type ConfigurationOptions, readConfiguration } from './configuration.ts'

export interface StartOptions extends ConfigurationOptions {
  readonly logLevel: string
}

export async function start(options: StartOptions): Promise<void> {
  const host = nodeHost({ logger: { level: options.logLevel as LogLevel } })
  let broker: Broker
  try {
    const config = await readConfiguration(options, host)
    broker = await Broker.start(config, host)
  } catch (error) {
    if (error instanceof ConfigError) process.stderr.write(`${error.message}\n`)
    else host.log.error({ err: error }, `cannot start: ${(error as Error).message}`)
    process.exit(1)
  }
  const [listener] = broker.listeners
  process.stdout.write(
    `ottla ready on ${listener.advertisedHost}:${listener.advertisedPort} ` +
      `(node ${broker.nodeId}, cluster ${broker.clusterId})\n`,
  )
  stopOnSignals(broker, host.log)
  broker.whenFailed(failure => {
    host.log.error({ err: failure }, 'no log directory is left: stopping')
    process.exit(1)
  })
}

/** The first signal closes cleanly; a second one doesn't wait. */
function stopOnSignals(broker: Broker, log: { info(fields: object, message: string): void }): void {
  let stopping = false
  const stop = (signal: string) => {
    if (stopping) process.exit(1)
    stopping = true
    log.info({ signal }, 'stopping')
    broker.close().then(
      () => process.exit(0),
      error => {
        process.stderr.write(`stopping failed: ${(error as Error).message}\n`)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))
}
