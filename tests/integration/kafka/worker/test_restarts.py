"""Logs that vanish under a worker, and the worker as a process: signals and exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fakes import MemoryChores, MemorySink
from kafka import KafkaAdminClient
from kafka.net.inet import KafkaNetSocket
from kafka_worker import produce, settings_for, started_workers, wait_until

from voc_stream.embedded.broker import Broker
from voc_stream.embedded.processes.tcp_ports import free_port
from voc_stream.events.topics import INPUTS
from voc_stream.kafka.topics import ensure_topics, input_topics
from voc_stream.settings import to_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from kafka_worker import ThreadWorker

    from voc_stream.settings import Settings

TESTS = Path(__file__).parents[3]
WORKER_PROCESS = """
import logging, os, sys
from fakes import MemorySink, MemoryChores
from prometheus_client import CollectorRegistry
from voc_stream.kafka.worker.run import run_worker
from voc_stream.monitoring.metrics import Metrics
from voc_stream.settings import load_settings
logging.basicConfig(level=logging.INFO)
sink = MemorySink()
metrics = Metrics(CollectorRegistry())
sys.exit(run_worker(load_settings(os.environ), sink, sink.decode, MemoryChores(), metrics))
"""


@pytest.fixture(autouse=True)
def close_refused_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka-python forgets the socket of a refused connection.

    Python would report it in the middle of some later test.
    """
    connect = KafkaNetSocket.sock_connect

    async def connect_or_close(
        self: Any, net: Any, sock: Any, sockaddr: Any, timeout_at: Any = None
    ) -> Any:
        try:
            return await connect(self, net, sock, sockaddr, timeout_at)
        except BaseException:
            sock.close()
            raise

    monkeypatch.setattr(KafkaNetSocket, "sock_connect", connect_or_close)


def ids(name: str, count: int) -> list[str]:
    return [f"{name}{number:06d}" for number in range(count)]


@pytest.mark.broker
def test_a_broker_that_forgot_everything_is_read_from_its_beginning(tmp_path: Path) -> None:
    """The embedded broker comes back empty.

    What was counted stays counted, what is sent again counts once, what is new is not missed.
    """
    sink, port = MemorySink(), free_port()
    settings = settings_for(f"127.0.0.1:{port}", "voc.")
    with started_workers() as start:
        with Broker(tmp_path, port):
            ensure_topics(settings)
            worker = start(settings, sink, MemoryChores())
            produce(settings, ids("a", 300))
            wait_until(lambda: sink.count == 300, "the events before")
        with Broker(tmp_path, port):
            ensure_topics(settings)
            produce(settings, ids("a", 300)[:50] + ids("b", 100))
            wait_until(lambda: sink.count == 400, "the new events")
            wait_until(
                lambda: sum(stored.next_offset for stored in sink.stored.values()) == 150,
                "the positions of the new log",
            )
            assert worker.sample("voc_position_resets_total") == 2 * len(INPUTS)
            worker.stop()


def test_a_topic_made_anew_under_the_same_name_is_noticed(
    start: Callable[[], ThreadWorker],
    voc: Settings,
    sink: MemorySink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without any restart, the topic's id tells that this is another log.

    It is read from its beginning.
    """
    monkeypatch.setattr("voc_stream.kafka.worker.own_chores.LOG_IDENTITY_INTERVAL_SECONDS", 1.0)
    worker = start()
    produce(voc, ids("a", 300))
    wait_until(lambda: sink.count == 300, "the events before")
    admin = KafkaAdminClient(bootstrap_servers=voc.kafka_bootstrap)
    admin.delete_topics(list(input_topics(voc.topic_prefix)))
    admin.close()
    ensure_topics(voc)
    produce(voc, ids("b", 400))
    wait_until(lambda: sink.count == 700, "the events of the new log")
    assert worker.sample("voc_position_resets_total") >= 10


def worker_process(settings: Settings) -> subprocess.Popen[str]:
    environment = (
        os.environ
        | to_environment(settings)
        | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    )
    return subprocess.Popen(
        [sys.executable, "-c", WORKER_PROCESS], env=environment, stderr=subprocess.PIPE, text=True
    )


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """The lines on standard error up to the one with `text`."""
    assert process.stderr is not None
    lines = ""
    for line in process.stderr:
        lines += line
        if text in line:
            return lines
    raise AssertionError(f"{text!r} was never said: {lines}")


def test_sigterm_ends_a_worker_cleanly_within_ten_seconds(voc: Settings) -> None:
    """A supervisor's SIGTERM gives exit code 0, soon."""
    process = worker_process(voc)
    read_until(process, "Worker ready")
    told = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=20)
    assert process.returncode == 0, rest
    assert time.monotonic() - told < 10


def test_a_worker_waits_for_topics_and_says_so(broker: str, topic_prefix: str) -> None:
    """Before `init` a worker neither fails nor spins.

    It names what is missing, and can be stopped.
    """
    process = worker_process(settings_for(broker, topic_prefix))
    said = read_until(process, "waiting:")
    assert f"there is no topic {topic_prefix}callbacks" in said
    assert "voc-stream init" in said
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 0


def test_sigusr2_opens_no_debugger(voc: Settings) -> None:
    """Faust's mode would start a debugger on SIGUSR2, which stops the loop for ever.

    Here the signal has its usual meaning, the end.
    """
    process = worker_process(voc)
    read_until(process, "Worker ready")
    process.send_signal(signal.SIGUSR2)
    process.communicate(timeout=20)
    assert process.returncode == -signal.SIGUSR2
