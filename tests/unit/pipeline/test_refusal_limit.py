from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from voc_stream.events.decode import Refusal
from voc_stream.pipeline.refusal_limit import FEWEST, RefusalLimit, RefusalRecord
from voc_stream.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT = RefusalLimit()
BAD = Refusal("invalid_json", "")
ASIDE = Refusal("processing_failed", "")
GOOD: Any = object()  # whatever is no refusal


def taken(limit: RefusalLimit, contents: Sequence[Any], batch: int) -> tuple[int, RefusalRecord]:
    """How many of the messages go in before the partition stops, fetched so many at a time."""
    record, place = RefusalRecord(), 0
    while place < len(contents):
        portion = contents[place : place + batch]
        most = limit.admits(record, portion)
        record = record.after(portion[:most])
        place += most
        if most < len(portion):
            break
    return place, record


def test_a_burst_of_some_hundreds_stops_nothing() -> None:
    """A mistake that is soon mended costs only itself."""
    assert taken(LIMIT, [GOOD] * 50 + [BAD] * 900 + [GOOD] * 50, batch=100)[0] == 1_000


def test_a_broken_producer_stops_its_partition() -> None:
    """With nothing but rubbish it stops at the run.

    With a share of it as soon as that is too much of the latest messages.
    """
    assert taken(LIMIT, [GOOD] * 10_000 + [BAD] * 5_000, batch=700)[0] == 11_000
    stopped, _ = taken(LIMIT, [GOOD] * 10_000 + [BAD, BAD, GOOD] * 5_000, batch=700)
    assert 10_000 + 1_500 <= stopped < 10_000 + 3 * FEWEST


def test_a_few_percent_stop_nothing_ever() -> None:
    """Producers with some bad events are usual, and the alert on the ratio tells of them."""
    assert taken(LIMIT, ([BAD] + [GOOD] * 9) * 5_000, batch=1_000)[0] == 50_000


def test_beyond_the_limit_events_still_go_in() -> None:
    """Only what would be refused is not.

    Where the next messages are events again, the partition goes on by itself.
    """
    record = RefusalRecord(run=1_000, messages=1_000, refused=1_000)
    assert LIMIT.admits(record, [GOOD] * 5 + [BAD]) == 5
    assert LIMIT.admits(RefusalRecord(run=1_000), [BAD]) == 0
    assert LIMIT.admits(RefusalRecord(run=1_000), [GOOD] + [BAD] * 10) == 11


def test_what_an_operator_allows_passes_uncounted() -> None:
    """So many refusals, and then the limit holds again."""
    record = RefusalRecord(allowed=3_000)
    assert LIMIT.admits(record, [BAD] * 5_000) == 4_000
    assert record.after([BAD] * 3_000) == RefusalRecord()


def test_messages_that_were_set_aside_count_a_hundred_times() -> None:
    """Each costs its partition a minute, and ten in a row are no accident of single messages."""
    assert taken(LIMIT, [ASIDE] * 20, batch=1)[0] == 10


def test_zero_is_never() -> None:
    """Who wants none of it switches it off."""
    assert taken(RefusalLimit(run=0, percent=0), [BAD] * 20_000, batch=1_000)[0] == 20_000


def test_a_healthy_partition_has_nothing_to_write() -> None:
    """Its record is the same after each batch; that of one that was ill becomes so again."""
    assert RefusalRecord().after([GOOD] * 5_000) == RefusalRecord()
    record = RefusalRecord().after([BAD])
    for _ in range(3):
        record = record.after([GOOD] * 2_000)
    assert record == RefusalRecord()


@given(
    st.lists(st.sampled_from([GOOD, BAD, BAD, ASIDE]), max_size=60),
    st.integers(1, 60),
    st.integers(0, 5),
)
def test_how_messages_are_cut_into_batches_changes_nothing(
    contents: list[Any], batch: int, allowed: int
) -> None:
    """The record is a fold over the messages, wherever the cuts are.

    So is where the partition stops.
    """
    limit, whole = RefusalLimit(run=7, percent=1), RefusalRecord(allowed=allowed)
    record = whole
    for first in range(0, len(contents), batch):
        record = record.after(contents[first : first + batch])
    assert record == whole.after(contents)
    assert taken(limit, contents, batch)[0] == taken(limit, contents, 1)[0]


def test_the_default_is_that_of_the_settings() -> None:
    """One place says what the limits are."""
    settings = Settings()
    assert RefusalLimit(settings.dead_letter_limit_run, settings.dead_letter_limit_percent) == LIMIT
