// The nodes of the cluster under test: what they say of themselves, and stopping and starting them where that is possible.
import { control } from '../lib/control.mjs'
import { bootstrap, eventually } from '../lib/harness.mjs'
import { brokersUp, partitionsOf } from '../lib/wire.mjs'

/** Whether nodes can be stopped; without it (a foreign cluster given by --bootstrap) those tests are not run. */
export const controlled = Boolean(process.env.COMPAT_CONTROL)
export const nodes = controlled ? await control('/nodes') : []
export const controllers = nodes.map(({ controller }) => controller).join(',')
export const brokerIds = await brokersUp(bootstrap)

export const act = (action, id) => control(`/nodes/${id}/${action}`, 'POST')

/** Runs `during` while a node is out of service. It is back when this resolves. */
export async function without(id, during, action = 'stop') {
  await act(action, id)
  try {
    return await during()
  } finally {
    await act('start', id)
  }
}

/** The partitions of a topic, when `holds` is true of them all. */
export function partitionsWhen(topic, what, holds, timeoutMs = 20_000) {
  const probe = async () => {
    const partitions = await partitionsOf(bootstrap, topic).catch(() => null)
    return partitions?.every(holds) ? partitions : null
  }
  return eventually(probe, { timeoutMs, what: `${what} of ${topic}` })
}

export const inSync = topic =>
  partitionsWhen(topic, 'all replicas in sync', each => each.isr.length === each.replicas.length)
export const led = topic => partitionsWhen(topic, 'leaders', each => each.leader >= 0)
