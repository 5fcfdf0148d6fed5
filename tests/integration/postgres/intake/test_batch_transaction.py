from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from builders import START, at, complaint, customer, message, messages, repair_step, touchpoint
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.postgres.crowd import crowd
from integration.postgres.settings import in_one_database
from integration.postgres.store import LOG, NOW, batch_of, partition, send

from voc_stream.events.decode import Refusal, decode
from voc_stream.pipeline.ports import (
    Batch,
    BatchResult,
    DecodedMessage,
    FencedError,
    Message,
    StoredPosition,
    StoreGaveUpError,
    StoreUnavailableError,
)
from voc_stream.pipeline.take_in import decode_messages
from voc_stream.postgres.intake.batch_transaction import PostgresSink

if TYPE_CHECKING:
    from integration.postgres.store import Store

    from voc_stream.catalogue.model import Catalogue


def test_positions_are_those_that_were_stored(store: Store) -> None:
    """A partition never seen has none; starting again replaces log and offset."""
    sink = store.sink(0)
    assert sink.positions([partition(0), partition(1)]) == {partition(0): StoredPosition(LOG, 0)}
    sink.start_at(partition(0), StoredPosition("log-2", 7), StoredPosition(LOG, 0))
    assert store.sink().positions([partition(0)]) == {partition(0): StoredPosition("log-2", 7)}


def test_a_position_is_replaced_only_where_it_is_the_one_that_was_read(store: Store) -> None:
    """A worker that was slow to decide does not put back what another has moved meanwhile."""
    sink = store.sink(0)
    store.take_in(touchpoint(), sink=sink)
    for believed in (None, StoredPosition(LOG, 0), StoredPosition("log-0", 1)):
        with pytest.raises(FencedError):
            sink.start_at(partition(0), StoredPosition("log-2", 0), believed)
    assert sink.positions([partition(0)]) == {partition(0): StoredPosition(LOG, 1)}


def test_a_batch_of_another_log_is_fenced(store: Store) -> None:
    """A topic that is made anew begins at 0 again.

    The offset alone would let a batch of the old log pass for one of the new.
    """
    sink = store.sink(0)
    stale = batch_of(sink, messages([touchpoint()]))
    sink.start_at(partition(0), StoredPosition("log-2", 0), StoredPosition(LOG, 0))
    with pytest.raises(FencedError):
        sink.process([stale], NOW)
    assert store.one("SELECT count(*) FROM touchpoint_event") == 0


def test_a_batch_moves_the_position_past_its_last_message(store: Store) -> None:
    """Offsets may have gaps; the latest moment of its events is reported and kept."""
    sink = store.sink(0)
    found = [
        Message(3, message(touchpoint("a", occurred_at=at(hours=2)))),
        Message(9, message(touchpoint("b"))),
    ]
    (result,) = sink.process(
        [Batch(partition(0), StoredPosition(LOG, 0), decode_messages(found, NOW, store.catalogue))],
        NOW,
    )
    assert result == BatchResult(2, 0, 0, 10, START + timedelta(hours=2))
    assert store.ask("SELECT next_offset, event_time FROM stream_position") == [
        (10, START + timedelta(hours=2))
    ]
    assert store.ask('SELECT event_id, "offset" FROM touchpoint_event ORDER BY 1') == [
        ("a", 3),
        ("b", 9),
    ]


def test_an_older_batch_does_not_turn_back_the_event_time(store: Store) -> None:
    """The position's event_time is the latest ever taken in from there; refusals have none."""
    store.take_in(touchpoint("a", occurred_at=at(hours=2)))
    result = store.take_in(touchpoint("b"))
    assert result.latest_event_time == START
    assert send(store.sink(), [b"nothing"]).latest_event_time is None
    assert store.one("SELECT event_time FROM stream_position") == START + timedelta(hours=2)


def test_a_worker_that_lost_its_partition_changes_nothing(store: Store) -> None:
    """Another position than expected fences it, and afterwards it works on from the stored one."""
    mine, other = store.sink(0), store.sink()
    batch = batch_of(mine, messages([touchpoint("a")]))
    send(other, messages([touchpoint("b"), touchpoint("c")]))
    with pytest.raises(FencedError):
        mine.process([batch], NOW)
    assert store.ask("SELECT event_id FROM touchpoint_event ORDER BY 1") == [("b",), ("c",)]
    assert send(mine, messages([touchpoint("a")])).accepted == 1
    store.chores().refresh(NOW)
    store.assert_as_expected(
        messages([touchpoint("a"), touchpoint("b"), touchpoint("c")]),
        names=["customer", "rolling_satisfaction"],
    )


def test_offsets_that_hold_nothing_are_passed_over(store: Store) -> None:
    """The position moves and nothing else, and only from where it is expected."""
    sink = store.sink(0)
    store.take_in(touchpoint(), sink=sink)
    sink.process([Batch(partition(0), StoredPosition(LOG, 1), (), end=3)], NOW)
    assert store.ask("SELECT next_offset, event_time FROM stream_position") == [(3, START)]
    with pytest.raises(FencedError):
        sink.process([Batch(partition(0), StoredPosition(LOG, 1), (), end=9)], NOW)
    assert store.one("SELECT next_offset FROM stream_position") == 3


def test_batches_of_several_partitions_are_one_transaction(store: Store) -> None:
    """If one of them is fenced, nothing of the others counts either, and the error names it.

    An id in two of them counts once.
    """
    sink, other = store.sink(0, 1, 2), store.sink()
    batches = [
        batch_of(sink, messages([touchpoint("a"), touchpoint(f"b-{number}")]), number)
        for number in (0, 1)
    ]
    send(other, messages([touchpoint("c")]), 1)
    with pytest.raises(FencedError) as fenced:
        sink.process(batches, NOW)
    assert set(fenced.value.partitions) == {partition(1)}
    assert store.ask("SELECT event_id FROM touchpoint_event") == [("c",)]
    batches[1] = batch_of(sink, messages([touchpoint("a"), touchpoint("b-1")]), 1)
    nothing = Batch(partition(2), StoredPosition(LOG, 0), (), end=5)
    results = sink.process([*batches, nothing], NOW)
    assert [result.accepted + result.duplicate for result in results] == [2, 2, 0]
    assert sum(result.accepted for result in results) == 3
    assert store.ask("SELECT next_offset FROM stream_position ORDER BY partition") == [
        (2,),
        (3,),
        (5,),
    ]
    assert store.ask(
        "SELECT partition, event_id FROM touchpoint_event WHERE event_id LIKE 'b%%' ORDER BY 1"
    ) == [(0, "b-0"), (1, "b-1")]


def test_a_partition_without_a_position_is_fenced(store: Store) -> None:
    """The position must be stored before the first batch."""
    sink = store.sink()
    with pytest.raises(FencedError):
        sink.process(
            [
                Batch(
                    partition(5),
                    StoredPosition(LOG, 0),
                    decode_messages([Message(0, message(touchpoint()))], NOW, store.catalogue),
                )
            ],
            NOW,
        )


def test_a_repeated_event_counts_once_wherever_it_is_repeated(store: Store) -> None:
    """In one batch, in a later one, in another partition, read by another worker."""
    sink, other = store.sink(0, 1), store.sink()
    first = again = touchpoint("a", score=9)
    results = [
        send(sink, messages([first, again, touchpoint("b")])),
        send(sink, messages([again])),
        send(sink, messages([again, touchpoint("c")]), 1),
        send(other, messages([again, first, touchpoint("d")])),
    ]
    assert [(result.accepted, result.duplicate, result.rejected) for result in results] == [
        (2, 1, 0),
        (0, 1, 0),
        (1, 1, 0),
        (1, 2, 0),
    ]
    chores = store.chores()
    chores.refresh(NOW)
    chores.assess_churn(NOW)
    store.assert_as_expected(messages([first, *(touchpoint(name) for name in "bcd")]))


def test_the_whole_message_is_kept(store: Store) -> None:
    """Unknown fields and numbers as they were written stay in the body."""
    value = message({**touchpoint(), "invented": {"exact": 1.10, "text": "a\tb\\n"}}).replace(
        b"1.1}", b"1.10}"
    )
    send(store.sink(), [value])
    assert store.one("SELECT body -> 'invented' ->> 'text' FROM touchpoint_event") == "a\tb\\n"


def test_a_body_is_kept_as_it_was_written(store: Store) -> None:
    """Not only what it says: an auditor finds the sender's own spelling and order of fields."""
    value = message(touchpoint(invented={"z": 1.50, "a": [1, 2]})).replace(b":", b" :  ", 1)
    send(store.sink(), [value])
    assert store.one("SELECT body::text FROM touchpoint_event") == value.decode()
    store.assert_as_expected([value], names=["touchpoint_event"])


def test_the_largest_amounts_are_stored(store: Store) -> None:
    """What the event schema allows fits the columns."""
    store.take_in(
        customer(annual_value=1e12),
        complaint(compensation=1e12),
        repair_step(estimated_amount=1e12, final_amount=999_999_999_999.99),
    )
    assert store.one("SELECT annual_value FROM customer") == 10**12
    assert store.one("SELECT count(*) FROM dead_letter") == 0


def test_refused_messages_cost_nothing_else(store: Store) -> None:
    """Each refusal is a dead letter with its reason and its bytes, a tombstone one without.

    The events beside them count.
    """
    values = [
        None,
        b"",
        b"\xff",
        message(touchpoint("a")),
        b"{}",
        message(touchpoint("b", score=11)),
    ]
    result = send(store.sink(), values)
    assert (result.accepted, result.rejected, result.next_offset) == (1, 5, 6)
    found = store.ask(
        'SELECT "offset", reason, payload, received_at, retried_at, topic_id FROM dead_letter ORDER'
        " BY 1"
    )
    assert [row[:2] for row in found] == [
        (0, "empty"),
        (1, "empty"),
        (2, "invalid_utf8"),
        (4, "missing_field"),
        (5, "out_of_range"),
    ]
    assert [None if row[2] is None else bytes(row[2]) for row in found] == [
        values[row[0]] for row in found
    ]
    assert {row[3:] for row in found} == {(NOW, None, LOG)}


def test_a_log_that_is_read_again_leaves_one_dead_letter(store: Store) -> None:
    """The same offset of the same log is the same refusal; of another log it is another."""
    sink = store.sink(0)
    send(sink, [b"{}"])
    sink.start_at(partition(0), StoredPosition(LOG, 0), StoredPosition(LOG, 1))
    send(sink, [b"{}"])
    sink.start_at(partition(0), StoredPosition("log-2", 0), StoredPosition(LOG, 1))
    send(sink, [b"{}"])
    assert store.ask("SELECT topic_id FROM dead_letter ORDER BY 1") == [(LOG,), ("log-2",)]


@settings(in_one_database, max_examples=8)
@given(st.sets(st.integers(0, 8)), st.integers(0, 9), st.integers(0, 99))
def test_an_event_that_postgresql_refuses_costs_only_itself(
    store: Store, catalogue: Catalogue, guilty: set[int], border: int, seed: int
) -> None:
    """Halving finds the guilty ones wherever they stand in two partitions.

    They become dead letters, whole, and the others count.
    """
    store.clear()
    values = messages(crowd(9, seed))
    decoded: list[DecodedMessage] = []
    for place, value in enumerate(values):
        event = decode(value, NOW, catalogue)
        assert not isinstance(event, Refusal)
        # Nothing that the decoder lets pass is known to be refused, so the bytes beside the event
        # are spoilt.
        decoded.append(DecodedMessage(place, b"no JSON" if place in guilty else value, event))
    parts = {0: decoded[:border], 1: decoded[border:]}
    sink = store.sink(0, 1)
    sink.start_at(partition(1), StoredPosition(LOG, border), StoredPosition(LOG, 0))
    batches = [
        Batch(
            partition(number),
            StoredPosition(LOG, border * number),
            part,
            end=9 if number else border,
        )
        for number, part in parts.items()
    ]
    for result, batch in zip(sink.process(batches, NOW), batches, strict=True):
        refused = sum(offset in guilty for offset, _, _ in batch.messages)
        assert (result.accepted, result.rejected, result.next_offset) == (
            len(batch.messages) - refused,
            refused,
            batch.next_offset,
        )
    letters = store.ask('SELECT "offset", reason, payload FROM dead_letter ORDER BY 1')
    assert [(place, reason, bytes(payload)) for place, reason, payload in letters] == [
        (place, "storage", b"no JSON") for place in sorted(guilty)
    ]
    chores = store.chores()
    chores.refresh(NOW)
    chores.assess_churn(NOW)
    store.assert_as_expected([value for place, value in enumerate(values) if place not in guilty])


TRIGGER = """
CREATE FUNCTION voc.added() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.customer_id = 'u-2' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$;
CREATE TRIGGER added BEFORE INSERT ON touchpoint_event FOR EACH ROW EXECUTE FUNCTION voc.added()"""


@pytest.mark.parametrize(
    ("add", "remove", "detail"),
    [
        (
            "ALTER TABLE touchpoint_event ADD CONSTRAINT added CHECK (customer_id <> 'u-2')",
            "ALTER TABLE touchpoint_event DROP CONSTRAINT added",
            (
                'PostgreSQL refused it: new row for relation "touchpoint_event" violates check'
                ' constraint "added"'
            ),
        ),
        (TRIGGER, "DROP FUNCTION voc.added() CASCADE", "PostgreSQL refused it: not this one"),
    ],
    ids=["a constraint", "a trigger"],
)
def test_what_somebody_added_to_our_tables_costs_only_what_it_refuses(
    store: Store, add: str, remove: str, detail: str
) -> None:
    """A constraint or a trigger of others may refuse an event for ever.

    That is a dead letter, and its partition goes on.
    """
    store.ask(add)
    try:
        result = store.take_in(touchpoint("a"), touchpoint("b", customer_id="u-2"), touchpoint("c"))
    finally:
        store.ask(remove)
    assert (result.accepted, result.rejected) == (2, 1)
    assert store.ask('SELECT "offset", reason, detail FROM dead_letter') == [(1, "storage", detail)]


def test_a_database_without_tables_is_an_error_that_passes(store: Store) -> None:
    """A sink that found no tables works once they are there."""
    store.ask("ALTER SCHEMA voc RENAME TO away")
    sink = PostgresSink(store.url, store.catalogue)
    with pytest.raises(StoreUnavailableError, match="voc-stream init"):
        sink.positions([partition(0)])
    store.ask("ALTER SCHEMA away RENAME TO voc")
    assert store.take_in(touchpoint(), sink=sink).accepted == 1
    sink.close()


def test_a_server_that_is_not_there_is_unavailable(catalogue: Catalogue) -> None:
    """The caller is told to try again, and that what it wanted done is not to blame."""
    sink = PostgresSink("postgresql://voc@127.0.0.1:1/voc", catalogue)
    with pytest.raises(StoreUnavailableError, match="refused") as caught:
        sink.positions([partition(0)])
    assert not isinstance(caught.value, StoreGaveUpError)
    sink.close()


def test_any_offset_that_may_be_sent_is_stored(store: Store) -> None:
    """PostgreSQL reads no offset of 16 hours or more.

    Times are written in UTC, and such an event costs its batch nothing.
    """
    values = messages(
        builder(f"x-{number}-{name}", occurred_at=f"2025-03-01T12:00:00{offset}")
        for number, offset in enumerate(("+23:59", "-23:59", "+16:00", "-15:59"))
        for name, builder in (
            ("t", touchpoint),
            ("k", complaint),
            ("r", repair_step),
            ("p", customer),
        )
    )
    assert send(store.sink(), values).accepted == len(values)
    store.assert_as_expected(
        values, names=["touchpoint_event", "repair_order", "complaint", "customer"]
    )
    assert store.one("SELECT count(*) FROM dead_letter") == 0
