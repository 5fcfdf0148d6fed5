"""A worker that is told to stop, ends.

In time and with the right code, whatever is down or frozen (bug 9 of Faust: it would hang).
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import Worker, wait_until

from voc_stream.embedded.postgres import Postgres
from voc_stream.embedded.processes.tcp_ports import LOOPBACK, free_port
from voc_stream.embedded.worker_pages import is_ready
from voc_stream.kafka.life.watchdog import EXIT_CODE

if TYPE_CHECKING:
    from collections.abc import Callable

    from apache_kafka import KafkaCluster
    from end_to_end.harness import Service

    StartService = Callable[..., Service]

CLEAN_SECONDS = 10.0
HUNG_SECONDS = 25.0


def terminated(service: Service, worker: Worker) -> tuple[int, float]:
    """Send SIGTERM and wait; the exit code and the seconds that it took."""
    service.workers.remove(worker)
    started = time.monotonic()
    os.kill(worker.child.pid, signal.SIGTERM)
    wait_until(lambda: not worker.is_running, HUNG_SECONDS + 10, worker.child.log_tail)
    code, seconds = worker.child.exit_code(), time.monotonic() - started
    print(f"ended with {code} after {seconds:.1f} s")  # noqa: T201  pytest shows it with a failure
    assert code is not None
    return code, seconds


def started(service: Service, number: int) -> list[Worker]:
    """So many workers, all of which take in events."""
    workers = [service.start_worker() for _ in range(number)]
    wait_until(lambda: all(ready(worker) for worker in workers), 60, service.worker_logs)
    return workers


def finish(service: Service) -> None:
    """Whatever happened to the workers, the next one makes the tables right."""
    service.send(simulated_messages(300, seed=8))
    service.start_worker()
    service.wait_until_caught_up()
    service.assert_tables_are_right()


def test_while_the_broker_is_frozen_or_gone(
    cluster: KafkaCluster, start_service: StartService
) -> None:
    """A frozen broker, a dead one, and a worker that still waits for it.

    Measured: 0 after 7.1 s, 0 after 1.8 s or 75 after 20 s, and 0 after 0.1 s. Before commits and
    leaving had deadlines, 75 after 25 s with the frozen broker and also with the dead one: aiokafka
    tried to commit until its coordinator would come back.
    """
    service = start_service(cluster)
    first, second = started(service, 2)
    service.send(simulated_messages(1_000))
    cluster.pause(1)
    code, seconds = terminated(service, first)
    cluster.resume(1)
    assert seconds < HUNG_SECONDS
    assert code in {0, EXIT_CODE}
    cluster.kill(1)
    code, seconds = terminated(service, second)
    # Dead in the middle of the rebalance that the first one's end causes, it leaves aiokafka
    # waiting, and the stop's deadline strikes.
    assert seconds < HUNG_SECONDS
    assert code in {0, EXIT_CODE}
    third = service.start_worker()
    wait_until(
        lambda: "waiting" in third.child.log_tail(), 30, "the third one waits for the broker"
    )
    code, seconds = terminated(service, third)
    assert (code, seconds < CLEAN_SECONDS) == (0, True), seconds
    cluster.start(1)
    cluster.wait_until_ready()
    finish(service)


@pytest.mark.chaos
def test_while_postgresql_is_frozen_or_gone(
    shared_cluster: KafkaCluster, start_service: StartService
) -> None:
    """A frozen PostgreSQL and a stopped one, under load.

    Measured: 75 after 20 s, when the stop's own deadline strikes, since the transaction that hangs
    has 25 s; and 0 after 1.2 s.
    """
    # Not pytest's own folder, which is closed to the user that the server runs as.
    with tempfile.TemporaryDirectory(prefix="voc-tests-", ignore_cleanup_errors=True) as name:
        with Postgres(Path(name), free_port()) as server:
            service = start_service(shared_cluster, database_url=server.url)
            first, second = started(service, 2)
            service.send(simulated_messages(1_000))
            signal_all(server, signal.SIGSTOP)
            code, seconds = terminated(service, first)
            signal_all(server, signal.SIGCONT)
            assert seconds < HUNG_SECONDS
            assert code in {0, EXIT_CODE}
        code, seconds = terminated(service, second)
        assert (code, seconds < CLEAN_SECONDS) == (0, True), seconds
        with Postgres(Path(name), server.port):
            finish(service)


def test_in_a_rebalance_and_under_load(
    shared_cluster: KafkaCluster, start_service: StartService
) -> None:
    """A second worker joins, and the first is told to stop while partitions are being assigned.

    Then the second, with much to do.

    Measured: 0 after 1.2 s and 1.1 s.
    """
    service = start_service(shared_cluster, partitions=8)
    [first] = started(service, 1)
    service.send(simulated_messages(5_000))
    second = service.start_worker()
    wait_until(lambda: not ready(first), 30, "the first one rebalances")
    code, seconds = terminated(service, first)
    assert (code, seconds < CLEAN_SECONDS) == (0, True), seconds
    wait_until(lambda: ready(second), 60, service.worker_logs)
    service.send(simulated_messages(5_000, seed=2))
    code, seconds = terminated(service, second)
    assert (code, seconds < CLEAN_SECONDS) == (0, True), seconds
    finish(service)


def signal_all(server: Postgres, number: signal.Signals) -> None:
    """To the server and all its sessions: the server first, so that it starts no further one."""
    process = psutil.Process(server.child.pid)
    for each in [process, *process.children(recursive=True)]:
        each.send_signal(number)


def ready(worker: Worker) -> bool:
    """Whether it takes in events."""
    return is_ready(f"http://{LOOPBACK}:{worker.settings.web_port}")
