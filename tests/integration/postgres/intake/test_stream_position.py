from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from builders import message, messages, touchpoint
from integration.postgres.store import NOW, batch_of, partition, position_of, send

from voc_stream.pipeline.ports import RefusalLimitError, StoredPosition
from voc_stream.pipeline.refusal_limit import RefusalLimit, RefusalRecord
from voc_stream.postgres.intake.batch_transaction import PostgresSink
from voc_stream.postgres.intake.stream_position import begin_anew, refusal_records

if TYPE_CHECKING:
    from integration.postgres.store import Store


def test_what_is_refused_is_counted_in_the_batchs_transaction(store: Store) -> None:
    """Any sink reads what another one wrote, and the result of a batch says the same."""
    sink = store.sink(0, 1)
    result = send(sink, [b"bad"] * 3 + [message(touchpoint())] + [b"bad"] * 2)
    assert result.refusals == RefusalRecord(run=2, messages=6, refused=5)
    assert store.sink().refusals([partition(0), partition(1), partition(9)]) == {
        partition(0): result.refusals,
        partition(1): RefusalRecord(),
    }
    assert send(store.sink(), [b"bad"]).refusals == RefusalRecord(run=3, messages=7, refused=6)


def test_an_operator_lets_a_partition_begin_anew(store: Store) -> None:
    """Only that one goes on.

    The worker's next batch goes on from there, whatever the worker believed before.
    """
    sink = store.sink(0, 1)
    send(sink, [b"bad"] * 5)
    send(sink, [b"bad"] * 5, 1)
    begin_anew(store.url, partition(0), allowed=2)
    assert refusal_records(store.url) == {
        partition(0): RefusalRecord(allowed=2),
        partition(1): RefusalRecord(run=5, messages=5, refused=5),
    }
    assert send(sink, [b"bad"] * 3).refusals == RefusalRecord(run=1, messages=1, refused=1)


def test_another_log_begins_anew(store: Store) -> None:
    """What the old topic held says nothing about the new one."""
    sink = store.sink(0)
    send(sink, [b"bad"] * 5)
    sink.start_at(partition(0), StoredPosition("log-2", 0), position_of(sink))
    assert sink.refusals([partition(0)]) == {partition(0): RefusalRecord()}


def test_events_that_contradict_earlier_ones_are_refused_up_to_the_limit(store: Store) -> None:
    """A producer whose ids began anew must not drain into dead letters.

    The store says where it stops, and takes in what comes before.
    """
    send(store.sink(0), messages(touchpoint(f"t-{number}") for number in range(9)))
    again = messages(
        [touchpoint("new"), *(touchpoint(f"t-{number}", score=1) for number in range(9))]
    )
    with closing(
        PostgresSink(store.url, store.catalogue, limit=RefusalLimit(run=5, percent=0))
    ) as sink:
        batch = batch_of(sink, again)
        with pytest.raises(RefusalLimitError) as caught:
            sink.process([batch], NOW)
        assert (caught.value.partition, caught.value.offset) == (partition(0), 15)
        assert caught.value.refusal.reason == "conflicting_event"
        assert store.one("SELECT count(*) FROM dead_letter") == 0
        (result,) = sink.process([batch.first(6)], NOW)
        assert (result.accepted, result.conflicting, result.refusals) == (1, 5, caught.value.record)
        with pytest.raises(RefusalLimitError) as again_caught:
            sink.process([batch.after(batch.first(6))], NOW)
        assert again_caught.value.offset == 15


def test_what_postgresql_refuses_is_refused_up_to_the_limit(store: Store) -> None:
    """As where somebody has added a constraint that no event fulfils."""
    store.ask("ALTER TABLE touchpoint_event ADD CONSTRAINT added CHECK (customer_id = 'nobody')")
    try:
        with closing(
            PostgresSink(store.url, store.catalogue, limit=RefusalLimit(run=5, percent=0))
        ) as sink:
            batch = batch_of(sink, messages(touchpoint(f"t-{number}") for number in range(9)))
            with pytest.raises(RefusalLimitError) as caught:
                sink.process([batch], NOW)
    finally:
        store.ask("ALTER TABLE touchpoint_event DROP CONSTRAINT added")
    assert (caught.value.offset, caught.value.refusal.reason) == (5, "storage")
    assert store.one("SELECT count(*) FROM dead_letter") == 5
