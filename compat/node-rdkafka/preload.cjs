// Keeps a race of node-rdkafka out of its own tests. Its consume loop polls for 1000 ms, and these tests let a fetch wait just
// as long. When the last poll before a disconnect is given the message that tells the end of the partition, that message is
// never freed, and librdkafka waits for it without end, on Apache Kafka as well (FINDINGS.md). With a fetch that waits a
// little longer than the poll, the poll ends first.
const kafka = require(`${process.cwd()}/`)

kafka.KafkaConsumer = new Proxy(kafka.KafkaConsumer, {
  construct(target, [settings, ...rest], newTarget) {
    const waits = settings['fetch.wait.max.ms'] === 1000
    return Reflect.construct(
      target,
      [waits ? { ...settings, 'fetch.wait.max.ms': 1100 } : settings, ...rest],
      newTarget,
    )
  },
})
