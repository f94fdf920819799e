"""The bank's clients that are librdkafka: `teller`, `copier`, and `reader`, which reads the ledger as it grows."""
import json
import random
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

role, options = sys.argv[1], json.loads(sys.argv[2])
stopping = threading.Event()
common = {
    'bootstrap.servers': options['servers'],
    'socket.connection.setup.timeout.ms': 1000,
    'reconnect.backoff.max.ms': 500,
    'retry.backoff.ms': 50,
    'socket.timeout.ms': 5000,
    'topic.metadata.refresh.interval.ms': 2000,
}
abort_one_in = 6


def tell(**line):
    line['time'] = time.clock_gettime_ns(time.CLOCK_MONOTONIC) / 1e6
    sys.stdout.write(json.dumps(line) + '\n')
    sys.stdout.flush()


def pause():
    time.sleep(random.random() * 2 * options['pauseMs'] / 1000)


class Retired(Exception):
    """The producer is of no use any more."""


def insist(run):
    """Again while librdkafka says that this may help. True when done, False when the transaction has to be aborted."""
    while True:
        try:
            run()
            return True
        except KafkaException as failure:
            error = failure.args[0]
            tell(what='trouble', error=error.str())
            if error.retriable():
                time.sleep(0.1)
            elif error.txn_requires_abort():
                return False
            else:
                raise Retired() from failure


def new_producer():
    producer = Producer({
        **common,
        'transactional.id': options['name'],
        'transaction.timeout.ms': 10000,
        'message.timeout.ms': 9000,
        'linger.ms': 2,
    })
    insist(lambda: producer.init_transactions(30))
    return producer


def leg(producer, id, account, delta):
    value = json.dumps({'id': id, 'account': account, 'delta': delta})
    partition = account % options['ledgerPartitions']
    producer.produce(options['ledger'], value.encode(), str(account).encode(), partition)


def carry_out(producer, transfer, offset=None):
    """One transaction. True when it is committed, False when aborted; throws Retired."""
    id, amount = transfer['id'], transfer['amount']
    tell(what='begin', **transfer)
    asked = False
    try:
        producer.begin_transaction()
        leg(producer, id, transfer['from'], -amount)
        leg(producer, id, transfer['to'], amount)
        fine = True
        if offset:
            consumer, place = offset
            fine = insist(lambda: producer.send_offsets_to_transaction([place], consumer.consumer_group_metadata(), 5))
        if fine and random.randrange(abort_one_in) > 0:
            tell(what='committing', id=id)
            asked = True
            if insist(lambda: producer.commit_transaction(5)):
                tell(what='end', id=id, outcome='committed')
                return True
        if not insist(lambda: producer.abort_transaction(5)):
            raise Retired()
        tell(what='end', id=id, outcome='aborted')
        return False
    except (KafkaException, Retired) as failure:
        tell(what='end', id=id, outcome='unknown' if asked else 'aborted')
        raise Retired() from failure


def teller():
    number = 0
    while not stopping.is_set():
        try:
            producer = new_producer()
            while not stopping.is_set():
                source = random.randrange(options['accounts'])
                target = (source + 1 + random.randrange(options['accounts'] - 1)) % options['accounts']
                id = f"{options['name']}.{options['life']}.{number}"
                number += 1
                carry_out(producer, {'id': id, 'from': source, 'to': target, 'amount': random.randint(1, 100)})
                pause()
        except Retired:
            time.sleep(0.2)


def copier():
    topic = options['orders'][0]
    while not stopping.is_set():
        consumer = None
        try:
            producer = new_producer()
            consumer = Consumer({**common, 'group.id': options['name'], 'enable.auto.commit': False,
                                 'isolation.level': 'read_committed', 'auto.offset.reset': 'earliest',
                                 'fetch.wait.max.ms': 200})
            [place] = consumer.committed([TopicPartition(topic, 0)], 10)
            if place.error:
                raise KafkaException(place.error)
            expected = max(0, place.offset)
            consumer.assign([TopicPartition(topic, 0, expected)])
            while not stopping.is_set():
                message = consumer.poll(0.2)
                if message is None:
                    continue
                if message.error():
                    tell(what='trouble', error=message.error().str())
                    continue
                # Orders have no gaps. A client that starts again from the beginning is not believed.
                if message.offset() != expected:
                    raise Retired()
                order = json.loads(message.value())
                expected += 1
                while not carry_out(producer, order, (consumer, TopicPartition(topic, 0, expected))):
                    pause()
        except (Retired, KafkaException):
            time.sleep(0.2)
        finally:
            if consumer:
                consumer.close()


def reader():
    consumer = Consumer({**common, 'group.id': options['name'], 'enable.auto.commit': False,
                         'isolation.level': 'read_committed', 'auto.offset.reset': 'earliest',
                         'fetch.wait.max.ms': 200})
    consumer.assign([TopicPartition(options['ledger'], index, 0) for index in range(options['ledgerPartitions'])])
    while not stopping.is_set():
        messages = consumer.consume(500, 0.2)
        good = [one for one in messages if not one.error()]
        if good:
            tell(what='read', records=[[one.partition(), one.offset(), json.loads(one.value())] for one in good])
    consumer.close()


work = threading.Thread(target={'teller': teller, 'copier': copier, 'reader': reader}[role])
work.start()
sys.stdin.readline()
stopping.set()
work.join()
