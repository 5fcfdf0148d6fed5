from __future__ import annotations

from datetime import timedelta
from statistics import mean
from typing import TYPE_CHECKING

import pytest

from voc_stream.events.types import AnyEvent, Callback, RepairStep
from voc_stream.simulator.journey import RATINGS

if TYPE_CHECKING:
    from datetime import datetime

PROCESS_ITEMS = {
    "appointment_offered",
    "cost_estimated",
    "time_estimated",
    "lounge_refreshments",
    "inspection_invited",
    "advice_given",
    "delivered_on_time",
    "work_completed",
    "followed_up",
}


@pytest.fixture(scope="module")
def callbacks(story: list[AnyEvent]) -> list[Callback]:
    """The callbacks that were answered."""
    return [
        event for event in story if isinstance(event, Callback) and event.outcome == "completed"
    ]


@pytest.fixture(scope="module")
def delivered(story: list[AnyEvent]) -> dict[str, datetime]:
    """When each order was delivered."""
    steps = (event for event in story if isinstance(event, RepairStep))
    return {
        step.order_id: step.occurred_at
        for step in steps
        if (step.stage, step.edge) == ("delivery", "exit")
    }


def _done(callback: Callback, item: str) -> bool | None:
    return next((answer.done for answer in callback.answers if answer.item == item), None)


def _score(callback: Callback, item: str) -> float | None:
    return next((answer.score for answer in callback.answers if answer.item == item), None)


def _mean_score(callbacks: list[Callback], item: str) -> float:
    return mean(score for callback in callbacks if (score := _score(callback, item)) is not None)


def test_all_items_are_asked(callbacks: list[Callback]) -> None:
    """Nine ratings carry scores, nine process items carry yes or no; nothing else is answered."""
    answers = [answer for callback in callbacks for answer in callback.answers]
    assert {answer.item for answer in answers if answer.score is not None} == set(RATINGS)
    assert {answer.item for answer in answers if answer.done is not None} == PROCESS_ITEMS
    assert {answer.item for answer in answers} == set(RATINGS) | PROCESS_ITEMS


def test_unanswered_calls_say_nothing(story: list[AnyEvent]) -> None:
    """Calls without an answer occur, and carry none."""
    unanswered = [
        event for event in story if isinstance(event, Callback) and event.outcome != "completed"
    ]
    assert {call.outcome for call in unanswered} == {"no_answer", "refused"}
    assert all(
        not call.answers and call.recommend is None and call.text is None for call in unanswered
    )


def test_calls_come_one_to_five_days_after_delivery(
    callbacks: list[Callback], delivered: dict[str, datetime]
) -> None:
    """Most calls are within four days of the delivery, none is before it."""
    delays = [
        call.occurred_at - delivered[call.order_id]
        for call in callbacks
        if call.order_id in delivered
    ]
    assert min(delays) > timedelta(0)
    assert sum(delay <= timedelta(days=4) for delay in delays) / len(delays) > 0.8


def test_followed_up_is_the_truth(
    callbacks: list[Callback], delivered: dict[str, datetime]
) -> None:
    """`followed_up` is done exactly if the call is within 72 hours of the delivery.

    Both cases occur.
    """
    said = [
        (
            _done(call, "followed_up"),
            call.occurred_at - delivered[call.order_id] <= timedelta(hours=72),
        )
        for call in callbacks
        if call.order_id in delivered
    ]
    assert set(said) == {(True, True), (False, False)}


def test_delivered_on_time_is_the_truth(
    story: list[AnyEvent], callbacks: list[Callback], delivered: dict[str, datetime]
) -> None:
    """`delivered_on_time` is what the timestamps say of the first promise; both cases occur."""
    promised: dict[str, datetime] = {}
    for event in story:
        if isinstance(event, RepairStep) and event.promised_at:
            promised.setdefault(event.order_id, event.promised_at)
    said = {
        (_done(call, "delivered_on_time"), delivered[call.order_id] <= promised[call.order_id])
        for call in callbacks
        if call.order_id in delivered and call.order_id in promised
    }
    assert said == {(True, True), (False, False)}


def test_scores_agree_with_a_late_delivery(callbacks: list[Callback]) -> None:
    """Whoever got the car late is less content with the time, and overall."""
    late = [call for call in callbacks if _done(call, "delivered_on_time") is False]
    on_time = [call for call in callbacks if _done(call, "delivered_on_time") is True]
    assert _mean_score(late, "service_time") < _mean_score(on_time, "service_time") - 2
    assert _mean_score(late, "overall") < _mean_score(on_time, "overall") - 1


def test_scores_crowd_at_the_ceiling(callbacks: list[Callback]) -> None:
    """As in real surveys most give 9 or 10, and few are unhappy."""
    overall = [score for call in callbacks if (score := _score(call, "overall")) is not None]
    assert sum(score >= 9 for score in overall) / len(overall) > 0.55
    assert 0.02 < sum(score <= 6 for score in overall) / len(overall) < 0.2


def test_some_state_expectation_importance_and_a_text(callbacks: list[Callback]) -> None:
    """Expectations, importances and remarks come with some of the answered calls.

    Remarks are in English and in Chinese.
    """
    stated = [
        any(
            answer.expectation is not None and answer.importance is not None
            for answer in call.answers
        )
        for call in callbacks
    ]
    texts = [call.text for call in callbacks if call.text]
    assert 0.1 < mean(stated) < 0.3
    assert 0.2 < len(texts) / len(callbacks) < 0.5
    assert 0.3 < mean(text.isascii() for text in texts) < 0.7


def test_unfriendly_shop_has_the_worst_advisors(callbacks: list[Callback]) -> None:
    """The attitude of a shop shows in the rating of its advisors."""
    by_site = {
        site: [call for call in callbacks if call.site_id == site]
        for site in {call.site_id for call in callbacks}
    }
    means = {site: _mean_score(calls, "advisor_service") for site, calls in by_site.items()}
    assert min(means, key=means.__getitem__) == "shop-05"


def test_whoever_is_content_recommends_and_had_little_effort(callbacks: list[Callback]) -> None:
    """Effort is a score like the others: 10 is easy."""
    efforts: dict[bool, list[float]] = {True: [], False: []}
    for call in callbacks:
        overall = _score(call, "overall")
        if call.effort is not None and overall is not None:
            efforts[overall >= 9].append(call.effort)
    assert mean(efforts[True]) > mean(efforts[False]) + 1
