"""`voc-stream worker`: one Faust worker."""

from __future__ import annotations

import gc
import logging
import os
import sys
from contextlib import closing
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection

import click
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from voc_stream.beside.chore_process import ChoreProcess
from voc_stream.beside.serve import serve
from voc_stream.cli.options.read_catalogue import read_catalogue
from voc_stream.cli.screen.terminal import PlainFormatter, PlainJsonFormatter
from voc_stream.kafka.life.one_heap import use_one_heap
from voc_stream.kafka.worker.run import run_worker
from voc_stream.monitoring.log_filter import Repetition
from voc_stream.monitoring.metrics import Metrics
from voc_stream.pipeline.refusal_limit import RefusalLimit
from voc_stream.pipeline.take_in import decode_messages
from voc_stream.postgres.chores import PostgresChores
from voc_stream.postgres.intake.batch_transaction import PostgresSink
from voc_stream.settings import Settings, SettingsError, load_settings

CHORES = [sys.executable, "-m", "voc_stream", "chores"]
"""The command of the process in which chores are done."""
GARBAGE_COLLECTION_THRESHOLD = 100_000
SWITCH_INTERVAL_SECONDS = 0.001
# Libraries that log each step of a connection at INFO, and Faust's timers, which warn of what
# `voc_timer_seconds` shows.
QUIET = {
    "aiokafka": logging.WARNING,
    "kafka": logging.WARNING,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "mode.timers": logging.ERROR,
}


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
    store = PostgresChores(database_url, catalogue, deadline_seconds=deadline_seconds)
    decode = partial(decode_messages, catalogue=catalogue)
    metrics = Metrics(process_registry())
    with closing(ChoreProcess(store, CHORES, metrics)) as chores:
        code = run_worker(
            settings,
            sink,
            decode,
            chores,
            metrics,
            settings_changed=lambda: _have_changed(settings),
        )
    sys.exit(code)


@click.command(name="chores", hidden=True)
@click.argument("descriptor", type=int)
def chores_command(descriptor: int) -> None:
    """Do the chores for which the worker at the other end of DESCRIPTOR asks."""
    settings = load_settings(os.environ)
    configure_logging(settings.log_format, verbose=False)
    store = PostgresChores(
        settings.require_database_url(),
        read_catalogue(settings),
        deadline_seconds=float(settings.database_deadline_seconds),
    )
    tune_interpreter()
    days = settings.dead_letter_retention_days
    serve(
        Connection(descriptor),
        store,
        timedelta(seconds=settings.evaluation_interval_seconds),
        timedelta(days=days) if days else None,
    )


def _have_changed(settings: Settings) -> bool:
    """Whether variables and files say something else now, and nobody is still writing them."""
    try:
        return load_settings(os.environ) != settings
    except SettingsError:
        return False


def tune_interpreter() -> None:
    """Tune the whole process, for one that does nothing but work on batches."""
    use_one_heap()  # 30 of 390 MiB less at the peak, flat over an hour, and no slower
    # Counting references frees nearly everything that a batch makes. Looking for cycles as often as
    # Python does by default costs a fifth.
    gc.freeze()
    gc.set_threshold(GARBAGE_COLLECTION_THRESHOLD)
    # Statements run on a thread of their own, and wait so long for their turn if the interpreter is
    # busy: 6 % faster than 5 ms.
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)


def configure_logging(log_format: str, *, verbose: bool) -> None:
    """Log one line an entry on standard error: time in UTC, level, module, message.

    The line is text, or one JSON object.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json_lines() if log_format == "JSON" else PlainFormatter())
    handler.addFilter(_of_libraries)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(logging.INFO if verbose else level)


def _json_lines() -> logging.Formatter:
    # A traceback is in the field `exc_info`.
    names = {"levelname": "level", "name": "logger"}
    return PlainJsonFormatter(
        ["levelname", "name", "message"],
        rename_fields=names,
        timestamp="time",
        json_ensure_ascii=False,
    )


_repetition = Repetition()


def _of_libraries(record: logging.LogRecord) -> bool:
    """Whether a library wrote the record; what we say ourselves is never left out."""
    return record.name.startswith("voc_stream") or _repetition.filter(record)


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
