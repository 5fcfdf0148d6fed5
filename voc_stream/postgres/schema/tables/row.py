"""Declares a row once: columns with their comments stand beside the function that shows them.

The table, the list of columns for COPY and the function that makes a row are all made from that.
Rows are made with each event, so one function shows all columns that stand together.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from voc_stream.postgres.schema.tables.columns import metadata, required

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voc_stream.postgres.session.copy_csv import Value

StateT = TypeVar("StateT")
_encode = msgspec.json.Encoder().encode


class Cells(NamedTuple):
    """Columns that stand together, and what stands in them.

    Attributes:
        columns: the columns.
        show: the value of each column, in their order, given the state of the row.
    """

    columns: tuple[Column[Any], ...]
    show: Callable[[Any], Sequence[Value]]


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
        key: Column[str],
        cells: Sequence[Cells],
        *,
        indexes: Sequence[Index] = (),
        comment: str,
    ) -> None:
        """Declare the table; `key` has the name of the state's attribute that is its key."""
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
        self.table = Table(
            name,
            metadata,
            key,
            *[column for each in cells for column in each.columns],
            # Last, because PostgreSQL logs of an update only what lies between the bytes that stay
            # at the front of the row and those that stay at its end.
            version,
            fold_state,
            PrimaryKeyConstraint(key.name),
            *indexes,
            comment=comment,
            postgresql_with={"fillfactor": "70"},
        )
        self.columns = tuple(each.name for each in self.table.columns)
        self.decode: Callable[[str], StateT] = msgspec.json.Decoder(state).decode
        self._key = attrgetter(key.name)
        self._shows = [each.show for each in cells]

    def values(self, state: StateT, version: int) -> tuple[Value, ...]:
        """The row of a state."""
        row: list[Value] = [self._key(state)]
        for show in self._shows:
            row += show(state)
        row += (version, _encode(state).decode())
        return tuple(row)

    @staticmethod
    def state_of(values: Sequence[Value]) -> str:
        """The text of the state of a row that `values` made."""
        return str(values[-1])
