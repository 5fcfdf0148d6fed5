from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from voc_stream.events.types import AnyEvent, RepairStep
from voc_stream.simulator.journey import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterable


@pytest.fixture(scope="module")
def orders(story: list[AnyEvent]) -> list[list[RepairStep]]:
    """The steps of each delivered order, in order of occurrence."""
    found: dict[str, list[RepairStep]] = defaultdict(list)
    for event in story:
        if isinstance(event, RepairStep):
            found[event.order_id].append(event)
    return [steps for steps in found.values() if _delivered(steps)]


def _delivered(steps: Iterable[RepairStep]) -> bool:
    return any((step.stage, step.edge) == ("delivery", "exit") for step in steps)


def _on_time(steps: Iterable[RepairStep]) -> bool | None:
    promised = next((step.promised_at for step in steps if step.promised_at), None)
    delivered = next(
        step.occurred_at for step in steps if (step.stage, step.edge) == ("delivery", "exit")
    )
    return None if promised is None else delivered <= promised


def test_every_stage_is_entered_and_then_left(orders: list[list[RepairStep]]) -> None:
    """Edges come in pairs of the same stage.

    Only a follow-up that never reaches the customer stays open.
    """
    for steps in orders:
        repair = [step for step in steps if step.stage != "follow_up"]
        for enter, leave in zip(repair[::2], repair[1::2], strict=True):
            assert (enter.stage, enter.edge, leave.stage, leave.edge) == (
                enter.stage,
                "enter",
                enter.stage,
                "exit",
            )
            assert enter.occurred_at < leave.occurred_at


def test_stages_follow_the_flow(orders: list[list[RepairStep]]) -> None:
    """Stages come in the order of the flow, but that work and inspection may be repeated."""
    for steps in orders:
        places = [STAGES.index(step.stage) for step in steps if step.edge == "enter"]
        backwards = [
            (before, after) for before, after in itertools.pairwise(places) if after < before
        ]
        assert backwards in ([], [(STAGES.index("inspection"), STAGES.index("work"))])


def test_all_stages_occur_and_some_are_skipped_or_repeated(orders: list[list[RepairStep]]) -> None:
    """All twelve stages are seen; not every order has them all."""
    entered = [[step.stage for step in steps if step.edge == "enter"] for steps in orders]
    assert {stage for stages in entered for stage in stages} == set(STAGES)
    for skipped in ("appointment", "parts", "estimate", "wash"):
        assert any(skipped not in stages for stages in entered)
    assert any(stages.count("work") == 2 for stages in entered)


def test_the_promise_is_made_at_the_estimate(orders: list[list[RepairStep]]) -> None:
    """Promise and amounts stand at their stages and nowhere else.

    Promise and estimated amount are on the exit of the estimate, the final amount on that of the
    settlement. A promise that cannot be kept is moved when the parts are there or the work is done.
    """
    moved = 0
    for steps in orders:
        for step in steps:
            at_estimate = (step.stage, step.edge) == ("estimate", "exit")
            assert (step.estimated_amount is not None) == at_estimate
            if step.promised_at is not None and not at_estimate:
                assert (step.stage, step.edge) in {("parts", "exit"), ("inspection", "exit")}
                moved += 1
            assert step.promised_at is not None or not at_estimate
            assert step.promised_at is None or step.promised_at > step.occurred_at
            assert (step.final_amount is not None) == (
                (step.stage, step.edge) == ("settlement", "exit")
            )
    assert 0.02 < moved / len(orders) < 0.3


def test_slow_shops_deliver_late_more_often(orders: list[list[RepairStep]]) -> None:
    """The two slow shops break more promises than each other shop.

    No shop breaks most of them.
    """
    kept: dict[str, list[bool]] = defaultdict(list)
    for steps in orders:
        on_time = _on_time(steps)
        if on_time is not None:
            kept[steps[0].site_id].append(on_time)
    share = {site: sum(values) / len(values) for site, values in kept.items()}
    slow = {share.pop("shop-04"), share.pop("shop-08")}
    assert min(slow) > 0.5
    assert max(slow) < min(share.values())
    assert max(share.values()) < 1


def test_durations_are_those_of_a_workshop(orders: list[list[RepairStep]]) -> None:
    """In the history, reception takes minutes and the whole visit hours."""
    reception, visit = [], []
    for steps in orders:
        times = {(step.stage, step.edge): step.occurred_at for step in steps}
        reception.append(
            (times["reception", "exit"] - times["reception", "enter"]).total_seconds() / 60
        )
        visit.append(
            (times["delivery", "exit"] - times["reception", "enter"]).total_seconds() / 3600
        )
    assert 5 < sorted(reception)[len(reception) // 2] < 25
    assert 2 < sorted(visit)[len(visit) // 2] < 24
