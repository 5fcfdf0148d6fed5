"""Sets up the log of a process: one line an entry."""

from __future__ import annotations

import logging
import sys

from voc_stream.cli.screen.terminal import PlainFormatter, PlainJsonFormatter
from voc_stream.monitoring.log_filter import Repetition

# Libraries that log each step of a connection at INFO, and Faust's timers, which warn of what
# `voc_timer_seconds` shows.
QUIET = {
    "aiokafka": logging.WARNING,
    "kafka": logging.WARNING,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "mode.timers": logging.ERROR,
}


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
