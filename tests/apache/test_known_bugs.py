"""Bugs of Faust and aiokafka that let a consumer live on and do nothing.

Whether they are there, and that our worker survives them.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.client import AIOKafkaClient
from end_to_end.harness import wait_until
from fakes import MemoryChores, MemorySink
from kafka import KafkaAdminClient, KafkaProducer
from kafka_worker import produce, settings_for, started_workers

from voc_stream.embedded.processes.child import Child
from voc_stream.kafka.life.watchdog import reason_to_end
from voc_stream.kafka.positions.ledger import Ledger
from voc_stream.kafka.topics import ensure_topics
from voc_stream.kafka.worker import consumer as transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apache_kafka import KafkaCluster

    from voc_stream.settings import Settings

    StartPlain = Callable[..., "Plain"]

USUAL_MAX_POLL_INTERVAL_SECONDS = 1000
IDLE_SECONDS = 6
# As the plain app has it: `broker_session_timeout`.
SESSION_TIMEOUT_SECONDS = 3
APP = Path(__file__).with_name("plain_faust.py")


class Plain:
    """A process of the plain app, and what it has written."""

    def __init__(
        self,
        folder: Path,
        bootstrap: str,
        topic: str,
        max_poll_interval_seconds: float,
        *,
        holds: bool,
    ) -> None:
        folder.mkdir()
        self.folder = folder
        arguments = [
            bootstrap,
            topic,
            f"{topic}-group",
            str(folder),
            str(max_poll_interval_seconds),
            "holds" if holds else "-",
        ]
        self.child = Child("plain Faust", [sys.executable, str(APP), *arguments], folder / "log")

    @property
    def assigned(self) -> int | None:
        """How many partitions it was last given; None before the first time."""
        path = self.folder / "assigned"
        return int(path.read_text() or 0) if path.exists() else None

    @property
    def values(self) -> list[str]:
        """What it was given to process."""
        path = self.folder / "values"
        return path.read_text().split() if path.exists() else []

    def log(self) -> str:
        """What it has said so far."""
        return (self.folder / "log").read_text(errors="replace")


@pytest.fixture
def start_plain(tmp_path: Path) -> Iterator[StartPlain]:
    """Start processes of the plain app; all are killed afterwards."""
    started: list[Plain] = []

    def start(
        bootstrap: str,
        topic: str,
        max_poll_interval_seconds: float = USUAL_MAX_POLL_INTERVAL_SECONDS,
        *,
        holds: bool = False,
    ) -> Plain:
        started.append(
            Plain(
                tmp_path / f"plain-{len(started)}",
                bootstrap,
                topic,
                max_poll_interval_seconds,
                holds=holds,
            )
        )
        return started[-1]

    yield start
    for plain in started:
        plain.child.stop(0)


def create_topic(bootstrap: str, topic: str, partitions: int) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1}})


def send(bootstrap: str, topic: str, *values: str) -> None:
    with closing(KafkaProducer(bootstrap_servers=bootstrap)) as producer:
        for value in values:
            producer.send(topic, value=value.encode(), partition=0)
        producer.flush(timeout=30)


def pass_time(seconds: float) -> None:
    """Where the rule is that nothing happens for so long."""
    started = time.monotonic()
    wait_until(lambda: time.monotonic() - started >= seconds, seconds + 5, "time passes")


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("max_poll_interval_seconds", "takes_over"),
    [(USUAL_MAX_POLL_INTERVAL_SECONDS, True), (4, False)],
)
def test_bug_1_a_plain_standby_that_idles_longer_than_the_poll_interval_never_takes_over(
    shared_cluster: KafkaCluster,
    topic_prefix: str,
    start_plain: StartPlain,
    max_poll_interval_seconds: float,
    takes_over: bool,
) -> None:
    """The bug is there.

    A member without partitions leaves the group after `max_poll_interval` and is not let back,
    though it is needed.

    Seen on Apache Kafka 4.4.0 with aiokafka 0.14.0: "LeaveGroup request succeeded", then "Revoking
    previously assigned partitions", and nothing more, for as long as the process lives. With an
    interval that is not reached, the same standby takes over.
    """
    bootstrap = shared_cluster.bootstrap
    topic = f"{topic_prefix}plain"
    create_topic(bootstrap, topic, partitions=1)
    first = start_plain(bootstrap, topic, max_poll_interval_seconds)
    wait_until(lambda: first.assigned == 1, 30, first.log)
    second = start_plain(bootstrap, topic, max_poll_interval_seconds)
    wait_until(lambda: {first.assigned, second.assigned} == {0, 1}, 30, second.log)
    pass_time(IDLE_SECONDS)
    active, standby = (first, second) if first.assigned else (second, first)
    active.child.stop(0)
    send(bootstrap, topic, "after")
    if takes_over:
        wait_until(lambda: standby.values == ["after"], SESSION_TIMEOUT_SECONDS + 10, standby.log)
    else:
        pass_time(SESSION_TIMEOUT_SECONDS + 5)
        assert standby.values == []
    assert standby.child.exit_code() is None


@pytest.mark.chaos
@pytest.mark.parametrize(("frozen_seconds", "goes_on"), [(2, True), (8, False)])
def test_bug_2_plain_faust_never_consumes_again_when_a_seek_outlasts_the_request_timeout(
    cluster: KafkaCluster,
    topic_prefix: str,
    start_plain: StartPlain,
    frozen_seconds: float,
    goes_on: bool,
) -> None:
    """The bug is there.

    The group gives the partition back, the process lives on, and nothing is ever read again.

    Seen on Apache Kafka 4.4.0 with faust-streaming 0.15.3, where a broker was frozen just before
    the seek: after it went on, a new generation, "Executing _on_partitions_assigned", and never
    again "Seek stream partitions" or "Worker ready". A freeze that is shorter than the request
    timeout (5 s here, 90 s as it comes) does no harm.
    """
    topic = f"{topic_prefix}plain"
    create_topic(cluster.bootstrap, topic, partitions=1)
    plain = start_plain(cluster.bootstrap, topic, holds=True)
    wait_until(lambda: plain.assigned == 1, 30, plain.log)
    cluster.pause(1)
    (plain.folder / "go-on").touch()
    pass_time(frozen_seconds)
    cluster.resume(1)
    cluster.wait_until_ready()
    send(cluster.bootstrap, topic, "after")
    if goes_on:
        wait_until(lambda: plain.values == ["after"], 20, plain.log)
    else:
        wait_until(
            lambda: plain.log().count("Executing _on_partitions_assigned") >= 2, 20, plain.log
        )
        pass_time(8)
        assert plain.values == []
    assert plain.child.exit_code() is None


def service_on(bootstrap: str, prefix: str) -> Settings:
    settings = settings_for(bootstrap, prefix)
    ensure_topics(settings)
    return settings


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("changes", "goes_on"), [({}, True), ({"broker_max_poll_interval": 4.0}, False)]
)
def test_bug_1_our_worker_goes_on_after_a_long_outage_of_the_store(
    shared_cluster: KafkaCluster, topic_prefix: str, changes: dict[str, float], goes_on: bool
) -> None:
    """While the store is away nothing is fetched.

    Our poll interval of 11 days keeps the worker in its group, a short one would not.
    """
    settings, sink = service_on(shared_cluster.bootstrap, topic_prefix), MemorySink()
    with started_workers() as start:
        worker = start(settings, sink, MemoryChores(), **changes)
        wait_until(lambda: worker.is_ready, 30, "the worker is ready")
        sink.available = False
        produce(settings, [f"e{number}" for number in range(5_000)])
        pass_time(IDLE_SECONDS + 4)
        sink.available = True
        if goes_on:
            wait_until(lambda: sink.count == 5_000, 20, lambda: f"all events; {sink.count} so far")
        else:
            pass_time(12)
            assert sink.count < 5_000


class HeldLoad:
    """Holds the first loading of positions until the test lets it go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()
        load = Ledger.load

        async def held(ledger: Ledger, *arguments: Any) -> Any:
            self.reached.set()
            await asyncio.to_thread(self.go_on.wait, 60)
            return await load(ledger, *arguments)

        monkeypatch.setattr(Ledger, "load", held)


def test_bug_2_our_worker_goes_on_after_a_broker_that_was_frozen_while_it_looked_for_its_positions(
    cluster: KafkaCluster, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks again until the broker answers.

    Seen before it did: "Recovery: Crashed reason=TopicsError", and the worker ended with 1.
    """
    settings, sink, held = (
        service_on(cluster.bootstrap, topic_prefix),
        MemorySink(),
        HeldLoad(monkeypatch),
    )
    produce(settings, [f"e{number}" for number in range(500)])
    with started_workers() as start:
        start(settings, sink, MemoryChores())
        assert held.reached.wait(30)
        cluster.pause(1)
        held.go_on.set()
        pass_time(12)
        assert sink.count == 0
        cluster.resume(1)
        wait_until(lambda: sink.count == 500, 30, lambda: f"all events; {sink.count} so far")


# The worker that gave up leaves its sockets to the end of its process, which here goes on.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_bug_2_our_worker_ends_where_positions_cannot_be_learnt(
    cluster: KafkaCluster, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the deadline it ends with an error, to be started again.

    Without that it would live on without recovery. The deadline is 75 s as it comes.
    """
    monkeypatch.setattr(transport, "POSITIONS_DEADLINE_SECONDS", 4)
    held = HeldLoad(monkeypatch)
    give_up_and_be_replaced(cluster, topic_prefix, held)
    gc.collect()  # now, not in another test


def give_up_and_be_replaced(cluster: KafkaCluster, prefix: str, held: HeldLoad) -> None:
    settings, sink = service_on(cluster.bootstrap, prefix), MemorySink()
    produce(settings, ["e1"])
    with started_workers() as start:
        worker = start(settings, sink, MemoryChores(), broker_request_timeout=8.0)
        assert held.reached.wait(30)
        cluster.pause(1)
        held.go_on.set()
        wait_until(lambda: not worker._thread.is_alive(), 30, "the worker ends")
        cluster.resume(1)
        cluster.wait_until_ready()
        start(settings, sink, MemoryChores())
        wait_until(lambda: sink.count == 1, 30, "the next one takes it in")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_worker_whose_coordination_has_failed_is_ended_and_does_not_wait_for_ever(
    cluster: KafkaCluster, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Aiokafka's task that keeps a member in its group may end for good.

    It does so when the cluster tells of no broker: seen after a freeze.
    """

    def no_node(_client: AIOKafkaClient) -> None:
        return None

    monkeypatch.setattr(AIOKafkaClient, "get_random_node", no_node)
    with started_workers() as start:
        worker = start(service_on(cluster.bootstrap, topic_prefix), MemorySink(), MemoryChores())

        def reason() -> str:
            return str(
                reason_to_end(
                    worker.parts.state.life(), time.monotonic(), stall_timeout_seconds=120
                )
            )

        wait_until(lambda: "group no more" in reason(), 20, lambda: f"a verdict; it is {reason()}")
    gc.collect()  # now, not in another test
