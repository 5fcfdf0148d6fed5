from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import NamedTuple

import pytest
from prometheus_client import CollectorRegistry

from voc_stream.kafka.life import clock_door
from voc_stream.kafka.life.clock_door import ClockDoor
from voc_stream.kafka.life.state import WorkerState
from voc_stream.monitoring.metrics import Metrics
from voc_stream.pipeline.clocks import BELIEVED_AFTER, ClockReading

HOUR = timedelta(hours=1)


class Door(NamedTuple):
    """A door and what it tells."""

    door: ClockDoor
    state: WorkerState
    registry: CollectorRegistry

    def compare(
        self,
        skew: timedelta = timedelta(0),
        later_seconds: float = 0.0,
        refreshed: datetime | None = None,
    ) -> None:
        """PostgreSQL's clock is behind by `skew`; the tables are of `refreshed`."""
        now = datetime.now(UTC)
        self.door.compare(
            ClockReading(now, now - skew, monotonic() + later_seconds, timedelta(0), refreshed)
        )


@pytest.fixture
def door() -> Door:
    registry, state = CollectorRegistry(), WorkerState(started=0.0)
    return Door(ClockDoor(state, Metrics(registry)), state, registry)


@pytest.mark.parametrize("skew", [HOUR, -HOUR])
def test_events_wait_while_the_clocks_disagree(
    door: Door, skew: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is judged by a clock that is wrong, and all goes on when the clocks agree.

    The health page and the metric say so meanwhile.
    """
    assert door.door.now() is not None
    for _ in range(3):
        door.compare(skew)
        assert door.door.now() is None
        assert door.door.chores_time() is None
    assert "1:00:00" in (door.state.clock_problem or "")
    assert door.registry.get_sample_value("voc_clock_skew_seconds") == skew.total_seconds()
    door.compare()
    assert door.door.now() is not None
    assert door.state.clock_problem is None
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_a_clock_that_is_set_is_noticed_at_once(
    door: Door, by: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two comparisons, the monotonic clock tells what this machine's clock must show."""
    door.compare()

    class Set(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # noqa: ARG003  always UTC
            return datetime.now(UTC) + by

    monkeypatch.setattr(clock_door, "datetime", Set)
    assert door.door.now() is None
    monkeypatch.undo()
    assert door.door.now() is not None


def test_chores_wait_for_a_rebuild(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """Tables that are far ahead stay as they are until they are rebuilt; events go on.

    It is said once, and not every few seconds.
    """
    until = datetime.now(UTC) + timedelta(days=500)
    door.compare(refreshed=until)
    door.compare(refreshed=until - timedelta(seconds=5))
    assert len(caplog.records) == 1
    assert door.door.now() is not None
    assert door.door.chores_time() is None
    assert "rebuild" in (door.state.stored_clock_problem or "")
    assert door.registry.get_sample_value("voc_stored_clock_ahead_seconds") == pytest.approx(
        500 * 86_400, abs=60
    )
    door.compare(refreshed=datetime.now(UTC))
    assert door.door.chores_time() is not None
    assert door.state.stored_clock_problem is None


def test_what_the_next_refresh_mends_does_not_stop_it(door: Door) -> None:
    """A clock that was a day ahead is said, and the chores go on."""
    door.compare(refreshed=datetime.now(UTC) + timedelta(days=1))
    assert "the next refresh mends it" in (door.state.stored_clock_problem or "")
    assert door.door.chores_time() is not None


def test_a_leap_is_believed_after_a_while(door: Door) -> None:
    """A quiet service goes on by itself after it was stopped for long."""
    before = datetime.now(UTC) - timedelta(days=30)
    door.compare(refreshed=before)
    assert door.door.chores_time() is None
    assert door.state.stored_clock_problem is None
    door.compare(refreshed=before, later_seconds=BELIEVED_AFTER.total_seconds() - 5)
    assert door.door.chores_time() is None
    door.compare(refreshed=before, later_seconds=BELIEVED_AFTER.total_seconds() + 5)
    door.door.compare(
        ClockReading(
            now := datetime.now(UTC),
            now,
            monotonic() + BELIEVED_AFTER.total_seconds() + 5,
            HOUR * 0,
            before,
        )
    )
