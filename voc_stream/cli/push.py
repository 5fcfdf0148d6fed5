"""`voc-stream push`: validates events from files and sends them."""

from __future__ import annotations

import logging
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from voc_stream.cli.check import FILES, finish, mapping_option
from voc_stream.cli.options.finite_range import FiniteRange
from voc_stream.cli.options.read_catalogue import read_catalogue
from voc_stream.cli.screen.event_report import Report
from voc_stream.errors import VocError
from voc_stream.events.topics import TOPIC_OF_TYPE, key_of
from voc_stream.importing.read_files import Line, load_mapping, read_events, require_mapping
from voc_stream.kafka.push import Pusher, Record
from voc_stream.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.importing.mapping import RowMapping

MINIMUM_TIMEOUT_SECONDS = 1.0
timeout_option = click.option(
    "--timeout",
    "timeout_seconds",
    type=FiniteRange(min=MINIMUM_TIMEOUT_SECONDS),
    default=120.0,
    show_default=True,
    help="Give up when no broker has acknowledged anything for so many seconds.",
)


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILES)
@mapping_option
@timeout_option
def command(files: tuple[str, ...], mapping_path: Path | None, timeout_seconds: float) -> None:
    """Validate the events of FILES and send them; `-` is standard input.

    JSON Lines are sent as they are; CSV and XES need --mapping. A line that fails is reported and
    the rest go; the exit code is then 1. Sending the same file again is harmless: an event counts
    once.
    """
    settings = load_settings(os.environ)
    # Our own messages say what the client logs about a broker that is away.
    logging.getLogger("kafka").addHandler(logging.NullHandler())
    started = time.monotonic()
    report = Report(files, "delivered")
    failure: VocError | None = None
    try:
        catalogue = read_catalogue(settings)
        mapping = load_mapping(mapping_path) if mapping_path else None
        require_mapping(files, mapping)
        with (
            report,
            Pusher[Line](
                settings,
                timeout_seconds,
                report.done,
                lambda record, why: report.problem(_failed(record.origin, why)),
            ) as pusher,
        ):
            pusher.push(_records(files, mapping, catalogue, report, settings.topic_prefix))
    except VocError as error:
        failure = error
    except KeyboardInterrupt:
        failure = VocError(
            "stopped before the end; push the same files again, as each event counts once"
        )
    finish(report, time.monotonic() - started, failure)


def _records(
    files: Sequence[str],
    mapping: RowMapping | None,
    catalogue: Catalogue,
    report: Report,
    prefix: str,
) -> Iterator[Record[Line]]:
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
                topic = prefix + TOPIC_OF_TYPE[str(line.event.__struct_config__.tag)]
                yield Record(topic, key_of(line.event), line.value, line)


def _failed(line: Line, why: str) -> Line:
    return line._replace(event=None, reason="not delivered", problem=why)
