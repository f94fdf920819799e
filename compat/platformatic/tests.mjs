// @platformatic/kafka against a broker: entry point. The tests stand in the files beside this one.
import './admin.mjs'
import './consumer.mjs'
import './groups.mjs'
import './producer.mjs'
import './transactions.mjs'
import { runAll } from '../lib/harness.mjs'
import { closeAll } from './client.mjs'

await runAll(closeAll, 4)
