"""R10: the disk of PostgreSQL, then that of Kafka, is full, and later has room again.

Small disks in memory: needs root, to mount them.

A server that ended because of it is started again, as its supervisor would; nobody else has to do
anything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest
from apache_kafka import KafkaCluster
from chaos.load import Load
from chaos.recovery import Recovery, note
from chaos.server import Server
from chaos.service import ChaosService, ChaosWorker, hold_for
from chaos.snapshots import Snapshots
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance

from voc_stream.embedded.processes.tcp_ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.settings import Settings

POSTGRES_DISK_MEGABYTES = 200
KAFKA_DISK_MEGABYTES = 100
FULL_SECONDS = 8.0
NOTICED_SECONDS = 60.0
EVENTS_PER_SECOND = 150.0
EVENTS = 3_600

pytestmark = pytest.mark.chaos


@contextmanager
def disk(megabytes: int) -> Iterator[Path]:
    """A folder that holds no more than so much; skips the test where none can be mounted."""
    folder = Path(tempfile.mkdtemp(prefix="voc-chaos-"))
    try:
        program = shutil.which("mount")
        if program is None or os.geteuid() != 0:
            pytest.skip("a small disk needs `mount` and root")
        done = subprocess.run(
            [program, "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
    finally:
        folder.rmdir()


def fill(folder: Path) -> Path:
    """Leave no byte free; the file that does it."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            return ballast


def test_disk_of_postgresql_full(chaos_settings: Settings, tmp_path: Path) -> None:
    """The worker holds what it has and is not ready.

    Once there is room, and the server runs, it goes on by itself.
    """
    random = chance()
    with ExitStack() as stack:
        folder = stack.enter_context(disk(POSTGRES_DISK_MEGABYTES))
        server = stack.enter_context(Server(folder, free_port()))
        service = stack.enter_context(
            ChaosService(replace(chaos_settings, database_url=server.create_database()), tmp_path)
        )
        worker = service.start_worker()
        snapshots = stack.enter_context(Snapshots(service))
        with Load(
            service, simulated_messages(EVENTS, seed=random.randrange(2**32)), EVENTS_PER_SECOND
        ):
            service.wait_for_progress(300)
            ballast = fill(folder)
            service.wait_until(lambda: failures(worker) > 0, NOTICED_SECONDS, "the worker notices")
            hold_for(FULL_SECONDS, lambda: worker.is_running)
            ballast.unlink()
            server.start()
            back_at = time.monotonic()
            seconds = seconds_to_full_service(service, back_at)
        service.wait_until_caught_up()
        assert worker.is_running
        snapshots.assert_each_is_right()
        service.assert_everything_holds()
    note(
        Recovery(
            "R10",
            "disk of PostgreSQL full",
            f"its small disk filled for {FULL_SECONDS:.0f} s under load; the server, if it ended,"
            f" started",
            "every snapshot; the same worker goes on",
            seconds,
        )
    )


def failures(worker: ChaosWorker) -> float:
    """How often a batch failed, for any reason."""
    return worker.metric("voc_postgres_retries_total") + worker.metric("voc_batch_failures_total")


def seconds_to_full_service(service: ChaosService, since: float) -> float:
    """The same as the service's, for a server that may still be on its way up."""

    def answers() -> bool:
        try:
            service.progress()
        except psycopg2.OperationalError:
            return False
        return True

    service.wait_until(answers, NOTICED_SECONDS, "the server answers")
    return service.seconds_to_full_service(since)


def test_disk_of_kafka_full(chaos_settings: Settings, tmp_path: Path) -> None:
    """What was acknowledged is kept.

    Once there is room and the broker was started again, all that waited is taken in.
    """
    random = chance()
    messages = simulated_messages(EVENTS, seed=random.randrange(2**32))
    half = len(messages) // 2
    with ExitStack() as stack:
        folder = stack.enter_context(disk(KAFKA_DISK_MEGABYTES))
        kafka = stack.enter_context(KafkaCluster(folder))
        service = stack.enter_context(
            ChaosService(replace(chaos_settings, kafka_bootstrap=kafka.bootstrap), tmp_path)
        )
        service.start_worker()
        snapshots = stack.enter_context(Snapshots(service))
        service.send(messages[:half])
        with Load(service, messages[half:], EVENTS_PER_SECOND):
            service.wait_for_progress(half / 2)
            ballast = fill(folder)
            filled_at = time.monotonic()
            service.wait_until(
                lambda: kafka._children[1].exit_code() is not None,
                NOTICED_SECONDS,
                "the broker ends, as it does when it cannot write",
            )
            ballast.unlink()
            print(f"the broker ended after {time.monotonic() - filled_at:.1f} s")  # noqa: T201  pytest shows it with -s
            kafka.start(1)
            kafka.wait_until_ready()
            seconds = service.seconds_to_full_service(time.monotonic())
        service.wait_until_caught_up()
        snapshots.assert_each_is_right()
        service.assert_everything_holds()
    note(
        Recovery(
            "R10",
            "disk of Kafka full",
            "its small disk filled under load until the broker ended; room made, broker started"
            " again",
            "every snapshot; a worker that ended asked to be started again",
            seconds,
        )
    )
