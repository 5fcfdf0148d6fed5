"""Holds the text of a catalogue file, which all its readers share.

They use it to convert values and to report errors about them.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import msgspec

from voc_stream.catalogue.label import Label
from voc_stream.catalogue.reading.advice import advise, no_such_key
from voc_stream.catalogue.reading.toml_lines import line_of, show_path
from voc_stream.errors import VocError

if TYPE_CHECKING:
    from collections.abc import Sequence

_ADVICE = {"churn": "; copy the tables [churn…] of a packaged catalogue, and change them later"}
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class CatalogueError(VocError):
    """A catalogue file is wrong; the message names the file, the key and the line."""

    exit_code = 2


class CatalogueText:
    """One file; every complaint names the key and the line."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text

    def convert(self, value: object, kind: type[_Struct], path: Sequence[str]) -> _Struct:
        """The value as a struct. Raises CatalogueError."""
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            problem, _, place = str(error).partition(" - at `")
            inner = [part for part in re.findall(r"[^.\[\]$`]+", place) if part != "..."]
            if "[...]" in place:  # a mapping of numbers, of which msgspec does not tell the key
                inner += _first_non_number(value, inner)
            if field := re.search(r"unknown field `(.+)`", problem):
                self.fail((*path, *inner, field[1]), no_such_key(kind, inner))
            if field := re.search(r"missing required field `(.+)`", problem):
                self.fail((*path, *inner, field[1]), f"is missing{_ADVICE.get(field[1], '')}")
            self.fail((*path, *inner), advise(problem, kind, inner))

    def label(self, value: object, path: Sequence[str]) -> Label:
        """The value as a label in both languages. Raises CatalogueError."""
        label = self.convert(value, Label, path)
        self.filled(label, path)
        return label

    def filled(self, label: Label, path: Sequence[str]) -> None:
        """Complain if a label says nothing."""
        for language in ("en", "zh"):
            if not getattr(label, language).strip():
                self.fail((*path, language), "must not be empty")

    def within(
        self, path: Sequence[str], value: float | None, upper: float, lower: float = 0
    ) -> None:
        """Complain about a number below `lower` or above `upper`; None is no number."""
        if value is not None and not (lower <= value <= upper and math.isfinite(value)):
            limit = (
                f"from {lower:g} to {upper:g}"
                if math.isfinite(upper)
                else "a finite number, 0 or more"
            )
            self.fail(path, f"must be {limit}, not {value:g}")

    def positive(self, path: Sequence[str], value: float) -> None:
        """Complain about a number that is not finite and more than 0."""
        if not (value > 0 and math.isfinite(value)):
            self.fail(path, f"must be a finite number and more than 0, not {value:g}")

    def fail(self, path: Sequence[str], problem: str) -> NoReturn:
        """Complain about the value of the key at `path`."""
        raise CatalogueError(
            f"{self._file}:{line_of(self._text, path)}: {show_path(path) or 'the file'}: {problem}"
        )


def _first_non_number(value: Any, path: Sequence[str]) -> list[str]:
    for part in path:
        value = value[part]
    return [
        key
        for key, inner in value.items()
        if isinstance(inner, bool) or not isinstance(inner, int | float)
    ][:1]
