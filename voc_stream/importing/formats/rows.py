"""Declares what the readers of exports give: rows, failed rows, and why a file cannot be read.

A process log has the same columns as CSV and as XES: attributes of a case begin with `case:`, those
of an event stand alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.errors import VocError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Row(NamedTuple):
    """One row: the line on which it begins, and its cells by column, surrounding blanks removed."""

    line: int
    cells: Mapping[str, str]


class RowError(NamedTuple):
    """A row that gave no event, or not all of its events; the others are not affected.

    `lines` is how many lines of the file are meant: more than one if the reader lost its place.
    """

    line: int
    problem: str
    lines: int = 1


class ExportError(VocError):
    """The file, or its rest, cannot be read; the message says at which line."""

    exit_code = 2
