from __future__ import annotations

import pytest

from voc_stream.kafka.positions.where_to_read import Log, place
from voc_stream.pipeline.ports import StoredPosition


def test_a_partition_never_seen_starts_at_the_earliest_record() -> None:
    """Nothing that the log still has may be missed, and the store must learn the position."""
    placement = place(None, Log("id", earliest=7, end=20))
    assert placement == (StoredPosition("id", 7), True, None)


@pytest.mark.parametrize("offset", [7, 12, 20])
def test_a_position_inside_the_log_is_kept(offset: int) -> None:
    """Both ends belong to it: at `end` the worker has everything."""
    stored = StoredPosition("id", offset)
    assert place(stored, Log("id", earliest=7, end=20)) == (stored, False, None)


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (StoredPosition("id", 4), "3 offsets from 4 on are gone"),
        (StoredPosition("id", 21), "the log ends at 20"),
        (StoredPosition("other", 12), "created anew"),
    ],
)
def test_a_position_outside_the_log_or_of_another_log_starts_again_with_a_reason(
    stored: StoredPosition, reason: str
) -> None:
    """It is never silent, because events may be missing or repeated."""
    placement = place(stored, Log("id", earliest=7, end=20))
    assert placement.position == StoredPosition("id", 7)
    assert placement.is_new
    assert reason in str(placement.reset_reason)
