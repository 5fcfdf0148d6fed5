"""R6: brokers die.

One of three under load, the group's coordinator, and all at once in the midst of a rebalance.

VOC_TEST_COORDINATOR_SECONDS is how long all stay away (20): longer than the session timeout of 6 s,
and with the time of coming back longer than the rebalance timeout of 24 s, so every member is
thrown out. 120 is the full length: longer than Faust's request timeout, 90 s.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from apache_kafka import KafkaCluster
from chaos.load import Load
from chaos.recovery import Recovery, note
from chaos.service import ChaosService, hold_for
from chaos.snapshots import Snapshots
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance, from_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.settings import Settings

OUTAGE_SECONDS = from_environment("VOC_TEST_COORDINATOR_SECONDS", 20)
LIMIT_SECONDS = 180.0
EVENTS = 4_000
EVENTS_PER_SECOND = 100.0

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def three_brokers() -> Iterator[KafkaCluster]:
    """A cluster in which each broker may die."""
    with (
        tempfile.TemporaryDirectory(prefix="voc-chaos-", ignore_cleanup_errors=True) as folder,
        KafkaCluster(Path(folder), 3) as cluster,
    ):
        yield cluster


@pytest.fixture
def service(
    three_brokers: KafkaCluster, chaos_settings: Settings, tmp_path: Path
) -> Iterator[ChaosService]:
    """A service whose topics have three copies."""
    settings = replace(
        chaos_settings, kafka_bootstrap=three_brokers.bootstrap, replication_factor=3
    )
    with ChaosService(settings, tmp_path) as running:
        yield running


def test_coordinator_killed(three_brokers: KafkaCluster, service: ChaosService) -> None:
    """The broker that keeps the group dies under load and comes back later.

    The workers find the new one by themselves.
    """
    random = chance()
    workers = [service.start_worker(), service.start_worker()]
    with Snapshots(service) as snapshots:
        with Load(
            service, simulated_messages(EVENTS, seed=random.randrange(2**32)), EVENTS_PER_SECOND
        ):
            service.wait_until_ready(workers)
            coordinator = service.coordinator()
            three_brokers.kill(coordinator)
            killed_at = time.monotonic()
            seconds = service.seconds_to_full_service(killed_at)
            three_brokers.start(coordinator)
            three_brokers.wait_until_ready()
        service.wait_until_caught_up()
        snapshots.assert_each_is_right()
        service.assert_everything_holds()
    note(
        Recovery(
            "R6",
            "coordinator's broker killed",
            "kill -9 of one broker of three under load, two workers",
            "every snapshot; a worker that ended asked to be started again",
            seconds,
        )
    )


def test_all_brokers_away_during_a_rebalance(
    three_brokers: KafkaCluster, service: ChaosService
) -> None:
    """No coordinator for long, from the midst of a rebalance on.

    Afterwards all is consumed again, with a new worker process if need be.
    """
    random = chance()
    messages = simulated_messages(EVENTS, seed=random.randrange(2**32))
    half = len(messages) // 2
    with Snapshots(service) as snapshots:
        first = service.start_worker()
        service.wait_until_ready([first])
        service.send(messages[:half])
        second = service.start_worker()
        service.wait_until(
            lambda: not first.is_ready() or second.is_ready(), 30, "a rebalance begins"
        )
        for number in three_brokers.brokers:
            three_brokers.kill(number)
        hold_for(OUTAGE_SECONDS)
        for number in three_brokers.brokers:
            three_brokers.start(number)
        three_brokers.wait_until_ready()
        back_at = time.monotonic()
        service.send(messages[half:])
        seconds = service.seconds_until_in(service.log_ends(), back_at, LIMIT_SECONDS)
        snapshots.wait_for_one()
        snapshots.assert_each_is_right()
        service.assert_everything_holds()
    note(
        Recovery(
            "R6",
            "all brokers away during a rebalance",
            f"kill -9 of all three for {OUTAGE_SECONDS} s while a second worker joins",
            f"every snapshot; again within {LIMIT_SECONDS:.0f} s; who ended asked to be started"
            f" again",
            seconds,
        )
    )
