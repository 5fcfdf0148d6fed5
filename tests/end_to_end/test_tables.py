"""Messages through the real sink and upkeep into a real PostgreSQL, in any order and any batches: the tables are the oracle's."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from builders import START, Event, automotive_catalogue, event_lists, invalid_messages, messages
from comparison import assert_tables_equal, read_tables
from end_to_end.database import Database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import expected_tables

from voc_stream.ports import Batch, Message, Partition, StoredPosition
from voc_stream.postgres.sink import PostgresSink
from voc_stream.postgres.upkeep import PostgresUpkeep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from voc_stream.catalogue import Catalogue

NOW = START + timedelta(days=29)
PARTITIONS = [Partition("test.touchpoints", number) for number in range(2)]


@pytest.fixture
def database(database_url: str, catalogue: Catalogue) -> Database:
    """The database of this test."""
    return Database(database_url, catalogue)


def take_in(database: Database, batches: Sequence[tuple[int, Sequence[bytes]]], settle_after: set[int]) -> None:
    """Process batches of (partition, values), refreshing the rolling tables in between where `settle_after` holds the number."""
    with (
        closing(PostgresSink(database.url, database.catalogue)) as sink,
        closing(PostgresUpkeep(database.url, database.catalogue)) as upkeep,
    ):
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


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(events=event_lists(40), refused=st.lists(invalid_messages(), max_size=3), data=st.data())
def test_tables_are_those_of_the_oracle(database: Database, events: list[Event], refused: list[bytes], data: st.DataObject) -> None:
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
    database.clear()
    take_in(database, batches, settle_after=data.draw(st.sets(st.integers(0, 6))))
    expected = expected_tables(sent, automotive_catalogue(), NOW)
    for row in expected["churn_risk"].values():
        del row["as_of"]  # who did not change, and for whom no time ran out, was not assessed again
    assert_tables_equal(expected, read_tables(database.url))
