from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from builders import START
from hypothesis import given
from hypothesis import strategies as st
from unit.alerts.rules.example import Example

from voc_stream.alerts.facts.workshop_facts import FollowUps, WorkshopFacts
from voc_stream.alerts.model import Subject
from voc_stream.alerts.rule import Facts
from voc_stream.alerts.rules.workshop.follow_up_overdue import (
    EXPERIENCE,
    NAME,
    judge_follow_ups,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from voc_stream.alerts.model import Verdict
    from voc_stream.catalogue.model import Catalogue

AT_S_1 = Subject(NAME, EXPERIENCE, "site", "s-1")


def judge(
    overdue: int, due: int, catalogue: Catalogue, open_subjects: Collection[Subject] = (AT_S_1,)
) -> Verdict:
    return judge_follow_ups(
        [FollowUps("s-1", due, overdue, [f"o-{number}" for number in range(overdue)])],
        catalogue,
        open_subjects,
    )


def follow_ups(due: int, overdue: int) -> Facts:
    return Facts(WorkshopFacts([], {}, [FollowUps("s-1", due, overdue, ())]))


EXAMPLE = Example(starts=follow_ups(40, 12), ends=follow_ups(40, 0), now=START)


@pytest.mark.parametrize(
    ("overdue", "due", "found", "holds"),
    [
        (0, 20, False, False),
        (10, 100, False, False),  # exactly what is allowed
        (11, 100, False, True),  # above it, but chance may explain it
        (15, 100, False, True),  # the interval begins at 0.093
        (16, 100, True, False),  # and here at 0.101
        (19, 19, False, True),  # too few to say
        (6, 20, True, False),
    ],
)
def test_start_and_end_have_different_limits(
    overdue: int, due: int, found: bool, holds: bool, catalogue: Catalogue
) -> None:
    """It starts beyond chance and ends at what is allowed, here 10 of 100, with at least 20 due."""
    verdict = judge(overdue, due, catalogue)
    assert bool(verdict.findings) is found
    assert bool(set(verdict.holding) - {finding.subject for finding in verdict.findings}) is holds


def test_a_site_of_which_nothing_fell_due_goes_on(catalogue: Catalogue) -> None:
    """No data is no good news; alerts of other rules are none of this one's business."""
    other = Subject("VocX", None, "site", "s-1")
    assert judge_follow_ups([], catalogue, [AT_S_1, other]) == ([], {AT_S_1})


def test_an_alert_names_whom_to_call_and_who_was_tried(catalogue: Catalogue) -> None:
    """The numbers, at most five orders, in both languages.

    Who was tried in vain is told apart from who was never tried: it is not said that nobody called
    a customer who was called.
    """
    orders = [f"o-{number}" for number in range(12)]
    overdue = FollowUps(
        "s-1", 40, 12, orders, never_tried=3, not_reached=7, refused=2, tried_in_time=8
    )
    (finding,) = judge_follow_ups([overdue], catalogue, ()).findings
    assert finding.subject == AT_S_1
    assert finding.severity == "warning"
    assert finding.evidence == {
        "site": "s-1",
        "horizon": "7d",
        "due": 40,
        "overdue": 12,
        "never_tried": 3,
        "not_reached": 7,
        "refused": 2,
        "tried_in_time": 8,
        "share": 0.3,
        "allowed_share": 0.1,
        "order_ids": ["o-0", "o-1", "o-2", "o-3", "o-4"],
    }
    assert finding.summary == (
        "s-1: of the 40 customers whose 72 hours after delivery ended in the last 7 days, 12 have"
        " not been followed up to this day: 3 were never tried, 9 were tried (8 of them within the"
        " 72 hours), of whom 7 were not reached and 2 refused to answer;"
        " allowed are 10% / s-1：近7天交付满72小时的 40 位客户中，至今仍有 12 位未完成回访："
        "3 位从未尝试，9 位已尝试（其中 8 位在72小时内），其中 7 位未接通，2 位拒绝受访，"
        "允许比例为 10%"
    )


def test_nothing_is_said_of_attempts_that_nobody_knows(catalogue: Catalogue) -> None:
    """Orders of an earlier version tell of attempts once they are rebuilt, not before."""
    (finding,) = judge(12, 40, catalogue).findings
    assert "12 have not been followed up to this day; allowed" in finding.summary
    assert "至今仍有 12 位未完成回访，允许比例为" in finding.summary
    assert "tried," not in finding.summary


@pytest.mark.parametrize(
    ("expectation", "overdue", "severity"),
    [(9, 19, "warning"), (9, 20, "critical"), (7, 24, "warning"), (7, 25, "critical")],
)
def test_half_of_them_and_twice_what_is_allowed_is_critical(
    expectation: float, overdue: int, severity: str, catalogue: Catalogue
) -> None:
    """Both, of 40."""
    (finding,) = judge(overdue, 40, expecting(catalogue, expectation)).findings
    assert finding.severity == severity


@pytest.mark.parametrize("expectation", [None, "missing"])
def test_without_an_expectation_the_rule_is_off(expectation: object, catalogue: Catalogue) -> None:
    """Nothing is found, and what was open ends."""
    if expectation is None:
        changed = expecting(catalogue, None)
    else:
        others = {key: each for key, each in catalogue.experience.items() if key != EXPERIENCE}
        changed = msgspec.structs.replace(catalogue, experience=others)
    assert judge(40, 40, changed) == ([], ())


@given(st.integers(0, 60), st.integers(1, 60))
def test_more_overdue_never_end_what_fewer_started(
    catalogue: Catalogue, overdue: int, due: int
) -> None:
    """Of the same due."""
    overdue = min(overdue, due)
    before, after = judge(overdue, due, catalogue), judge(min(due, overdue + 1), due, catalogue)
    assert len(after.findings) >= len(before.findings)
    assert bool(after.findings or after.holding) >= bool(before.findings or before.holding)


def expecting(catalogue: Catalogue, expectation: float | None) -> Catalogue:
    """The catalogue with another expectation of the follow-up."""
    changed = msgspec.structs.replace(catalogue.experience[EXPERIENCE], expectation=expectation)
    return msgspec.structs.replace(
        catalogue, experience={**catalogue.experience, EXPERIENCE: changed}
    )
