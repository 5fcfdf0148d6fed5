"""`voc-stream chores`: the process beside a worker, which starts it, and nobody else does.

It imports nothing of the stream: Faust and its libraries alone take 40 MiB.
"""

from __future__ import annotations

import os
from datetime import timedelta
from multiprocessing.connection import Connection

import click

from voc_stream.beside.serve import serve
from voc_stream.cli.options.read_catalogue import read_catalogue
from voc_stream.cli.running.log_lines import configure_logging
from voc_stream.cli.running.tuning import tune_interpreter
from voc_stream.postgres.chores.postgres_chores import PostgresChores
from voc_stream.settings import load_settings


@click.command(name="chores", hidden=True)
@click.argument("descriptor", type=int)
def command(descriptor: int) -> None:
    """Do the chores for which the worker at the other end of DESCRIPTOR asks."""
    settings = load_settings(os.environ)
    configure_logging(settings.log_format, verbose=False)
    store = PostgresChores(
        settings.require_database_url(),
        read_catalogue(settings),
        deadline_seconds=float(settings.database_deadline_seconds),
        fits_churn_model=settings.churn_fit_monthly,
    )
    tune_interpreter()
    days = settings.dead_letter_retention_days
    serve(
        Connection(descriptor),
        store,
        timedelta(seconds=settings.evaluation_interval_seconds),
        timedelta(days=days) if days else None,
    )
