"""`voc-stream rebuild`: recomputes every derived table from the stored events and compares."""

from __future__ import annotations

import os
import sys

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from voc_stream.cli.options.read_catalogue import read_catalogue
from voc_stream.cli.screen.terminal import console, say, table
from voc_stream.postgres.corrections.rebuild import RebuildReport, rebuild
from voc_stream.settings import load_settings


@click.command(name="rebuild")
def command() -> None:
    """Recompute every derived table from voc.touchpoint_event, and say whether anything differed.

    Workers wait meanwhile and lose nothing. What differs is replaced; the exit code is then 1. It
    takes the catalogue that rules the database. Of changes of a catalogue, those of [churn],
    [plausible] and of timings need it.
    """
    settings = load_settings(os.environ)
    database_url = settings.require_database_url()
    catalogue = read_catalogue(settings)
    columns = (
        TextColumn("folding events 重算事件"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=None)
        report = rebuild(
            database_url,
            catalogue,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    _show(report)
    sys.exit(1 if report.differing else 0)


def _show(report: RebuildReport) -> None:
    tables = table("table 表", "rows 行", "differing 不一致")
    for compared in report.tables:
        tables.add_row(
            compared.table,
            f"{compared.rows:,}",
            f"{compared.differing:,}",
            style="red" if compared.differing else None,
        )
    console().print(tables)
    if report.differing:
        say(
            f"{report.differing} rows differed from what {report.events} events say; they have been"
            f" replaced."
        )
    else:
        say(f"No difference: all tables are what {report.events} events say.")
