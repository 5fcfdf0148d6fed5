"""Declares a row once: its column, its comment and its value stand together.

The table, the list of columns for COPY and the function that makes a row are all made from that.
Rows are made with each event. So neighbouring cells that show attributes of the state fetch them
all at once.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from voc_stream.postgres.schema.tables.columns import MONEY, column, metadata, required

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from voc_stream.postgres.session.copy_csv import Value

    Show = Callable[[Any], Iterable[Value]]

StateT = TypeVar("StateT")
_encode = msgspec.json.Encoder().encode


class Cell(NamedTuple):
    """A column, and the value of a state that stands in it, or of the `Part` of the state.

    Attributes:
        column: the column.
        value: what is shown: the name of an attribute, or a function of the state or its part.
        show: makes values of all that neighbouring cells with the same `show` fetch; None if they
            stand there as they are.
    """

    column: Column[Any]
    value: str | Callable[[Any], Value]
    show: Show | None = None


class Part(NamedTuple):
    """Cells that are all empty while `of`, given the state, is None."""

    of: Callable[[Any], Any]
    cells: tuple[Cell, ...]


def plain(name: str, type_: Any, comment: str, *, null: bool = True) -> Cell:
    """A column that shows the state's attribute of the same name."""
    return Cell(column(name, type_, comment, null=null), name)


def stated(name: str, type_: Any, comment: str, *, null: bool = True) -> Cell:
    """A column that shows the value that was stated latest, of the attribute of the same name."""
    return Cell(column(name, type_, comment, null=null), name, _stated_values)


def stated_money(name: str, comment: str) -> Cell:
    """A column as `stated` makes it, for an amount in hundredths."""
    return Cell(column(name, MONEY, comment), name, _stated_amounts)


def _stated_values(found: Any) -> list[Value]:
    return [None if each is None else each.value for each in found]


def _stated_amounts(found: Any) -> list[Value]:
    return [None if each is None else each.value / 100 for each in found]


class EntityRow(Generic[StateT]):
    """A table of states: a key, a version, the state itself, and columns that show it.

    Attributes:
        table: the table.
        columns: its columns, in the order of `values`.
        decode: from the text of a state, which stands in `fold_state`, to the state.
    """

    def __init__(
        self,
        name: str,
        state: type[StateT],
        key: Cell,
        members: Sequence[Cell | Part],
        *,
        indexes: Sequence[Index] = (),
        comment: str,
    ) -> None:
        # Text, because PostgreSQL would read each JSON whole to check it.
        fold_state = required(
            "fold_state",
            Text,
            "what later events may still need of earlier ones, as JSON; not for readers",
        )
        version = required(
            "version",
            Integer,
            "counts the writes of this row; a writer that read an older one starts again",
        )
        parts = [each if isinstance(each, Part) else Part(_itself, (each,)) for each in members]
        self.table = Table(
            name,
            metadata,
            key.column,
            version,
            fold_state,
            *[cell.column for part in parts for cell in part.cells],
            PrimaryKeyConstraint(key.column.name),
            *indexes,
            comment=comment,
            postgresql_with={"fillfactor": "70"},
        )
        self.columns = tuple(each.name for each in self.table.columns)
        self.decode: Callable[[str], StateT] = msgspec.json.Decoder(state).decode
        self._key = attrgetter(str(key.value))
        self._parts = [(of, _runs(cells), [None] * len(cells)) for of, cells in _joined(parts)]

    def values(self, state: StateT, version: int) -> tuple[Value, ...]:
        """The row of a state."""
        row: list[Value] = [self._key(state), version, _encode(state).decode()]
        for of, runs, blanks in self._parts:
            part = of(state)
            if part is None:
                row += blanks
                continue
            for fetch, show in runs:
                row += fetch(part) if show is None else show(fetch(part))
        return tuple(row)

    @staticmethod
    def state_of(values: Sequence[Value]) -> str:
        """The text of the state of a row that `values` made."""
        return str(values[2])


def _itself(state: Any) -> Any:
    return state


def _joined(parts: Sequence[Part]) -> list[tuple[Callable[[Any], Any], list[Cell]]]:
    """The cells of each part; neighbouring cells of the state itself are one part."""
    joined: list[tuple[Callable[[Any], Any], list[Cell]]] = []
    for part in parts:
        if not (joined and joined[-1][0] is part.of is _itself):
            joined.append((part.of, []))
        joined[-1][1].extend(part.cells)
    return joined


def _runs(cells: Sequence[Cell]) -> list[tuple[Show, Show | None]]:
    """What fetches neighbouring cells at once, and what shows them."""
    runs: list[list[Cell]] = []
    for cell in cells:
        if runs and runs[-1][0].show is cell.show and _are_named([runs[-1][0], cell]):
            runs[-1].append(cell)
        else:
            runs.append([cell])
    return [(_fetch(run), run[0].show) for run in runs]


def _are_named(cells: Sequence[Cell]) -> bool:
    return all(isinstance(cell.value, str) for cell in cells)


def _fetch(run: Sequence[Cell]) -> Show:
    fetch = [attrgetter(cell.value) if isinstance(cell.value, str) else cell.value for cell in run]
    if len(fetch) == 1:
        return lambda part: (fetch[0](part),)
    names = [str(cell.value) for cell in run]
    return attrgetter(*names)
