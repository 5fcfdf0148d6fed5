from __future__ import annotations

import pytest
from benchmarks.latency import Positions, delays
from benchmarks.producer import Note
from benchmarks.stage import BenchmarkError

TOPIC = "voc.callbacks"


def looked(*looks: tuple[float, int]) -> Positions:
    positions = Positions()
    for moment, next_offset in looks:
        positions.add(moment, [(TOPIC, 0, next_offset), ("voc.other", 0, 1_000)])
    return positions


def test_an_event_is_visible_once_the_position_has_passed_it() -> None:
    """The position after offset 4 is 5: offset 4 is visible then, offset 5 is not."""
    positions = looked((1.0, 0), (2.0, 5), (3.0, 5), (4.0, 6))
    assert [positions.visible_at(TOPIC, 0, offset) for offset in (0, 4, 5)] == [2.0, 2.0, 4.0]


@pytest.mark.parametrize(("partition", "offset"), [(0, 6), (7, 0)])
def test_what_never_became_visible_has_no_moment(partition: int, offset: int) -> None:
    """Neither an offset beyond the last position nor a partition without one."""
    assert looked((2.0, 5), (4.0, 6)).visible_at(TOPIC, partition, offset) is None


def test_delays_count_from_when_an_event_was_due() -> None:
    """An event sent late is not excused, and what was due in the warm-up is not counted."""
    notes = [
        Note(TOPIC, 0, 0, [0.5, 1.0], acknowledged=1.5),
        Note(TOPIC, 0, 2, [1.9], acknowledged=3.0),
    ]
    found = list(delays(notes, looked((2.0, 2), (4.0, 3)), since=1.0))
    assert found == [pytest.approx((0.5, 1.0)), pytest.approx((1.1, 2.1))]


def test_a_lost_event_fails_the_benchmark() -> None:
    """A delay without an end is not left out of the percentiles."""
    with pytest.raises(
        BenchmarkError, match=r"voc.callbacks\[0\] offset 3 was sent and never became visible"
    ):
        list(delays([Note(TOPIC, 0, 3, [1.0], acknowledged=1.1)], looked((2.0, 2)), since=0.0))
