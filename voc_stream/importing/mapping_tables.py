"""Checks what the tables of a mapping must look like, whatever they say.

Every error names the key and the line.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from voc_stream.catalogue.reading.toml_lines import line_of, show_path
from voc_stream.importing.cell_times import format_problem
from voc_stream.importing.formats.text_encoding import text_codec
from voc_stream.importing.mapping import MappingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voc_stream.catalogue.reading.toml_lines import KeyPath


class MappingTables:
    """Checks of one file. Each raises MappingError."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text

    def count(self, value: object, least: int, path: KeyPath) -> int:
        """A whole number, `least` or more."""
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            self.fail(path, f"must be a whole number, {least} or more")
        return value

    def one_of(self, value: object, words: tuple[str, ...], path: KeyPath) -> str:
        """One of these words."""
        if not isinstance(value, str) or value not in words:
            self.fail(path, f"must be one of {', '.join(map(repr, words))}")
        return value

    def table(self, value: object, path: KeyPath) -> dict[str, Any]:
        """A table."""
        if not isinstance(value, dict):
            self.fail(path, "must be a table")
        return value

    def blocks(self, value: object, path: KeyPath) -> list[dict[str, Any]]:
        """A list of tables."""
        if not isinstance(value, list) or not all(isinstance(block, dict) for block in value):
            self.fail(
                path,
                f"must be [[{show_path(tuple(part for part in path if isinstance(part, str)))}]]"
                f" blocks",
            )
        return value

    def texts(self, value: object, path: KeyPath) -> tuple[str, ...]:
        """A list of texts, none of them empty."""
        if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
            self.fail(
                path, "must be text" if isinstance(value, list) else "must be a list of texts"
            )
        return tuple(value)

    def only(self, table: Mapping[str, Any], known: Iterable[str], path: KeyPath) -> None:
        """Refuse keys that are not known."""
        names = list(known)
        for key in table:
            if key not in names:
                self.fail((*path, key), f"there is no such key; known: {', '.join(names)}")

    def place(self, path: KeyPath) -> str:
        """Where a key stands: file, line and key."""
        return f"{self._name}:{line_of(self._text, path)}: {show_path(path)}"

    def fail(self, path: KeyPath, problem: str) -> NoReturn:
        """Complain about a key. Raises MappingError."""
        raise MappingError(f"{self.place(path)}: {problem}")

    def zone(self, value: object, path: KeyPath) -> tzinfo:
        """A time zone by its name."""
        if value == "UTC":  # needs no database of time zones, which small machines lack
            return UTC
        try:
            return ZoneInfo(str(value))
        except (ZoneInfoNotFoundError, ValueError):
            self.fail(
                path,
                f"{value!r} is no time zone such as 'Europe/Paris'; or there is no database of them"
                f" here: pip install tzdata",
            )

    def time_formats(self, value: object, path: KeyPath) -> tuple[str, ...]:
        """Formats of times, each of which says which time it means."""
        formats = self.texts(value, path)
        for form in formats:
            if problem := format_problem(form):
                self.fail(path, f"{form!r}: {problem}")
        return formats

    def encoding(self, value: object) -> str:
        """The codec of a file's text."""
        if (name := text_codec(str(value))) is None:
            self.fail(("input", "encoding"), f"{value!r} is no encoding")
        return name

    def delimiter(self, value: object) -> str:
        """What stands between two cells."""
        if not isinstance(value, str) or len(value) != 1 or value in '"\r\n ':
            self.fail(
                ("input", "delimiter"), "must be one character, and no quote, blank or line end"
            )
        return value
