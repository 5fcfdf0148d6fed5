"""Makes one value of an event from the text of cells.

It knows templates, value tables, numbers and scales.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from voc_stream.importing.cell_times import parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

ValueKind = Literal["text", "identifier", "time", "number", "integer", "yes_no"]
Plain = str | int | float | bool

YES = frozenset({"true", "yes", "y", "1"})
NO = frozenset({"false", "no", "n", "0"})

# Stricter than float(), which takes "nan", "inf" and "1_000" too.
_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+", re.ASCII)
# What a spreadsheet leaves of a long number, and its errors. As ids these would make one customer
# of several.
_SHORTENED = re.compile(r"[+-]?\d([.,]\d+)?E\+\d{2,3}", re.ASCII)
_SPREADSHEET_ERROR = re.compile(r"#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|#+)")
_POINT_FOR_COMMA = str.maketrans(".,", ",.")
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")


class CellError(ValueError):
    """A cell cannot become the value that is wanted; the message names the column and the value."""


class Scale(NamedTuple):
    """A linear map of numbers, from one range to another."""

    source_low: float
    source_high: float
    target_low: float
    target_high: float

    def apply(self, number: float) -> float:
        """The number on the target scale. Raises ValueError outside the source range.

        >>> Scale(1, 10, 0, 10).apply(5.5)
        5.0
        """
        if not self.source_low <= number <= self.source_high:
            raise ValueError(
                f"is outside the scale from {self.source_low:g} to {self.source_high:g}"
            )
        share = (number - self.source_low) / (self.source_high - self.source_low)
        return self.target_low + share * (self.target_high - self.target_low)


class Template(NamedTuple):
    """A text with `{column}` in it; `{{` and `}}` stand for braces.

    Literal texts and column names alternate.
    """

    literals: tuple[str, ...]
    columns: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Read a template. Raises ValueError at a brace that is alone.

        >>> Template.parse("{case}-{row} {{x}}")
        Template(literals=('', '-', ' {x}'), columns=('case', 'row'))
        """
        literals, columns, end = [""], [], 0
        for match in _PLACEHOLDER.finditer(text):
            literals[-1] += _without_braces(text[end : match.start()])
            if match[1]:
                columns.append(match[1].strip())
                literals.append("")
            else:
                literals[-1] += match[0][0]
            end = match.end()
        literals[-1] += _without_braces(text[end:])
        return cls(tuple(literals), tuple(columns))

    def render(self, cells: Mapping[str, str], empty_values: frozenset[str]) -> str | None:
        """The text, or None if one of the columns is empty."""
        parts = [self.literals[0]]
        for column, literal in zip(self.columns, self.literals[1:], strict=True):
            cell = cells.get(column, "")
            if not cell or cell in empty_values:
                return None
            parts += (cell, literal)
        return "".join(parts)


class Source(NamedTuple):
    """Where a field's value comes from, and how it is read.

    `table` translates the rendered text; `default` stands in for an empty one. `decimal` is the
    character before the decimals of a number: a point or a comma.
    """

    template: Template
    kind: ValueKind
    table: Mapping[str, Plain] | None = None
    table_name: str = ""
    scale: Scale | None = None
    formats: tuple[str, ...] = ()
    time_zone: tzinfo = UTC
    default: Plain | None = None
    decimal: str = "."

    @property
    def is_selective(self) -> bool:
        """Whether it takes only some texts of a cell."""
        return bool(self.template.columns) and (
            self.table is not None or self.kind not in ("text", "identifier")
        )

    def read(self, cells: Mapping[str, str], empty_values: frozenset[str]) -> Any:
        """The value for JSON, or None if the cells are empty and there is no default.

        Raises CellError.
        """
        text = self.template.render(cells, empty_values)
        # None if a column is empty; "" if the mapping gives a plain value instead of a text.
        if not text:
            return self.default
        try:
            if self.table is None:
                return self._convert(text)
            if text not in self.table:
                raise ValueError(f"is not in [table.{self.table_name}]")  # noqa: TRY301  one place adds column and value
            return self.table[text]
        except ValueError as error:
            columns = (
                " and ".join(f"column {column!r}" for column in self.template.columns)
                or "the constant"
            )
            raise CellError(f"{columns}: {text[:80]!r} {error}") from None

    def _convert(self, text: str) -> Any:
        if self.kind == "text":
            return text
        if self.kind == "identifier":
            return _parse_identifier(text)
        if self.kind == "time":
            has_comma = self.decimal == "," and self.formats and _COMMA_NUMBER.fullmatch(text)
            return parse_time(
                text.replace(",", ".") if has_comma else text, self.formats, self.time_zone
            )
        if self.kind == "yes_no":
            return _parse_yes_no(text)
        return self._parse_number(text)

    def _parse_number(self, text: str) -> float:
        plain = text.translate(_POINT_FOR_COMMA) if self.decimal == "," else text
        if not _NUMBER.fullmatch(plain):
            raise ValueError(self._number_problem(text))
        number = float(plain)
        if self.scale is not None:
            number = self.scale.apply(number)
        if self.kind == "integer":
            if not number.is_integer():
                raise ValueError("is not a whole number" + (" after scaling" if self.scale else ""))
            return int(number)
        return number

    def _number_problem(self, text: str) -> str:
        if self.decimal == ",":
            return "is not a number; a comma separates decimals, as `decimal` in [input] says"
        if _COMMA_NUMBER.fullmatch(text):
            return 'is not a number: it has a decimal comma; set `decimal = ","` in [input]'
        return "is not a number; a point separates decimals"


def _parse_identifier(text: str) -> str:
    """The same id in each spelling, so that an event_id made of it is the same, too."""
    if _SHORTENED.fullmatch(text):
        raise ValueError(
            "is what a spreadsheet left of a long number; set the format of the column to text, and"
            " export it again"
        )
    if _SPREADSHEET_ERROR.fullmatch(text):
        raise ValueError(
            "is an error of a spreadsheet; correct it there, or list it in `empty_values` of"
            " [input]"
        )
    return unicodedata.normalize("NFC", text)


def _parse_yes_no(text: str) -> bool:
    lowered = text.lower()
    if lowered not in YES | NO:
        raise ValueError("is neither yes nor no; use a table to translate it")
    return lowered in YES


def _without_braces(text: str) -> str:
    if "{" in text or "}" in text:
        raise ValueError("has a brace that is alone; write {{ or }} for a brace itself")
    return text
