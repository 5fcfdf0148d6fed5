"""No mean leaves the tables without saying of how many it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders import answered_together, at, callback, complaint, messages
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, send

from voc_stream.postgres.schema.tables.of_how_many import OF_HOW_MANY, OF_ONE_THING

if TYPE_CHECKING:
    from integration.postgres.store import Store

DECIMALS = ["double precision", "numeric", "real"]
WHOLE = ["bigint", "integer"]


def columns(store: Store, types: list[str]) -> set[tuple[str, str]]:
    """Relations that readers see and their columns of these types."""
    return set(
        store.ask(
            "SELECT table_name::text, column_name::text FROM information_schema.columns"
            " WHERE table_schema = 'voc_bi' AND data_type = ANY(%s)",
            types,
        )
    )


def test_each_number_with_decimals_says_of_how_many_it_is(store: Store) -> None:
    """Or it is declared to be of one thing; the columns that count are whole numbers beside it."""
    means = {(name, column) for name, found in OF_HOW_MANY.items() for column in found}
    others = {(name, column) for name, found in OF_ONE_THING.items() for column in found}
    assert means & others == set()
    assert columns(store, DECIMALS) == means | others
    counts = {
        (name, count)
        for name, found in OF_HOW_MANY.items()
        for each in found.values()
        for count in each
    }
    assert counts <= columns(store, WHOLE)


def test_where_a_mean_is_its_count_is(store: Store) -> None:
    """Of a mean that is known, it is known of how many; of one of scores, of one at least."""
    said = [
        complaint(
            f"k-1{n}",
            complaint_id=f"q-1{n}",
            order_id="o-1",
            text="rude",
            occurred_at=at(days=-40 * (not n)),
        )
        for n in range(4)
    ]
    said.append(callback("k-2", order_id="o-1", answers=[{"item": "overall", "score": 5}]))
    send(store.sink(), messages([*crowd(60), *said, *answered_together()]))
    store.chores().refresh(NOW)
    for name, found in OF_HOW_MANY.items():
        for column, counts in found.items():
            known = store.ask(f"SELECT count(*) FROM voc_bi.{name} WHERE {column} IS NOT NULL")
            assert known[0][0] > 0, (name, column)
            uncounted = " OR ".join(
                f"{count} IS NULL"
                if count in ("expectation_n", "importance_n")
                else f"coalesce({count}, 0) < 1"
                for count in counts
            )
            assert store.ask(
                f"SELECT count(*) FROM voc_bi.{name} WHERE {column} IS NOT NULL AND ({uncounted})"
            ) == [(0,)], (name, column)
