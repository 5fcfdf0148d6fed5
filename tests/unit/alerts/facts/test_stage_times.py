from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.alerts.facts.stage_times import (
    StageLimit,
    StageTimes,
    percentile_minutes,
)
from voc_stream.catalogue.model import Limits, minutes_experience
from voc_stream.simulator.journey import STAGES

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

HISTOGRAMS = st.lists(st.integers(0, 1000), min_size=11, max_size=11).filter(any)
SHARES = st.floats(0.001, 1)
WITHIN_20 = [0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0]


def test_inside_a_bin_minutes_grow_geometrically() -> None:
    """The middle of 10 to 20 minutes is 14.1; half of what is below 5 is below 2.5."""
    assert percentile_minutes(WITHIN_20, 0.5) == pytest.approx(10 * 2**0.5)
    assert percentile_minutes([10, 0], 0.5) == 2.5


def test_edges_are_those_of_the_cube() -> None:
    """Below 5, 10, 20 ... 2,560 minutes: all of a bin is within its upper edge."""
    edges = [
        percentile_minutes([0] * number + [1] + [0] * (10 - number), 1) for number in range(10)
    ]
    assert edges == [5 * 2**number for number in range(10)]


def test_what_lies_in_the_open_bin_is_unknown() -> None:
    """Nobody can say how long more than 2,560 minutes are: no data is no number."""
    assert percentile_minutes([*[0] * 9, 94, 6], 0.95) is None
    assert percentile_minutes([*[0] * 9, 95, 5], 0.95) == 2560


@given(HISTOGRAMS, SHARES, SHARES)
def test_percentiles_grow_with_the_share(histogram: list[int], one: float, other: float) -> None:
    """More orders are within more minutes; unknown is more than any number."""
    low, high = (percentile_minutes(histogram, share) for share in sorted([one, other]))
    assert (float("inf") if low is None else low) <= (float("inf") if high is None else high)


@given(HISTOGRAMS, SHARES, st.integers(0, 9))
def test_percentiles_grow_with_the_minutes(histogram: list[int], share: float, place: int) -> None:
    """An order that takes longer never makes a percentile smaller.

    But for the rounding of numbers.
    """
    slower = [*histogram]
    slower[place], slower[place + 1] = 0, histogram[place] + histogram[place + 1]
    before, after = percentile_minutes(histogram, share), percentile_minutes(slower, share)
    assert after is None or (before is not None and after >= before * (1 - 1e-9))


def test_the_limit_is_the_catalogues_else_the_95th_percentile(catalogue: Catalogue) -> None:
    """A limit is of all sites; whoever states a limit gets it whatever is usual.

    A stage with neither has none.
    """
    stated = msgspec.structs.replace(
        catalogue, limits=Limits(stage_minutes={"wash": 45, "parts": 2000})
    )
    times = StageTimes(
        {("", "wash"): WITHIN_20, ("", "work"): WITHIN_20, ("s-1", "inspection"): WITHIN_20}
    )
    found = times.limits(stated)
    assert found == {
        "wash": StageLimit(45, is_stated=True),
        "parts": StageLimit(2000, is_stated=True),
        "work": StageLimit(found["work"].minutes, is_stated=False),
    }
    assert found["work"].minutes == pytest.approx(10 * 2**0.95)


@pytest.mark.parametrize(("orders", "known"), [(0, False), (19, False), (20, True)])
def test_too_few_orders_say_nothing(orders: int, known: bool, catalogue: Catalogue) -> None:
    """The catalogue's `minimum_samples`, here 20."""
    times = StageTimes({("", "wash"): [0, 0, orders, 0, 0, 0, 0, 0, 0, 0, 0]})
    assert ("wash" in times.limits(catalogue)) is known
    assert (times.usual_minutes(catalogue, "s-1", "wash") is not None) is known


@pytest.mark.parametrize("histogram", [[], [0] * 11])
def test_nothing_passed_divides_nothing_by_zero(histogram: list[int], catalogue: Catalogue) -> None:
    """A stage that no order has passed has no limit and no usual time.

    Also if the catalogue asks for no samples at all.
    """
    key = minutes_experience("wash")
    alert = msgspec.structs.replace(catalogue.experience[key].alert, minimum_samples=0)
    lenient = msgspec.structs.replace(catalogue.experience[key], alert=alert)
    trade = msgspec.structs.replace(catalogue, experience={**catalogue.experience, key: lenient})
    times = StageTimes({("", "wash"): histogram, ("", "delivery"): histogram})
    assert "wash" not in times.limits(trade)
    assert times.usual_minutes(trade, "s-1", "wash") is None
    assert times.passing_share(catalogue, "wash") == 1
    assert percentile_minutes(histogram, 0.5) is None


def test_a_stage_that_the_catalogue_does_not_measure_has_no_times(catalogue: Catalogue) -> None:
    """Its experience says how many samples are enough."""
    others = {
        key: experience
        for key, experience in catalogue.experience.items()
        if key != minutes_experience("wash")
    }
    times = StageTimes({("", "wash"): WITHIN_20})
    assert times.limits(msgspec.structs.replace(catalogue, experience=others)) == {}
    assert (
        times.usual_minutes(msgspec.structs.replace(catalogue, experience=others), "s-1", "wash")
        is None
    )


def test_what_is_usual_is_what_is_usual_there(catalogue: Catalogue) -> None:
    """The site's own middle where enough orders passed, else that of all sites."""
    slow, few = [0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 19, 0, 0, 0, 0, 0, 0]
    times = StageTimes({("", "wash"): WITHIN_20, ("s-1", "wash"): slow, ("s-2", "wash"): few})
    found = [times.usual_minutes(catalogue, site_id, "wash") for site_id in ("s-1", "s-2", "s-3")]
    assert found == pytest.approx([40 * 2**0.5, 10 * 2**0.5, 10 * 2**0.5])


def test_a_night_does_not_move_what_is_usual(catalogue: Catalogue) -> None:
    """One order of twenty that stands until morning would double the mean."""
    usual = [
        StageTimes({("", "wash"): [0, 0, 95, *night]}).usual_minutes(catalogue, "", "wash")
        for night in ([0] * 8, [0] * 5 + [5, 0, 0])
    ]
    assert usual[1] == pytest.approx(usual[0], rel=0.03)


def test_orders_pass_a_stage_with_its_share(catalogue: Catalogue) -> None:
    """Of those delivered.

    Reworked orders do not count twice, and where nothing is known every order passes.
    """
    times = StageTimes({("", "parts"): [30], ("", "work"): [110], ("", "delivery"): [100]})
    assert [times.passing_share(catalogue, stage) for stage in ("parts", "work", "wash")] == [
        0.3,
        1,
        0,
    ]
    assert StageTimes({}).passing_share(catalogue, "parts") == 1
    assert {minutes_experience(stage) for stage in STAGES} <= set(catalogue.experience)
