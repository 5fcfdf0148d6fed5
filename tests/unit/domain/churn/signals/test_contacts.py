from __future__ import annotations

from datetime import timedelta

import pytest
from builders import START, callback, complaint, touchpoint
from unit.domain.churn.signals.known import WINDOW, told, weights

INSTANT = timedelta(microseconds=1)


def moment(hours: int) -> str:
    return (START - timedelta(hours=hours)).isoformat()


def test_three_contacts_within_the_window_are_many() -> None:
    """Touchpoints, and complaints that are opened or reopened; what we do is none of theirs."""
    third = [
        touchpoint("t-1", occurred_at=moment(1)),
        complaint("k-2", action="reopened", occurred_at=moment(2)),
        callback("c-1", occurred_at=moment(3)),
        complaint("k-3", action="resolved", occurred_at=moment(4)),
        complaint("k-1", occurred_at=moment(5)),
    ]
    first = START - timedelta(hours=5)
    assert weights(told(*third))["contacts_3"] == 1
    assert "contacts_3" not in weights(told(*third[:4]))
    assert weights(told(*third), first + WINDOW - INSTANT)["contacts_3"] == 1
    assert "contacts_3" not in weights(told(*third), first + WINDOW)
    assert "contacts_3" not in weights(told(*third), first - INSTANT)


def test_eight_failures_within_the_window_are_one_after_another() -> None:
    """An event fails once: by scores below 6, however many, or by a complaint."""
    lows = [{"item": "overall", "score": 5.99}, {"item": "advisor_service", "score": 0}]
    failures = [
        *(touchpoint(f"t-{n}", score=5.994, occurred_at=moment(n)) for n in range(6)),
        touchpoint("t-6", score=6, occurred_at=moment(6)),
        callback("c-1", answers=lows, occurred_at=moment(7)),
        complaint("k-1", occurred_at=moment(8)),
    ]
    assert weights(told(*failures))["failures_8"] == 1
    assert "failures_8" not in weights(told(*failures[1:]))
    assert "failures_8" not in weights(told(*failures), START - timedelta(hours=8) + WINDOW)


@pytest.mark.parametrize("outcome", ["no_answer", "refused"])
def test_the_latest_callback_says_whether_a_survey_was_answered(outcome: str) -> None:
    """One that was completed later makes good for it."""
    unanswered = callback("c-1", outcome=outcome, answers=[], occurred_at=moment(1))
    assert weights(told(unanswered))["unanswered_survey"] == 1
    assert weights(told(unanswered), START + timedelta(days=91))["unanswered_survey"] == 0.5
    assert "unanswered_survey" not in weights(told(callback("c-2"), unanswered))
