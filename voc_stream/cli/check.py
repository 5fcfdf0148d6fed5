"""`voc-stream check`: the validation of `push`, sending nothing."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from voc_stream.cli.options.read_catalogue import read_catalogue
from voc_stream.cli.screen.event_report import Report
from voc_stream.errors import VocError
from voc_stream.importing.read_files import load_mapping, read_events, require_mapping
from voc_stream.settings import load_settings

FILES = click.Path(exists=True, dir_okay=False, allow_dash=True)
mapping_option = click.option(
    "--mapping",
    "mapping_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML that maps CSV or XES to events.",
)


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILES)
@mapping_option
def command(files: tuple[str, ...], mapping_path: Path | None) -> None:
    """Validate the events of FILES and send nothing; `-` is standard input.

    JSON Lines are taken as they are; CSV and XES need --mapping. Exits with 1 if a line fails or a
    file gives no event, and with 2 if a file cannot be read to its end.
    """
    settings = load_settings(os.environ)
    started = time.monotonic()
    report = Report(files, "valid")
    failure: VocError | None = None
    try:
        catalogue = read_catalogue(settings)
        mapping = load_mapping(mapping_path) if mapping_path else None
        require_mapping(files, mapping)
        with report:
            for name in files:
                report.file(name)
                for line in read_events(
                    name,
                    mapping,
                    datetime.now(UTC),
                    catalogue,
                    report.read,
                    on_silent_rows=report.silent_rows,
                ):
                    if line.event is None:
                        report.problem(line)
                    else:
                        report.done()
    except VocError as error:
        failure = error
    except KeyboardInterrupt:
        failure = VocError("stopped before the end; what follows was not read")
    finish(report, time.monotonic() - started, failure)


def finish(report: Report, seconds: float, failure: VocError | None) -> NoReturn:
    """Print the totals and end the process.

    0 is success, 1 that a line failed, 2 that the command could not do its work or read a file
    whole.
    """
    if failure is None or report.events or report.problems or report.unread_files:
        report.summary(seconds)
    if failure is not None:
        raise failure
    if report.unread_files:
        sys.exit(2)
    sys.exit(1 if report.problems else 0)
