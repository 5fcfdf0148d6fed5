"""Whatever order, repetition, partition, batch and refresh: the tables are the oracle's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from builders import (
    START,
    disturbances_of,
    event_lists,
    in_two_spellings,
    invalid_messages,
    messages,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.postgres.settings import in_one_database
from integration.postgres.store import NOW, Store, send

if TYPE_CHECKING:
    from builders import Event


@settings(in_one_database, max_examples=25)
@given(st.data(), event_lists(24), st.lists(invalid_messages(), max_size=2))
def test_any_way_to_the_same_set_of_events_ends_in_the_same_tables(
    store: Store, data: st.DataObject, events: list[Event], refused: list[bytes]
) -> None:
    """Events in any order, some repeated or taken back, with refreshes between.

    Ids are in either spelling, and two workers take them in in any batches.
    """
    store.clear()
    events = in_two_spellings(events)
    disturbances = messages(data.draw(disturbances_of(events), "repeated and taken back"))
    values = data.draw(st.permutations([*messages(events), *disturbances, *refused]), "log")
    log = values
    sinks = [store.sink(0), store.sink(1)]
    chores = store.chores()
    moment = START
    while log:
        number = data.draw(st.integers(0, 1), "worker")
        size = data.draw(st.integers(1, len(log)), "size")
        send(sinks[number], log[:size], number)
        log = log[size:]
        moment = min(
            NOW,
            moment
            + data.draw(
                st.sampled_from([timedelta(0), timedelta(minutes=7), timedelta(days=3)]), "passed"
            ),
        )
        if data.draw(st.booleans(), "refresh"):
            chores.refresh(moment)
            chores.assess_churn(moment)
        if data.draw(st.booleans(), "take back"):
            chores.take_back(moment)
    chores.take_back(NOW)
    store.move_histories()
    store.assert_as_expected(values, names=["experience_daily"])
    chores.refresh(NOW)
    chores.assess_churn(NOW)
    store.assert_as_expected(values)
