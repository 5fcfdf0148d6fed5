"""Two workers that change the same rows at the same moment, while the tables are refreshed: the oracle's tables."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from builders import START, Event, automotive_catalogue, event_lists, messages
from comparison import assert_tables_equal, read_tables
from end_to_end.database import Database
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import expected_tables

from voc_stream.ports import Batch, Message, Partition, StoredPosition, StoreUnavailableError
from voc_stream.postgres.sink import PostgresSink
from voc_stream.postgres.upkeep import PostgresUpkeep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.catalogue import Catalogue

NOW = START + timedelta(days=29)
BATCH = 4


@pytest.fixture
def database(database_url: str, catalogue: Catalogue) -> Database:
    """The database of this test."""
    return Database(database_url, catalogue)


def write(database: Database, number: int, values: Sequence[bytes]) -> None:
    """What one worker does with one partition, in small batches; what the store gave up on is tried again from its position."""
    partition = Partition("test.touchpoints", number)
    with closing(PostgresSink(database.url, database.catalogue)) as sink:
        sink.start_at(partition, StoredPosition("log-1", 0))
        position = 0
        while position < len(values):
            found = [Message(offset, value) for offset, value in enumerate(values)][position : position + BATCH]
            try:
                position = sink.process(Batch(partition, position, found), NOW).next_offset
            except StoreUnavailableError:
                position = sink.positions([partition])[partition].next_offset


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.generate],  # what depends on timing cannot be made smaller
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(events=event_lists(60, min_size=40), places=st.lists(st.integers(0, 2), min_size=60, max_size=60))
def test_writers_at_once_make_the_tables_of_the_oracle(database: Database, events: list[Event], places: list[int]) -> None:
    """Rows that two writers want at once are written by one after the other, and an event that both bring counts once."""
    sent = messages(events)
    shares = [[value for value, place in zip(sent, places, strict=False) if place in (number, 2)] for number in range(2)]
    database.clear()
    with ThreadPoolExecutor() as workers, closing(PostgresUpkeep(database.url, database.catalogue)) as upkeep:
        writing = [workers.submit(write, database, number, share) for number, share in enumerate(shares)]
        while not all(each.done() for each in writing):
            upkeep.settle(NOW - timedelta(hours=1))
            upkeep.assess_churn(NOW - timedelta(hours=1))
        for each in writing:
            each.result()
        assert upkeep.settle(NOW)
        upkeep.assess_churn(NOW)
    expected = expected_tables(sent, automotive_catalogue(), NOW)
    for row in expected["churn_risk"].values():
        del row["as_of"]  # who did not change, and for whom no time ran out, was not assessed again
    assert_tables_equal(expected, read_tables(database.url))
