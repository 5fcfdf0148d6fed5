"""Declares a row once: its column, its comment and its value stand together.

The table, the list of columns for COPY and the function that makes a row are all made from that.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table
from sqlalchemy.dialects.postgresql import JSON

from voc_stream.postgres.schema.tables.columns import MONEY, column, metadata, required

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from voc_stream.postgres.session.copy_csv import Value

StateT = TypeVar("StateT")
_encode = msgspec.json.Encoder().encode


class Cell(NamedTuple):
    """A column, and the value of a state that stands in it, or of the `Part` of the state."""

    column: Column[Any]
    value: Callable[[Any], Value]


class Part(NamedTuple):
    """Cells that are all empty while `of`, given the state, is None."""

    of: Callable[[Any], Any]
    cells: tuple[Cell, ...]


def plain(name: str, type_: Any, comment: str, *, null: bool = True) -> Cell:
    """A column that shows the state's attribute of the same name."""
    return Cell(column(name, type_, comment, null=null), attrgetter(name))


def stated(name: str, type_: Any, comment: str, *, null: bool = True) -> Cell:
    """A column that shows the value that was stated latest, of the attribute of the same name."""
    attribute = attrgetter(name)

    def value(state: Any) -> Value:
        found = attribute(state)
        return None if found is None else found.value

    return Cell(column(name, type_, comment, null=null), value)


def stated_money(name: str, comment: str) -> Cell:
    """A column as `stated` makes it, for an amount in hundredths."""
    attribute = attrgetter(name)

    def value(state: Any) -> Value:
        found = attribute(state)
        return None if found is None else found.value / 100

    return Cell(column(name, MONEY, comment), value)


class EntityRow(Generic[StateT]):
    """A table of states: a key, a version, the state itself, and columns that show it.

    Attributes:
        table: the table.
        columns: its columns, in the order of `values`.
        decode: from `state_sql` to a state.
        state_sql: SQL of the whole state as text.
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
        apart: Mapping[str, tuple[str, Sequence[str]]] | None = None,
    ) -> None:
        """Declare the table.

        `apart` names columns, each with its comment and the fields of the state that stand there.
        They are JSON objects, and what stands in them is not in `fold_state`.
        """
        self._apart = {column: tuple(fields) for column, (_, fields) in (apart or {}).items()}
        self._without: dict[str, Any] = {
            field: {} for fields in self._apart.values() for field in fields
        }
        fold_state = required(
            "fold_state", JSON, "what later events may still need of earlier ones; not for readers"
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
            *[column(each, JSON, comment) for each, (comment, _) in (apart or {}).items()],
            *[cell.column for part in parts for cell in part.cells],
            PrimaryKeyConstraint(key.column.name),
            *indexes,
            comment=comment,
            postgresql_with={"fillfactor": "70"},
        )
        self.columns = tuple(each.name for each in self.table.columns)
        self.decode: Callable[[str], StateT] = msgspec.json.Decoder(state).decode
        self.state_sql = "left(fold_state::text, -1)" if apart else "fold_state::text"
        for each in self._apart:
            # Both are objects: without their braces they are one.
            self.state_sql += f" || coalesce(',' || nullif(substr({each}::text, 2), '}}'), '}}')"
        self._key = key.value
        self._parts = _joined(parts)

    def values(self, state: StateT, version: int) -> tuple[Value, ...]:
        """The row of a state."""
        row: list[Value] = [self._key(state), version, *self._texts(state)]
        for of, getters, blanks in self._parts:
            part = of(state)
            if part is None:
                row += blanks
            else:
                row += [get(part) for get in getters]
        return tuple(row)

    def _texts(self, state: StateT) -> list[str]:
        if not self._apart:
            return [_encode(state).decode()]
        rest = msgspec.structs.replace(state, **self._without)  # type: ignore[type-var]  # a struct
        return [_encode(rest).decode()] + [
            _encode({field: found for field in fields if (found := getattr(state, field))}).decode()
            for fields in self._apart.values()
        ]

    def state_of(self, values: Sequence[Value]) -> str:
        """The text of the whole state of a row that `values` made, as `state_sql` gives it."""
        text = str(values[2])
        for place in range(3, 3 + len(self._apart)):
            further = str(values[place])
            if further != "{}":
                text = f"{text[:-1]},{further[1:]}"
        return text


def _itself(state: Any) -> Any:
    return state


def _joined(
    parts: Sequence[Part],
) -> list[tuple[Callable[[Any], Any], list[Callable[[Any], Value]], list[None]]]:
    """The getters of each part; neighbouring cells of the state itself are one part."""
    joined: list[tuple[Callable[[Any], Any], list[Callable[[Any], Value]], list[None]]] = []
    for part in parts:
        if not (joined and joined[-1][0] is part.of is _itself):
            joined.append((part.of, [], []))
        joined[-1][1].extend(cell.value for cell in part.cells)
        joined[-1][2].extend(None for _ in part.cells)
    return joined
