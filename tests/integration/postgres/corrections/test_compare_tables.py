"""What comparing the tables takes of the server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from builders import messages
from integration.postgres.crowd import crowd
from integration.postgres.store import send

from voc_stream.postgres.corrections import rebuild
from voc_stream.postgres.corrections.compare_tables import compare_tables

if TYPE_CHECKING:
    import pytest
    from integration.postgres.store import Store

    from voc_stream.postgres.cells.schemas import Schemas
    from voc_stream.postgres.corrections.compare_tables import TableComparison
    from voc_stream.postgres.session.cursor import Cursor


class PlanningCursor:
    """Keeps the plan of each query that it executes."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor, self.plan, self.asked = cursor, "", ""

    def execute(self, statement: str) -> None:
        """Execute a statement without parameters."""
        self.asked += statement
        if statement.startswith("SELECT"):
            self._cursor.execute(f"EXPLAIN {statement}")
            self.plan += "".join(f"{line}\n" for (line,) in self._cursor)
        self._cursor.execute(statement)

    def fetchone(self) -> Any:
        """The next row."""
        return self._cursor.fetchone()


def rebuilt(store: Store, monkeypatch: pytest.MonkeyPatch) -> PlanningCursor:
    """The cursor by which a rebuild compared the tables."""
    cursors: list[PlanningCursor] = []

    def compare(cursor: Cursor, schemas: Schemas) -> list[TableComparison]:
        cursors.append(PlanningCursor(cursor))
        planning: Any = cursors[-1]
        return compare_tables(planning, schemas)

    monkeypatch.setattr(rebuild, "compare_tables", compare)
    rebuild.rebuild(store.url, store.catalogue, lambda _done, _of: None)
    [planning] = cursors
    return planning


def test_comparing_takes_no_memory_by_the_row(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hashed EXCEPT keeps every row in memory, however little work_mem is."""
    send(store.sink(), messages(crowd(20)))
    plan = rebuilt(store, monkeypatch).plan
    assert "SetOp Except" in plan
    assert "HashSetOp" not in plan


def test_every_column_that_readers_see_is_compared(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Intervals, too: they follow from sums and from `phi`."""
    statements = rebuilt(store, monkeypatch).asked
    select = re.search(r"SELECT ((?:\"\w+\",? )+)FROM \w+\.rolling_satisfaction", statements)
    assert select is not None
    compared = set(re.findall(r"\w+", select[1]))
    columns = store.ask(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_name = 'rolling_satisfaction' AND table_schema = current_schema()"
    )
    assert compared == {name for (name,) in columns}
    assert "ci_low" in compared
