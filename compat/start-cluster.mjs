#!/usr/bin/env node
// A cluster in the foreground, until SIGTERM or SIGINT.
//
//   node compat/start-cluster.mjs --kind kafka                three combined nodes of Apache Kafka
//   node compat/start-cluster.mjs --kind ottla --nodes 5 --voters static --directory DIR KEY=VALUE ...
import { parseArgs } from 'node:util'
import { startCluster } from './lib/clusters.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kind: { type: 'string', default: 'ottla' },
    nodes: { type: 'string', default: '3' },
    voters: { type: 'string', default: 'dynamic' },
    directory: { type: 'string' },
    heap: { type: 'string', default: '256m' },
  },
})
const settings = Object.fromEntries(positionals.map(text => [text.split('=')[0], text.slice(text.indexOf('=') + 1)]))
const cluster = await startCluster({ ...values, nodes: Number(values.nodes), settings })
console.log(`brokers ${cluster.bootstrap} controllers ${cluster.bootstrapControllers} files ${cluster.directory}`)
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => cluster.stop().then(() => process.exit(0)))
