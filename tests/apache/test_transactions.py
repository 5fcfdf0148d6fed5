"""Producers that write in transactions.

What was aborted never counts, and a log that ends with a marker is read to its end.
"""

from __future__ import annotations

import time
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from end_to_end.call_centre import simulated_messages
from end_to_end.harness import MAXIMUM_REQUEST_BYTES, wait_until
from kafka import KafkaProducer

from voc_stream.embedded.processes.tcp_ports import LOOPBACK
from voc_stream.events.topics import INPUTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from apache_kafka import KafkaCluster
    from end_to_end.harness import Service

    from voc_stream.simulator.delivery.message import SimulatedMessage

    StartService = Callable[..., Service]

STALL_TIMEOUT_SECONDS = 10


def transactional_producer(service: Service) -> Any:
    """A producer inside a transaction that it still has to end."""
    producer = KafkaProducer(
        bootstrap_servers=service.settings.kafka_bootstrap,
        transactional_id=uuid4().hex,
        transaction_timeout_ms=60_000,
        max_request_size=MAXIMUM_REQUEST_BYTES,
    )
    producer.init_transactions()
    producer.begin_transaction()
    return producer


def send(producer: Any, service: Service, messages: Iterable[SimulatedMessage]) -> None:
    for each in messages:
        producer.send(service.settings.topic_prefix + each.topic, value=each.value, key=each.key)
    producer.flush()


def commit(service: Service, messages: Sequence[SimulatedMessage]) -> None:
    with closing(transactional_producer(service)) as producer:
        send(producer, service, messages)
        producer.commit_transaction()
    service.sent += [each.value for each in messages]


def abort(service: Service, messages: Sequence[SimulatedMessage]) -> None:
    """Write the messages, so that the log has them, and take them back."""
    with closing(transactional_producer(service)) as producer:
        send(producer, service, messages)
        producer.abort_transaction()


def is_ready(service: Service) -> bool:
    [worker] = service.workers
    with urllib.request.urlopen(
        f"http://{LOOPBACK}:{worker.settings.web_port}/readyz", timeout=5
    ) as answer:
        return bool(answer.status == 200)


def test_aborted_messages_never_count_and_markers_do_not_look_like_lag(
    shared_cluster: KafkaCluster, start_service: StartService
) -> None:
    """Committed, aborted and plain messages in turn.

    Tables of the committed and plain ones, no lag, and a worker that is ready.

    Seen before the consumer read only what is committed and moved its position past the markers.
    Each partition kept a lag of 1. The watchdog took that for a stall ("10 messages wait"), and
    ended the worker again and again.
    """
    service = start_service(shared_cluster)
    worker = service.start_worker()
    committed, plain, late, aborted = (simulated_messages(1_000, seed) for seed in range(4))
    abort(service, aborted[:300])
    commit(service, committed)
    service.send(plain)
    abort(service, aborted[300:])
    commit(service, late)
    service.wait_until_caught_up()
    abort(service, aborted)  # at the end of the log there is nothing to read
    service.wait_until_caught_up()
    wait_until(lambda: worker.metric("voc_consumer_lag_events") == 0, 10, "the worker has no lag")
    assert "waiting" in (status := service.command("status"))
    assert all(
        line.split()[2:4] == [line.split()[2], "0"]
        for line in status.splitlines()
        if service.settings.topic_prefix in line
    ), status
    assert is_ready(service)
    service.stop_worker(worker)
    worker = service.start_worker()  # and one that begins at a marker
    service.send(simulated_messages(200, seed=9))
    service.wait_until_caught_up()
    service.assert_tables_are_right()


def test_an_open_transaction_holds_up_nothing_but_itself(
    shared_cluster: KafkaCluster, start_service: StartService
) -> None:
    """While a transaction stays open past the stall limit, its worker neither counts it nor ends.

    Once committed, it counts.
    """
    service = start_service(shared_cluster, stall_timeout_seconds=STALL_TIMEOUT_SECONDS)
    worker = service.start_worker()
    messages = simulated_messages(600)
    service.send(messages[:300])
    service.wait_until_caught_up()
    [(before,)] = service.query("SELECT count(*) FROM touchpoint_event")
    with closing(transactional_producer(service)) as producer:
        send(producer, service, messages[300:])
        opened = time.monotonic()
        wait_until(
            lambda: time.monotonic() - opened > STALL_TIMEOUT_SECONDS + 3,
            60,
            "the watchdog's time is over",
        )
        assert worker.is_running, service.worker_logs()
        assert is_ready(service)
        assert worker.metric("voc_consumer_lag_events") == 0
        assert service.query("SELECT count(*) FROM touchpoint_event") == [(before,)]
        producer.commit_transaction()
    service.sent += [each.value for each in messages[300:]]
    service.wait_until_caught_up()
    service.assert_tables_are_right()


def test_a_worker_that_starts_while_a_transaction_is_open(
    shared_cluster: KafkaCluster, start_service: StartService
) -> None:
    """It begins before what is open, and takes it in once it is committed."""
    service = start_service(shared_cluster)
    messages = simulated_messages(300)
    with closing(transactional_producer(service)) as producer:
        send(producer, service, messages)
        service.start_worker()
        wait_until(
            lambda: len(service.positions()) == 2 * len(INPUTS), 60, "the worker has its positions"
        )
        assert service.progress() == 0
        producer.commit_transaction()
    service.sent += [each.value for each in messages]
    service.wait_until_caught_up()
    service.assert_tables_are_right()
