"""Holds what a mapping says, ready to be applied: rules that make events of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.errors import VocError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.importing.cell_value import Source
    from voc_stream.importing.formats.csv_rows import CsvLayout, Header

DEFAULT_ENCODING = "utf-8-sig"
_LONGEST_LIST = 1_000


class MappingError(VocError):
    """A mapping is wrong, or does not fit the export; the message names its file, line and key."""

    exit_code = 2


class Condition(NamedTuple):
    """A test of one cell: whether it is empty (`values` is None) or one of the values.

    `expected` is the result that fulfils it.
    """

    column: str
    values: frozenset[str] | None
    expected: bool

    def holds(self, cells: Mapping[str, str], empty_values: frozenset[str]) -> bool:
        """Whether the row fulfils it."""
        cell = cells.get(self.column, "")
        if self.values is None:
            return (not cell or cell in empty_values) is self.expected
        return (cell in self.values) is self.expected


class AnswerRule(NamedTuple):
    """One answer of a callback; left out if neither its score nor its `done` has a value."""

    fields: Mapping[str, Source]


class EventRule(NamedTuple):
    """One `[[event]]` block.

    `place` counts from 0. `digest_columns` make the event_id; if they are None, the whole event
    does.
    """

    place: int
    type: str
    conditions: tuple[Condition, ...]
    fields: Mapping[str, Source]
    required: frozenset[str]
    answers: tuple[AnswerRule, ...]
    digest_columns: tuple[str, ...] | None


class RowMapping(NamedTuple):
    """A whole mapping; `places` gives the place of each column it uses, as `file:line: key`."""

    rules: tuple[EventRule, ...]
    encoding: str
    layout: CsvLayout
    empty_values: frozenset[str]
    places: Mapping[str, str]

    def check_columns(self, header: Header) -> None:
        """Raise MappingError for the first column that does not fit.

        The mapping uses such a column, but a CSV does not have it, or has it twice.
        """
        for column, place in self.places.items():
            if column in header.repeated:
                names = " and ".join(repr(name) for name in header.repeated[column])
                raise MappingError(
                    f"{place}: the column {column!r} occurs more than once; say which one: {names}"
                )
            if column not in header.names:
                raise MappingError(
                    f"{place}: there is no column {column!r}; the columns are"
                    f" {_listed(header.names)}{_advice(header)}"
                )


def _advice(header: Header) -> str:
    """What may be wrong if the header does not have the columns that the mapping names."""
    if header.other_delimiter is not None:
        return f"; is {header.other_delimiter!r} the delimiter? Then set `delimiter` in [input]"
    if len(header.names) == 1 or any(
        name == f"column {place}" for place, name in enumerate(header.names, start=1)
    ):
        return "; is the header further down? Then set `skip_lines` in [input]"
    return ""


def _listed(names: Sequence[str]) -> str:
    """The names; only the first of them if a screen cannot show all."""
    listed = ", ".join(names)
    if len(listed) <= _LONGEST_LIST:
        return listed
    return f"{listed[:_LONGEST_LIST]}… ({len(names):,} in all)"
