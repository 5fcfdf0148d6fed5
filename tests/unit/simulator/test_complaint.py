from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from statistics import mean

import pytest

from voc_stream.events.types import AnyEvent, Callback, Complaint, Customer

# What may follow an action.
NEXT = {
    "opened": {"acknowledged"},
    "acknowledged": {"apologised", "resolved", "withdrawn"},
    "apologised": {"resolved", "withdrawn"},
    "resolved": {"informed"},
    "informed": {"closed", "reopened"},
    "reopened": {"acknowledged"},
    "closed": set(),
    "withdrawn": set(),
}


@pytest.fixture(scope="module")
def complaints(story: list[AnyEvent]) -> dict[str, list[Complaint]]:
    """The steps of each complaint."""
    found: dict[str, list[Complaint]] = defaultdict(list)
    for event in story:
        if isinstance(event, Complaint):
            found[event.complaint_id].append(event)
    return found


def test_complaints_go_through_the_state_machine(complaints: dict[str, list[Complaint]]) -> None:
    """Each action may follow the one before it."""
    for steps in complaints.values():
        assert steps[0].action == "opened"
        for before, after in itertools.pairwise(steps):
            assert after.action in NEXT[before.action]


def test_all_actions_and_facts_occur(story: list[AnyEvent]) -> None:
    """All eight actions, both severities, compensation and a department in charge are seen."""
    steps = [event for event in story if isinstance(event, Complaint)]
    assert {step.action for step in steps} == set(NEXT)
    assert {step.severity for step in steps} == {"minor", "major"}
    assert any(step.compensation for step in steps)
    assert len({step.handed_to for step in steps if step.handed_to}) > 1


def test_complaints_follow_bad_visits(
    story: list[AnyEvent], complaints: dict[str, list[Complaint]]
) -> None:
    """Visits that were rated badly end far more often in a complaint than others."""
    complained = {steps[0].order_id for steps in complaints.values()}
    shares: dict[str, list[bool]] = defaultdict(list)
    for event in story:
        if isinstance(event, Callback):
            for answer in event.answers:
                if answer.item == "overall" and answer.score is not None:
                    shares[
                        "bad" if answer.score <= 6 else "good" if answer.score >= 9 else "fair"
                    ].append(event.order_id in complained)
    assert mean(shares["bad"]) > 0.2
    assert mean(shares["bad"]) > 10 * mean(shares["good"])


def test_customers_leave_after_unresolved_complaints(
    story: list[AnyEvent], complaints: dict[str, list[Complaint]]
) -> None:
    """An unresolved complaint drives far more customers away than a resolved one."""
    churned = {
        event.customer_id
        for event in story
        if isinstance(event, Customer) and event.change == "churned"
    }
    left: dict[bool, list[bool]] = defaultdict(list)
    for steps in complaints.values():
        left[steps[-1].action in ("closed", "informed")].append(steps[0].customer_id in churned)
    assert mean(left[False]) > 0.4
    assert mean(left[False]) > 3 * mean(left[True])


def test_attitude_is_the_main_reason_for_leaving(story: list[AnyEvent]) -> None:
    """Reasons are spread as the survey says: more than half leave for the attitude of staff."""
    reasons = Counter(
        event.churn_reason
        for event in story
        if isinstance(event, Customer) and event.change == "churned"
    )
    assert reasons["attitude"] / reasons.total() > 0.5
    assert len(reasons) > 3


def test_some_customers_are_won_back(story: list[AnyEvent]) -> None:
    """Only customers who left are won back, and some are."""
    changes = [
        event for event in story if isinstance(event, Customer) and event.change != "profile"
    ]
    churned: set[str] = set()
    for event in changes:
        if event.change == "churned":
            churned.add(event.customer_id)
        else:
            assert event.customer_id in churned
    assert any(event.change == "won_back" for event in changes)
