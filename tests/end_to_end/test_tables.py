"""Messages through the real sink and upkeep into a real PostgreSQL, in any order and any batches: the tables are the oracle's."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import psycopg2
import pytest
from builders import START, Event, automotive_catalogue, event_lists, invalid_messages, messages
from comparison import assert_tables_equal, read_tables
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import expected_tables

from voc_stream.pipeline import Batch, Message, Partition, StoredPosition
from voc_stream.postgres.sink import PostgresSink
from voc_stream.postgres.upkeep import PostgresUpkeep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from voc_stream.catalogue import Catalogue

NOW = START + timedelta(days=29)
PARTITIONS = [Partition("test.touchpoints", number) for number in range(2)]


class Tables:
    """One database that is emptied before each example."""

    def __init__(self, database_url: str, catalogue: Catalogue) -> None:
        self.url = database_url
        self.catalogue = catalogue

    def clear(self) -> None:
        """Empty every table; the upkeep mirrors the catalogue anew."""
        with closing(psycopg2.connect(self.url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'voc' AND tablename <> 'alembic_version'"
            )
            cursor.execute(f"TRUNCATE {', '.join(name for (name,) in cursor.fetchall())}")

    def take_in(self, batches: Sequence[tuple[int, Sequence[bytes]]], settle_after: set[int]) -> None:
        """Process batches of (partition, values), refreshing the rolling tables in between where `settle_after` holds the number."""
        with closing(PostgresSink(self.url, self.catalogue)) as sink, closing(PostgresUpkeep(self.url, self.catalogue)) as upkeep:
            offsets = dict.fromkeys(PARTITIONS, 0)
            for partition in PARTITIONS:
                sink.start_at(partition, StoredPosition("log-1", 0))
            for number, (place, values) in enumerate(batches):
                partition = PARTITIONS[place]
                found = [Message(offset, value) for offset, value in enumerate(values, start=offsets[partition])]
                offsets[partition] = sink.process(Batch(partition, offsets[partition], found), NOW).next_offset
                if number in settle_after:
                    upkeep.settle(_earlier(number))
                    upkeep.assess_churn(_earlier(number))
            assert upkeep.settle(NOW)
            upkeep.assess_churn(NOW)


def _earlier(number: int) -> datetime:
    return NOW - timedelta(days=20) + timedelta(hours=13 * number)


@pytest.fixture
def tables(database_url: str, catalogue: Catalogue) -> Tables:
    """The database of this test."""
    return Tables(database_url, catalogue)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(events=event_lists(40), refused=st.lists(invalid_messages(), max_size=3), data=st.data())
def test_tables_are_those_of_the_oracle(tables: Tables, events: list[Event], refused: list[bytes], data: st.DataObject) -> None:
    """Whatever the order, the repetition, the partitions, the batches and the refreshes in between.

    The risks are those of now although only the customers that changed or whose time had come were assessed.
    """
    sent = messages(events)
    shuffled = data.draw(
        st.permutations([*sent, *data.draw(st.lists(st.sampled_from(sent), max_size=5) if sent else st.just([])), *refused])
    )
    cuts = sorted({0, len(shuffled), *data.draw(st.lists(st.integers(0, len(shuffled)), max_size=6))})
    pieces = [shuffled[first:last] for first, last in pairwise(cuts)]
    batches = [(data.draw(st.integers(0, 1)), piece) for piece in pieces]
    tables.clear()
    tables.take_in(batches, settle_after=data.draw(st.sets(st.integers(0, 6))))
    expected = expected_tables(sent, automotive_catalogue(), NOW)
    for row in expected["churn_risk"].values():
        del row["as_of"]  # who did not change, and for whom no time ran out, was not assessed again
    assert_tables_equal(expected, read_tables(tables.url))
