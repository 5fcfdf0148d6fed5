from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import mean
from typing import Any

import msgspec
import pytest

from voc_stream.events.types import AnyEvent, Callback
from voc_stream.simulator.call_centre import simulate
from voc_stream.simulator.options import Decline, Noise, SimulationOptions

START = datetime(2025, 3, 1, 5, 30, tzinfo=UTC)
TURN = START - timedelta(days=20)
DECLINE = Decline(after_seconds=-20 * 86_400.0, ramp_seconds=86_400.0)


@pytest.fixture(scope="module")
def ratings() -> list[tuple[bool, str, str, float]]:
    """Ratings of advisors, of a history in which a shop declines.

    Each is (after the turn, site, employee, score).
    """
    options = SimulationOptions(
        start=START,
        seed=5,
        duration_seconds=0,
        history_days=40,
        history_events=60_000,
        decline=DECLINE,
    )
    events = [
        msgspec.json.decode(message.value or b"", type=AnyEvent)
        for message in simulate(options)
        if message.kind == "valid"
    ]
    return [
        # Calls about visits of before the turn still come for some days.
        (event.occurred_at > TURN, event.site_id, event.employee_id or "", answer.score)
        for event in events
        if isinstance(event, Callback) and not TURN < event.occurred_at < TURN + timedelta(days=6)
        for answer in event.answers
        if answer.item == "advisor_service" and answer.score is not None
    ]


def test_the_declining_shop_gets_measurably_worse(
    ratings: list[tuple[bool, str, str, float]],
) -> None:
    """The mean rating of its advisors falls by more than a point.

    That of no other shop falls by half a point.
    """
    fall = {
        site: mean(score for after, at, _, score in ratings if at == site and not after)
        - mean(score for after, at, _, score in ratings if at == site and after)
        for site in {site for _, site, _, _ in ratings}
    }
    assert fall.pop("shop-03") > 1
    assert max(fall.values()) < 0.5


def test_one_advisor_explains_most_of_the_decline(
    ratings: list[tuple[bool, str, str, float]],
) -> None:
    """The first advisor falls by more than two points, the colleagues by less than one."""
    fall = {
        who: mean(score for after, _, employee, score in ratings if employee == who and not after)
        - mean(score for after, _, employee, score in ratings if employee == who and after)
        for who in {employee for _, site, employee, _ in ratings if site == "shop-03"}
    }
    assert fall.pop("shop-03-advisor-1") > 2
    assert max(fall.values()) < 1


def test_decline_ramps_up_and_stays() -> None:
    """Nothing before its time, half of it in the middle of the ramp, all of it after.

    At once where there is no ramp.
    """
    decline = Decline(after_seconds=10, ramp_seconds=20, points=4)
    assert [
        decline.points_at("shop-03", "shop-03-advisor-1", seconds) for seconds in (10, 20, 30, 300)
    ] == [0, 2, 4, 4]
    assert (
        Decline(after_seconds=10, ramp_seconds=0, points=4).points_at(
            "shop-03", "shop-03-advisor-1", 10.1
        )
        == 4
    )
    assert decline.points_at("shop-02", "shop-02-advisor-1", 300) == 0


def test_decline_ends_where_it_is_given_an_end() -> None:
    """From then on the attitude is what it was before.

    A decline that ends before it begins is refused.
    """
    decline = Decline(after_seconds=10, ramp_seconds=20, until_seconds=40, points=4)
    assert [
        decline.points_at("shop-03", "shop-03-advisor-1", seconds)
        for seconds in (20, 39.9, 40, 300)
    ] == [2, 4, 0, 0]
    with pytest.raises(ValueError, match="until_seconds"):
        Decline(after_seconds=10, until_seconds=10)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"start": datetime(2025, 3, 1)}, "start"),  # noqa: DTZ001  no offset is the mistake
        ({"rate_per_second": 0}, "rate_per_second"),
        ({"speed": -1}, "speed"),
        ({"sites": 0}, "sites"),
        ({"history_days": -1}, "history_days"),
        ({"duration_seconds": -1}, "duration_seconds"),
        ({"noise": Noise(late_share=1.5)}, "late_share"),
    ],
)
def test_what_cannot_be_simulated_is_named(wrong: dict[str, Any], named: str) -> None:
    """An impossible option is refused with its name."""
    with pytest.raises(ValueError, match=named):
        SimulationOptions(**({"start": START} | wrong))
