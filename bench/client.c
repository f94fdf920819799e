/*
 * The benchmark's load: a C client on librdkafka, so that the client is never what is measured.
 *
 *   client produce BOOTSTRAP TOPIC PARTITIONS RECORD_BYTES RECORDS [key=value ...]
 *   client consume BOOTSTRAP TOPIC PARTITIONS RECORDS             [key=value ...]
 *   client latency BOOTSTRAP TOPIC RATE_PER_SECOND RECORD_BYTES SECONDS [key=value ...]
 *
 * key=value are librdkafka properties. Each prints one JSON line. `latency` is open loop: records carry the time at which
 * they were due, so a stall of the broker is counted for every record that it holds up.
 */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static rd_kafka_conf_t *configure(const char *bootstrap, int argc, char **argv, int from) {
  char why[512];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  if (rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, why, sizeof why)) die("bootstrap.servers", why);
  for (int i = from; i < argc; i++) {
    char *equals = strchr(argv[i], '=');
    if (!equals) die(argv[i], "not key=value");
    *equals = 0;
    if (rd_kafka_conf_set(conf, argv[i], equals + 1, why, sizeof why)) die(argv[i], why);
  }
  return conf;
}

static rd_kafka_t *create(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
  char why[512];
  rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof why);
  if (!client) die("client", why);
  return client;
}

static int64_t acknowledged, failed;

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
  (void)client;
  (void)opaque;
  if (message->err) {
    if (failed++ == 0) fprintf(stderr, "delivery: %s\n", rd_kafka_err2str(message->err));
  } else {
    acknowledged++;
  }
}

static int produce(int argc, char **argv) {
  if (argc < 7) die("produce", "too few arguments");
  int partitions = atoi(argv[4]);
  size_t size = strtoul(argv[5], NULL, 10);
  int64_t count = atoll(argv[6]);
  rd_kafka_conf_t *conf = configure(argv[2], argc, argv, 7);
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  rd_kafka_t *client = create(RD_KAFKA_PRODUCER, conf);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(client, argv[3], NULL);
  /* Not compressible by chance: bytes from a small generator. */
  char *payload = malloc(size);
  uint32_t seed = 1;
  for (size_t i = 0; i < size; i++) payload[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
  int64_t start = now_ns();
  for (int64_t i = 0; i < count; i++) {
    while (rd_kafka_produce(topic, (int32_t)(i % partitions), 0, payload, size, NULL, 0, NULL) == -1) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) die("produce", rd_kafka_err2str(rd_kafka_last_error()));
      rd_kafka_poll(client, 10);
    }
    if ((i & 1023) == 0) rd_kafka_poll(client, 0);
  }
  while (rd_kafka_outq_len(client) > 0) rd_kafka_poll(client, 100);
  double seconds = (double)(now_ns() - start) / 1e9;
  printf("{\"records\":%" PRId64 ",\"failed\":%" PRId64 ",\"seconds\":%.3f,\"recordsPerSecond\":%.0f,\"mbPerSecond\":%.1f}\n",
         acknowledged, failed, seconds, (double)acknowledged / seconds, (double)acknowledged * (double)size / seconds / 1e6);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(client);
  return failed > 0;
}

static rd_kafka_t *consumer(rd_kafka_conf_t *conf, const char *topic, int partitions, int64_t offset) {
  char why[512];
  rd_kafka_conf_set(conf, "group.id", "bench", why, sizeof why);
  rd_kafka_conf_set(conf, "enable.auto.commit", "false", why, sizeof why);
  rd_kafka_t *client = create(RD_KAFKA_CONSUMER, conf);
  rd_kafka_poll_set_consumer(client);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
  for (int p = 0; p < partitions; p++) rd_kafka_topic_partition_list_add(list, topic, p)->offset = offset;
  if (rd_kafka_assign(client, list)) die("assign", "refused");
  rd_kafka_topic_partition_list_destroy(list);
  return client;
}

static int consume(int argc, char **argv) {
  if (argc < 6) die("consume", "too few arguments");
  int partitions = atoi(argv[4]);
  int64_t count = atoll(argv[5]);
  rd_kafka_t *client = consumer(configure(argv[2], argc, argv, 6), argv[3], partitions, RD_KAFKA_OFFSET_BEGINNING);
  rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client);
  rd_kafka_message_t *messages[1000];
  int64_t seen = 0, bytes = 0, start = 0, last = now_ns();
  while (seen < count) {
    ssize_t n = rd_kafka_consume_batch_queue(queue, 1000, messages, 1000);
    for (ssize_t i = 0; i < n; i++) {
      if (!messages[i]->err) {
        /* The clock starts with the first record: joining and metadata are not throughput. */
        if (start == 0) start = now_ns();
        seen++;
        bytes += (int64_t)messages[i]->len;
        last = now_ns();
      }
      rd_kafka_message_destroy(messages[i]);
    }
    if (now_ns() - last > 30000000000LL) die("consume", "nothing for 30 s");
  }
  double seconds = (double)(now_ns() - start) / 1e9;
  printf("{\"records\":%" PRId64 ",\"seconds\":%.3f,\"recordsPerSecond\":%.0f,\"mbPerSecond\":%.1f}\n", seen, seconds,
         (double)seen / seconds, (double)bytes / seconds / 1e6);
  rd_kafka_queue_destroy(queue);
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
  return 0;
}

struct pace {
  rd_kafka_t *client;
  rd_kafka_topic_t *topic;
  int64_t count, interval_ns;
  size_t size;
};

static void *send_paced(void *argument) {
  struct pace *pace = argument;
  char *payload = calloc(1, pace->size);
  int64_t start = now_ns();
  for (int64_t i = 0; i < pace->count; i++) {
    int64_t due = start + i * pace->interval_ns, wait;
    while ((wait = due - now_ns()) > 0) {
      struct timespec t = {0, wait < 200000 ? wait : 200000};
      nanosleep(&t, NULL);
      rd_kafka_poll(pace->client, 0);
    }
    memcpy(payload, &due, sizeof due);
    while (rd_kafka_produce(pace->topic, 0, RD_KAFKA_MSG_F_COPY, payload, pace->size, NULL, 0, NULL) == -1)
      rd_kafka_poll(pace->client, 1);
  }
  while (rd_kafka_outq_len(pace->client) > 0) rd_kafka_poll(pace->client, 10);
  free(payload);
  return NULL;
}

static int by_value(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static int latency(int argc, char **argv) {
  if (argc < 7) die("latency", "too few arguments");
  int rate = atoi(argv[4]);
  struct pace pace = {.size = strtoul(argv[5], NULL, 10), .count = (int64_t)rate * atoi(argv[6]), .interval_ns = 1000000000LL / rate};
  if (pace.size < sizeof(int64_t)) die("latency", "records of at least 8 bytes");
  rd_kafka_t *reader = consumer(configure(argv[2], 0, argv, 0), argv[3], 1, RD_KAFKA_OFFSET_END);
  rd_kafka_message_t *first = rd_kafka_consumer_poll(reader, 2000);
  if (first) rd_kafka_message_destroy(first);
  rd_kafka_conf_t *conf = configure(argv[2], argc, argv, 7);
  char why[512];
  rd_kafka_conf_set(conf, "linger.ms", "0", why, sizeof why);
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  pace.client = create(RD_KAFKA_PRODUCER, conf);
  pace.topic = rd_kafka_topic_new(pace.client, argv[3], NULL);
  int64_t *latencies = calloc((size_t)pace.count, sizeof(int64_t)), seen = 0, last = now_ns();
  pthread_t thread;
  pthread_create(&thread, NULL, send_paced, &pace);
  while (seen < pace.count) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 1000);
    if (message && !message->err && message->len >= sizeof(int64_t)) {
      int64_t due;
      memcpy(&due, message->payload, sizeof due);
      last = now_ns();
      latencies[seen++] = last - due;
    }
    if (message) rd_kafka_message_destroy(message);
    if (now_ns() - last > 30000000000LL) die("latency", "nothing for 30 s");
  }
  pthread_join(thread, NULL);
  qsort(latencies, (size_t)seen, sizeof(int64_t), by_value);
#define AT(q) ((double)latencies[(int64_t)((double)(seen - 1) * (q))] / 1e6)
  printf("{\"records\":%" PRId64 ",\"rate\":%d,\"p50Ms\":%.2f,\"p99Ms\":%.2f,\"p999Ms\":%.2f,\"maxMs\":%.2f}\n", seen, rate,
         AT(0.5), AT(0.99), AT(0.999), AT(1.0));
  rd_kafka_topic_destroy(pace.topic);
  rd_kafka_destroy(pace.client);
  rd_kafka_consumer_close(reader);
  rd_kafka_destroy(reader);
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "produce")) return produce(argc, argv);
  if (argc > 1 && !strcmp(argv[1], "consume")) return consume(argc, argv);
  if (argc > 1 && !strcmp(argv[1], "latency")) return latency(argc, argv);
  die("usage", "client produce|consume|latency BOOTSTRAP TOPIC ...");
}
