from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest
from builders import messages, touchpoint
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, send

from voc_stream.domain.contribution import Contribution
from voc_stream.domain.dimensions import COLUMNS
from voc_stream.postgres.increments.aggregate import Aggregate, Key
from voc_stream.postgres.increments.increment_rows import (
    OF_REBUILD,
    insert_increment,
    measures_waiting,
)
from voc_stream.postgres.increments.levels import LEVELS, Level
from voc_stream.postgres.increments.merging import merge_waiting
from voc_stream.postgres.schema.sums import merge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from integration.postgres.store import Store

    from voc_stream.postgres.session.cursor import Cursor

# All that a new aggregate is: its table, its level, its key, and what each measure adds.
TOY = Aggregate(
    "toy",
    Level.DETAILS,
    (Key("channel", lambda m: m.names["channel"], lambda w, codes: w.names["channel"].of(codes)),),
    {"n": lambda m: m.weight, "points": lambda m: m.weight * m.value},
)


@pytest.fixture
def cursor(store: Store) -> Iterator[Cursor]:
    """A transaction that is rolled back."""
    options = "-c search_path=voc"
    with closing(psycopg2.connect(store.url, options=options)) as connection:
        yield connection.cursor()
        connection.rollback()


def test_a_new_aggregate_is_one_declaration(store: Store, cursor: Cursor) -> None:
    """It is read, added up, written and moved on as all others are."""
    cursor.execute("CREATE TEMP TABLE toy (channel text PRIMARY KEY, n bigint, points bigint)")
    scores = [("web", 7), ("web", 9), ("phone", 10)]
    events = [touchpoint(f"t-{n}", channel=c, score=s) for n, (c, s) in enumerate(scores)]
    sink = store.sink()
    for value in messages(events):
        send(sink, [value])
    assert merge_waiting(cursor, Level.DETAILS, NOW, 10, [TOY]).measures == len(scores)
    cursor.execute("SELECT * FROM toy ORDER BY channel")
    assert cursor.fetchall() == [("phone", 1, 1000), ("web", 2, 1600)]
    assert measures_waiting(cursor, Level.DETAILS) == 0
    assert measures_waiting(cursor, Level.SITES) == len(scores)


def test_an_increment_without_measures_adds_nothing(cursor: Cursor) -> None:
    """Such as of an order that says nothing to be measured; it is passed like all others."""
    nothing = Contribution(NOW, ("",) * len(COLUMNS), 1, ())
    insert_increment(cursor, OF_REBUILD, [nothing])
    for level in LEVELS:
        assert merge_waiting(cursor, level, NOW, 10).measures == 0
    cursor.execute("SELECT count(*) FROM increment")
    assert cursor.fetchone() == (0,)
    cursor.execute("SELECT count(*) FROM rolling_sum")
    assert cursor.fetchone() == (0,)


def test_an_increment_goes_when_every_level_has_merged_it(store: Store) -> None:
    """And not before; whoever merges next begins where the level stands."""
    chores, sink = store.chores(), store.sink(0, 1)
    for n in range(2):
        send(sink, messages([touchpoint(f"t-{n}", customer_id=f"u-{n}")]), n)
    chores.refresh_sites(NOW)
    assert store.one("SELECT count(*) FROM increment") == 2
    assert store.ask("SELECT level, topic, partition, number FROM merged ORDER BY partition") == [
        ("sites", "test.events", 0, 1),
        ("sites", "test.events", 1, 1),
    ]
    chores.refresh_details(NOW, when_due=False)
    assert store.one("SELECT count(*) FROM increment") == 0
    send(sink, messages([touchpoint("t-2")]))
    assert store.ask("SELECT number FROM increment") == [(2,)]
    assert store.one("SELECT count(*) FROM merged") == 2 * len(LEVELS)


def test_a_topic_that_is_made_anew_counts_on(store: Store) -> None:
    """Its offsets begin again at 0, but not the numbers of its increments: none is passed over."""
    values = messages(crowd(30))
    send(store.sink(), values[:20])
    chores = store.chores()
    chores.refresh(NOW)
    store.ask("UPDATE stream_position SET next_offset = 0")
    send(store.sink(), values[20:])
    chores.refresh(NOW)
    store.assert_as_expected(values, names=["rolling_satisfaction", "experience_daily"])


def test_rows_are_found_by_their_key_while_a_table_is_new(cursor: Cursor) -> None:
    """The planner knows of no row in it, and takes to read it whole for quick.

    For each of many rows it then read all that were written before.
    """
    said: list[str] = []

    class Recorder:
        def execute(self, statement: str) -> None:
            said.append(statement)

    key = ("resolution", "start", "scope_type", "scope", "experience")
    cursor.execute(
        "CREATE TEMP TABLE many AS SELECT 5 AS resolution, now() AS start, 'site' AS scope_type,"
        " n::text AS scope, 'e' AS experience, 1 AS n FROM generate_series(1, 5000) n;"
        "CREATE TEMP TABLE new (LIKE pane INCLUDING ALL)"
    )
    merge(Recorder(), "new", key, ("n",), "SELECT * FROM many")  # type: ignore[arg-type]  # all that it uses
    before, statement, after = said
    cursor.execute(before)
    cursor.execute(f"EXPLAIN {statement}")
    plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan using new_pkey on new t" in plan, plan
    assert "resolution = many.resolution" in plan, plan
    assert "experience = many.experience" in plan, plan
    cursor.execute(after)
    cursor.execute("SHOW enable_hashjoin")
    assert cursor.fetchall() == [("on",)]
