from __future__ import annotations

from typing import TYPE_CHECKING

from builders import message, touchpoint
from unit.postgres.store import partition, position_of, send

from voc_stream.events.refusal_limit import RefusalRecord
from voc_stream.ports import StoredPosition
from voc_stream.postgres.refusal_records import begin_anew, refusal_records

if TYPE_CHECKING:
    from unit.postgres.store import Store


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
    """Only that one; and the worker's next batch goes on from there, whatever the worker believed before."""
    sink = store.sink(0, 1)
    send(sink, [b"bad"] * 5)
    send(sink, [b"bad"] * 5, 1)
    begin_anew(store.url, partition(0), allowed=2)
    assert refusal_records(store.url) == {partition(0): RefusalRecord(allowed=2), partition(1): RefusalRecord(run=5, messages=5, refused=5)}
    assert send(sink, [b"bad"] * 3).refusals == RefusalRecord(run=1, messages=1, refused=1)


def test_another_log_begins_anew(store: Store) -> None:
    """What the old topic held says nothing about the new one."""
    sink = store.sink(0)
    send(sink, [b"bad"] * 5)
    sink.start_at(partition(0), StoredPosition("log-2", 0), position_of(sink))
    assert sink.refusals([partition(0)]) == {partition(0): RefusalRecord()}
