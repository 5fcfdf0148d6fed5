from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from voc_stream.alerts.facts.stage_times import (
    StageLimit,
    StageTimes,
    TimesThere,
)
from voc_stream.catalogue.model import Limits, minutes_experience
from voc_stream.simulator.journey import STAGES

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

WITHIN_20 = TimesThere(100, 14, 19)


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
        "work": StageLimit(19, is_stated=False),
    }


@pytest.mark.parametrize(("orders", "known"), [(0, False), (19, False), (20, True)])
def test_too_few_orders_say_nothing(orders: int, known: bool, catalogue: Catalogue) -> None:
    """The catalogue's `minimum_samples`, here 20."""
    times = StageTimes({("", "wash"): WITHIN_20._replace(orders=orders)})
    assert ("wash" in times.limits(catalogue)) is known
    assert (times.usual_minutes(catalogue, "s-1", "wash") is not None) is known


@pytest.mark.parametrize("there", [{}, {("", "wash"): TimesThere(0, 0, 0)}])
def test_nothing_passed_divides_nothing_by_zero(
    there: dict[tuple[str, str], TimesThere], catalogue: Catalogue
) -> None:
    """A stage that no order has passed has no limit and no usual time.

    Also if the catalogue asks for no samples at all.
    """
    key = minutes_experience("wash")
    alert = msgspec.structs.replace(catalogue.experience[key].alert, minimum_samples=0)
    lenient = msgspec.structs.replace(catalogue.experience[key], alert=alert)
    trade = msgspec.structs.replace(catalogue, experience={**catalogue.experience, key: lenient})
    times = StageTimes(there)
    assert "wash" not in times.limits(trade)
    assert times.usual_minutes(trade, "s-1", "wash") is None
    assert times.passing_share(catalogue, "wash") == 1


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
    slow, few = TimesThere(20, 56, 78), TimesThere(19, 56, 78)
    times = StageTimes({("", "wash"): WITHIN_20, ("s-1", "wash"): slow, ("s-2", "wash"): few})
    found = [times.usual_minutes(catalogue, site_id, "wash") for site_id in ("s-1", "s-2", "s-3")]
    assert found == [56, 14, 14]


def test_orders_pass_a_stage_with_its_share(catalogue: Catalogue) -> None:
    """Of those delivered.

    Reworked orders do not count twice, and where nothing is known every order passes.
    """
    times = StageTimes(
        {
            ("", stage): TimesThere(orders, 1, 1)
            for stage, orders in (("parts", 30), ("work", 110), ("delivery", 100))
        }
    )
    assert [times.passing_share(catalogue, stage) for stage in ("parts", "work", "wash")] == [
        0.3,
        1,
        0,
    ]
    assert StageTimes({}).passing_share(catalogue, "parts") == 1
    assert {minutes_experience(stage) for stage in STAGES} <= set(catalogue.experience)
