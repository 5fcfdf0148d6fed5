"""PostgreSQL or the broker goes away and comes back.

Nothing is lost, and nobody has to do anything.

VOC_TEST_OUTAGE_SECONDS is how long PostgreSQL stays away (10; 60 is the full length, as
`make test-chaos` has it).
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import Service, from_environment, wait_until

from voc_stream.embedded.broker import Broker
from voc_stream.embedded.postgres import Postgres
from voc_stream.embedded.processes.tcp_ports import free_port

if TYPE_CHECKING:
    from voc_stream.settings import Settings

OUTAGE_SECONDS = from_environment("VOC_TEST_OUTAGE_SECONDS", 10)
NOTICED_SECONDS = 10.0


@pytest.mark.slow
def test_postgresql_stopped_under_load(settings: Settings, tmp_path: Path) -> None:
    """The worker holds what it has, and shows the outage within 10 s.

    It goes on by itself when PostgreSQL is back.
    """
    messages = simulated_messages(12_000)
    third = len(messages) // 3
    with ExitStack() as stack:
        # Not pytest's own folder, which is closed to the user that the server runs as.
        data_dir = Path(
            stack.enter_context(TemporaryDirectory(prefix="voc-tests-", ignore_cleanup_errors=True))
        )
        server = stack.enter_context(Postgres(data_dir, free_port()))
        own = replace(settings, database_url=server.url, maximum_batch_messages=200)
        service = stack.enter_context(Service(own, tmp_path))
        worker = service.start_worker()
        service.send(messages[:third])
        service.wait_for_progress(third / 4)
        before = worker.metric("voc_postgres_retries_total")
        server.stop()
        stopped = time.monotonic()
        service.send(messages[third : 2 * third])
        wait_until(
            lambda: worker.metric("voc_postgres_retries_total") > before,
            NOTICED_SECONDS,
            "the metric shows the outage",
        )
        wait_until(
            lambda: time.monotonic() - stopped >= OUTAGE_SECONDS,
            OUTAGE_SECONDS + 1,
            "the outage is over",
        )
        stack.enter_context(Postgres(data_dir, server.port))
        service.send(messages[2 * third :])
        service.wait_until_caught_up()
        assert worker.is_running, service.worker_logs()
        service.assert_tables_are_right()


@pytest.mark.slow
@pytest.mark.parametrize("worker_lives_on", [False, True])
def test_broker_that_forgets_everything(
    settings: Settings, tmp_path: Path, worker_lives_on: bool
) -> None:
    """A broker that starts empty gets old events again and new ones.

    Each counts once, whether the worker was stopped meanwhile or not.
    """
    messages = simulated_messages(6_000)
    half = len(messages) // 2
    with ExitStack() as stack:
        broker = stack.enter_context(Broker(tmp_path, free_port()))
        service = stack.enter_context(
            Service(replace(settings, kafka_bootstrap=broker.bootstrap), tmp_path)
        )
        worker = service.start_worker()
        service.send(messages[:half])
        service.wait_until_caught_up()
        if not worker_lives_on:
            service.stop_worker(worker)
        broker.stop()
        stack.enter_context(Broker(tmp_path, broker.port))
        service.command("init")
        service.send(messages[half // 2 :])
        if not worker_lives_on:
            service.start_worker()
        service.wait_until_all_are_stored()
        service.assert_tables_are_right()
