"""Several cells in one PostgreSQL: each is exact by itself, and so are the views over all."""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from builders import automotive_catalogue, messages
from comparison import KEYS, assert_tables_equal, read_tables
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, Store, send
from oracle import expected_tables

from voc_stream.database_url import with_cell
from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.corrections.rebuild import rebuild
from voc_stream.postgres.corrections.remove_cell import remove_cell
from voc_stream.postgres.schema.bi_views import bi_views
from voc_stream.postgres.schema.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from builders import Event
    from oracle.reading import Table

    from voc_stream.catalogue.model import Catalogue

CATALOGUE = automotive_catalogue()
NAMES = ("", "east", "north", "west")
SHOWN = {view.name: view.columns.keys() for view in bi_views()}
BI_TABLES = tuple(name for name in KEYS if name in SHOWN and name != "touchpoint_event")


class Cells:
    """Some cells of one database, and the events of each."""

    def __init__(self, url: str, catalogue: Catalogue, open_: ExitStack) -> None:
        self.url = url
        self.stores: dict[str, Store] = {}
        self.values: dict[str, list[bytes]] = {}
        self._catalogue = catalogue
        self._open = open_

    def add(self, name: str) -> Store:
        """What `init --cell` does, and the start of a worker."""
        url = with_cell(self.url, name) if name else self.url
        migrate(url)
        store = self._open.enter_context(Store(url, self._catalogue))
        store.copy_catalogue()
        self.stores[name] = store
        self.values[name] = []
        return store

    def take_in(self, name: str, events: list[Event]) -> None:
        """Take events in, and do all chores."""
        store, values = self.stores[name], messages(events)
        send(store.sink(0), values, len(self.values[name]) % 2)
        self.values[name] += values
        store.move_histories()
        chores = store.chores()
        chores.refresh(NOW)
        chores.assess_churn(NOW)

    def assert_each_is_exact(self) -> None:
        """Each cell's tables are the oracle's of its own events."""
        for name, store in self.stores.items():
            store.assert_as_expected(self.values[name])

    def assert_all_are_exact(self) -> None:
        """The views over all cells are the oracle's of all events."""
        everything = [value for values in self.values.values() for value in values]
        expected = shown(expected_tables(everything, CATALOGUE, NOW, NOW))
        assert_tables_equal(expected, read_tables(self.url, BI_TABLES, "voc_bi"))


def shown(tables: Mapping[str, Table]) -> dict[str, Table]:
    """The rows that BI tools may see, without what depends on when a risk was assessed."""
    return {
        name: {
            key: {
                column: value
                for column, value in row.items()
                if column in SHOWN[name] and (name, column) != ("churn_risk", "as_of")
            }
            for key, row in tables[name].items()
        }
        for name in BI_TABLES
    }


def of_cell(number: int, name: str, count: int = 30) -> list[Event]:
    """Events of people and orders that no other cell knows, at sites that all cells know."""
    events = crowd(count, seed=number, prefix=f"e{name}")
    for event in events:
        for field in ("customer_id", "order_id", "complaint_id"):
            if event.get(field) is not None:
                event[field] = f"{name}-{event[field]}"
    return events


@pytest.fixture
def cells(new_database: Callable[[], str], catalogue: Catalogue) -> Iterator[Cells]:
    """A database without a cell."""
    with ExitStack() as open_:
        yield Cells(new_database(), catalogue, open_)


def ask(url: str, statement: str, role: str | None = None) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url, user=role)) as connection:
        cursor = connection.cursor()
        cursor.execute(statement)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def test_each_cell_and_the_views_over_all_are_exact(cells: Cells) -> None:
    """Each cell equals its oracle and the views over all equal the oracle of all events.

    A cell that is added while others hold data changes none of them, and `rebuild` of one cell
    finds no difference in it.
    """
    for number, name in enumerate(NAMES[:3]):
        cells.add(name)
        cells.take_in(name, of_cell(number, name))
    cells.assert_all_are_exact()
    cells.add(NAMES[3])
    cells.take_in(NAMES[3], of_cell(3, NAMES[3]))
    cells.assert_each_is_exact()
    cells.assert_all_are_exact()
    for store in cells.stores.values():
        report = rebuild(store.url, store.catalogue, lambda *_: None)
        assert (report.differing, report.events) == (0, 30)


def test_a_removed_cell_is_shown_no_more(cells: Cells) -> None:
    """What is left is exact, nobody misses a view, and a cell of that name can be made again."""
    for number, name in enumerate(("", "north")):
        cells.add(name)
        cells.take_in(name, of_cell(number, name, 10))
    cells.assert_all_are_exact()
    north = cells.stores.pop("north")
    del cells.values["north"]
    remove_cell(north.url)
    cells.assert_all_are_exact()
    with pytest.raises(StoreUnavailableError, match="no cell 'north'"):
        remove_cell(north.url)
    cells.add("north")
    cells.assert_all_are_exact()
    [(of_whom,)] = ask(cells.url, "SELECT array_agg(DISTINCT cell) FROM voc_bi.customer", "voc_bi")
    assert of_whom == [""]


def test_cells_that_are_made_at_once_are_all_shown(cells: Cells) -> None:
    """Each `init` sees the cells of those that ended before it, so none is left out."""
    makers = [
        threading.Thread(target=migrate, args=(with_cell(cells.url, f"c{number}"),))
        for number in range(3)
    ]
    for each in makers:
        each.start()
    for each in makers:
        each.join()
    [(definition,)] = ask(cells.url, "SELECT pg_get_viewdef('voc_bi.complaint'::regclass)")
    assert all(f"voc_c{number}.complaint" in definition for number in range(3))
