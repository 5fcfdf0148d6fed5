from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from builders import START
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.alerts.facts.open_orders import (
    LONGEST_PAUSE,
    OpenOrder,
    stage_label,
    working_minutes,
)
from voc_stream.catalogue.flow import Flow

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

MINUTE = timedelta(minutes=1)
MOMENTS = st.integers(0, 6 * 24 * 60).map(lambda minutes: START + minutes * MINUTE)
ACTIVE = st.lists(MOMENTS, max_size=30).map(sorted)


def busy(since: datetime, until: datetime) -> list[datetime]:
    """Something finished every five minutes."""
    return [since + 5 * number * MINUTE for number in range((until - since) // (5 * MINUTE))]


@pytest.mark.parametrize(
    ("entered_at", "minutes"), [(START - 90 * MINUTE, 90), (START, 0), (None, None)]
)
def test_an_order_is_in_its_stage_since_it_entered(
    entered_at: datetime | None, minutes: float | None
) -> None:
    """Minutes from the entry; no data where it is not known to be in it."""
    assert (
        OpenOrder("o-1", "s-1", None, "wash", entered_at, None).minutes_in_stage(START) == minutes
    )


def test_a_night_counts_as_a_pause() -> None:
    """A car that is there overnight has not stood for fourteen hours.

    Closed shops finish nothing.
    """
    evening, morning = START + timedelta(hours=10), START + timedelta(hours=24)
    active = busy(START, evening) + busy(morning, morning + timedelta(hours=1))
    assert working_minutes(evening - 30 * MINUTE, morning + 20 * MINUTE, active) == 25 + 10 + 20


@given(MOMENTS, MOMENTS, ACTIVE)
def test_work_is_no_longer_than_time(
    since: datetime, now: datetime, active: list[datetime]
) -> None:
    """Between nothing and all of it, and all of it where the shop never paused."""
    since, now = sorted([since, now])
    minutes = (now - since) / MINUTE
    assert 0 <= working_minutes(since, now, active) <= minutes
    assert working_minutes(since, now, busy(START, START + timedelta(days=7))) == pytest.approx(
        minutes
    )
    assert working_minutes(since, now, []) == min(minutes, LONGEST_PAUSE / MINUTE)


@given(MOMENTS, MOMENTS, ACTIVE, st.integers(0, 1000))
def test_enough_is_enough(
    since: datetime, now: datetime, active: list[datetime], enough: int
) -> None:
    """Counting no further does not change whether there was more."""
    since, now = sorted([since, now])
    assert (working_minutes(since, now, active, enough) > enough) is (
        working_minutes(since, now, active) > enough
    )


@given(MOMENTS, MOMENTS, ACTIVE, MOMENTS)
def test_more_activity_never_means_less_work(
    since: datetime, now: datetime, active: list[datetime], another: datetime
) -> None:
    """What is reported late can only lengthen the time at work."""
    since, now = sorted([since, now])
    assert working_minutes(since, now, sorted([*active, another])) >= working_minutes(
        since, now, active
    )


def test_a_stage_without_a_name_is_called_by_its_key(catalogue: Catalogue) -> None:
    """Other trades need not name stages."""
    assert stage_label(catalogue, "wash") == ("Wash", "清洗")
    assert stage_label(msgspec.structs.replace(catalogue, flow=Flow()), "wash") == ("wash", "wash")
