// Three brokers under Apache Kafka's tools, and under clients while brokers stop. See README.md.
import { runAll } from '../lib/harness.mjs'
import './admin.mjs'
import './clients.mjs'
import { closeTools } from './tools.mjs'

await runAll(closeTools)
