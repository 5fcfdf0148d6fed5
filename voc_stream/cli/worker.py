"""`voc-stream worker`: one Faust worker."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from functools import partial

import click
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from voc_stream.beside.chore_process import ChoreProcess
from voc_stream.cli.options.read_catalogue import read_catalogue
from voc_stream.cli.running.log_lines import configure_logging
from voc_stream.cli.running.tuning import tune_interpreter
from voc_stream.kafka.worker.run import run_worker
from voc_stream.monitoring.metrics import Metrics
from voc_stream.pipeline.refusal_limit import RefusalLimit
from voc_stream.pipeline.take_in import decode_messages
from voc_stream.postgres.chores.timetable import timetable
from voc_stream.postgres.chores.worker_store import PostgresWorkerStore
from voc_stream.postgres.intake.batch_transaction import PostgresSink
from voc_stream.settings import Settings, SettingsError, load_settings

CHORES = [sys.executable, "-m", "voc_stream", "chores"]
"""The command of the process in which chores are done."""


@click.command(name="worker")
@click.option("--verbose", is_flag=True, help="Let the libraries say what they do, too.")
def command(*, verbose: bool) -> None:
    """Run one worker: events in from Kafka, tables out to PostgreSQL.

    Waits for both to be there. Stops on SIGTERM or Ctrl-C; exit code 75 asks the supervisor to
    start it again.
    """
    settings = load_settings(os.environ)
    database_url = settings.require_database_url()
    configure_logging(settings.log_format, verbose=verbose)
    catalogue = read_catalogue(settings)
    tune_interpreter()
    deadline_seconds = float(settings.database_deadline_seconds)
    limit = RefusalLimit(settings.dead_letter_limit_run, settings.dead_letter_limit_percent)
    sink = PostgresSink(database_url, catalogue, deadline_seconds=deadline_seconds, limit=limit)
    store = PostgresWorkerStore(database_url, catalogue, deadline_seconds=deadline_seconds)
    decode = partial(decode_messages, catalogue=catalogue)
    metrics = Metrics(process_registry())
    with closing(ChoreProcess(store, timetable, CHORES, metrics)) as chores:
        code = run_worker(
            settings,
            sink,
            decode,
            chores,
            metrics,
            settings_changed=lambda: _have_changed(settings),
        )
    sys.exit(code)


def _have_changed(settings: Settings) -> bool:
    """Whether variables and files say something else now, and nobody is still writing them."""
    try:
        return load_settings(os.environ) != settings
    except SettingsError:
        return False


def process_registry() -> CollectorRegistry:
    """A registry with the usual metrics of the process.

    These are memory, processor time, open files and garbage collection.
    """
    disable_created_metrics()  # type: ignore[no-untyped-call]  # they would double the series, and nobody reads them
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
