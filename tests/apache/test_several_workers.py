"""Workers that share a group.

Joining, leaving, dying, replaced one after the other, while events flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from apache.flow import Flow
from end_to_end.harness import chance

from voc_stream.embedded.processes.tcp_ports import LOOPBACK
from voc_stream.embedded.worker_pages import is_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from apache_kafka import KafkaCluster
    from end_to_end.harness import Service, Worker

    StartService = Callable[..., Service]

SESSION_TIMEOUT_SECONDS = 6


def ready(worker: Worker) -> bool:
    """Whether it takes in events."""
    return is_ready(f"http://{LOOPBACK}:{worker.settings.web_port}")


def wait_until_all_are_ready(service: Service) -> None:
    service.wait_until(lambda: all(map(ready, service.workers)), 60, "all workers are ready")


@pytest.mark.slow
@pytest.mark.parametrize("partitions", [8, pytest.param(32, marks=pytest.mark.chaos)])
def test_one_two_and_four_workers_join_and_leave(
    shared_cluster: KafkaCluster, start_service: StartService, partitions: int
) -> None:
    """From one worker to two and four and back, cleanly and by kill -9, while events flow.

    All tables equal the oracle's.

    Measured on two cores: no partition stood still for longer than 7.7 s, of which 6 are the
    session of the killed worker.
    """
    random = chance()
    service = start_service(shared_cluster, partitions=partitions)
    service.start_worker()
    with Flow(service) as flow:
        service.wait_for_progress(200)
        service.start_worker()
        wait_until_all_are_ready(service)
        service.start_worker()
        service.start_worker()
        wait_until_all_are_ready(service)
        service.wait_for_progress(service.progress() + 1_000)
        assert all(worker.metric("voc_batch_events_count") > 0 for worker in service.workers), (
            "each takes its share"
        )
        service.kill_worker(random.choice(service.workers))
        service.stop_worker(random.choice(service.workers))
        service.wait_for_progress(service.progress() + 500)
        service.kill_worker(random.choice(service.workers))
        service.wait_for_progress(service.progress() + 500)
    service.wait_until_caught_up()
    print(f"longest stall of a partition: {flow.longest_stall_seconds:.1f} s")  # noqa: T201  pytest shows it where asked
    service.assert_tables_are_right()


@pytest.mark.slow
def test_rolling_upgrade(shared_cluster: KafkaCluster, start_service: StartService) -> None:
    """Workers stopped and replaced one after the other.

    No partition stands still for longer than the session timeout and five seconds.

    Measured on two cores, with broker, database and load beside it: 1.6 s.
    """
    service = start_service(shared_cluster, partitions=8)
    for _ in range(2):
        service.start_worker()
    wait_until_all_are_ready(service)
    with Flow(service) as flow:
        service.wait_for_progress(200)
        for worker in list(service.workers):
            service.stop_worker(worker)
            service.start_worker()
            wait_until_all_are_ready(service)
            service.wait_for_progress(service.progress() + 200)
    service.wait_until_caught_up()
    print(f"longest stall of a partition: {flow.longest_stall_seconds:.1f} s")  # noqa: T201  pytest shows it where asked
    assert flow.looks > 5
    assert flow.longest_stall_seconds < SESSION_TIMEOUT_SECONDS + 5
    service.assert_tables_are_right()
