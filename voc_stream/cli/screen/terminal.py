"""Prints what commands say, so that no data can do anything to a terminal.

Ids, details of refusals and texts of errors come from outside. In them may stand commands of a
terminal (escape sequences), characters that reverse the order of a line, or rich's own markup. All
output of commands goes through here.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import unicodedata
from traceback import format_exception
from typing import TYPE_CHECKING, Any

import click
from pythonjsonlogger.json import JsonFormatter
from rich.console import Console
from rich.table import Column, Table

if TYPE_CHECKING:
    from types import TracebackType

    from rich.text import Text

WIDTH_OF_A_PIPE = 200


def printable(text: object, *, keep_lines: bool = False) -> str:
    r"""The text with an escape in place of each character that a terminal would obey or not show.

    Args:
        text: Anything; an error, say.
        keep_lines: Whether line ends and tabs stay. Without them, a text cannot look like two.

    >>> printable("\x1b[2Jgone \u202e王芳\n")
    '\\x1b[2Jgone \\u202e王芳\\n'
    """
    found = str(text)
    if found.isprintable():
        return found
    kept = "\n\t" if keep_lines else ""
    return "".join(
        character
        if character.isprintable() or character in kept or unicodedata.category(character) == "Zs"
        else character.encode("unicode_escape").decode()
        for character in found
    )


def say(text: object = "", *, error: bool = False) -> None:
    """Print a line to standard output, or to standard error."""
    click.echo(printable(text), err=error)


def say_lines(text: str, *, error: bool = False) -> None:
    """Print a text of several lines that can do nothing to a terminal."""
    click.echo(printable(text, keep_lines=True), err=error)


def show_traceback(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Print an error that nobody expected, as Python does; its text may hold what was read."""
    say_lines("".join(format_exception(kind, error, traceback)).rstrip("\n"), error=True)


class PlainConsole(Console):
    """Shows texts as they are: without markup, and with what `printable` leaves of them."""

    def render_str(self, text: str, **options: Any) -> Text:
        """The text, as every cell of a table and every line passes through here."""
        return super().render_str(
            printable(text), **{**options, "markup": False, "emoji": False, "highlight": False}
        )


def table(*headers: str) -> Table:
    """A table without lines, in which nothing is cut.

    Text that is too long for its column goes on below; rich would put an ellipsis in its place.
    """
    return Table(*(Column(header, overflow="fold") for header in headers), box=None)


def console(*, stderr: bool = False, soft_wrap: bool = False, **options: Any) -> PlainConsole:
    """A console as wide as the terminal; a pipe has no width, and nothing should be cut there."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_OF_A_PIPE
    return PlainConsole(stderr=stderr, soft_wrap=soft_wrap, **{"width": width, **options})


class PlainFormatter(logging.Formatter):
    """One line an entry: time in UTC, level, module, message.

    Further lines are indented, so that none looks like an entry.
    """

    converter = time.gmtime  # type: ignore[assignment]  # typeshed gives it no argument

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s",
            datefmt="%Y-%m-%dT%H:%M:%S",
        )

    def format(self, record: logging.LogRecord) -> str:
        """The entry as text."""
        return printable(super().format(record), keep_lines=True).replace("\n", "\n  ")


class PlainJsonFormatter(JsonFormatter):
    """Writes the same entry as JSON.

    What is not shown can only stand inside its strings, for which JSON has an escape.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The entry as one JSON object."""
        found = super().format(record)
        if found.isprintable():
            return found
        return "".join(
            character if character.isprintable() else json.dumps(character)[1:-1]
            for character in found
        )
