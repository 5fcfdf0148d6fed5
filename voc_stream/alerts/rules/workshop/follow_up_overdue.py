"""Finds sites that do not follow up on their customers.

More of the follow-ups that fell due are missing than the catalogue allows. Customers who were never
tried and customers who were tried in vain are told apart: the first are work, the second are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.alerts.facts.workshop_facts import WorkshopFacts
from voc_stream.alerts.model import MOST_IDS, Finding, Subject, Verdict
from voc_stream.alerts.rule import Rule, Words
from voc_stream.domain.statistics import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from voc_stream.alerts.facts.workshop_facts import FollowUps
    from voc_stream.alerts.rule import Context, Facts
    from voc_stream.catalogue.model import Catalogue

NAME = "VocFollowUpOverdue"
EXPERIENCE = "follow_up_72h"
HORIZON = "7d"
AT_LEAST_HALF = 0.5


def judge(facts: Facts, context: Context) -> Verdict:
    """The sites at which customers are not followed up."""
    return judge_follow_ups(
        facts[WorkshopFacts].follow_ups, context.catalogue, context.open_subjects
    )


def judge_follow_ups(
    follow_ups: Iterable[FollowUps], catalogue: Catalogue, open_subjects: Collection[Subject]
) -> Verdict:
    """The sites at which customers are not followed up.

    An alert starts if the overdue share is above what is allowed beyond chance. The lower end of
    its 95 % interval says so, with the catalogue's `minimum_samples`. It goes on while the share
    itself is above, and while too few fell due to say. If the catalogue has no such experience, or
    expects nothing of it, there is no alert.

    Args:
        follow_ups: one for each site at which any fell due.
        catalogue: what is expected: 9 allows 10 of 100 to be overdue.
        open_subjects: whose alerts are open.
    """
    experience = catalogue.experience.get(EXPERIENCE)
    if experience is None or experience.expectation is None:
        return Verdict([])
    # It is rounded, so that 1 of 10 is not above what 9 of 10 allows.
    allowed = round(1 - experience.expectation / 10, 9)
    findings, holding = [], {subject for subject in open_subjects if subject.rule == NAME}
    for each in follow_ups:
        subject = Subject(NAME, EXPERIENCE, "site", each.site_id)
        if each.due < max(1, experience.alert.minimum_samples):
            continue
        if wilson_interval(each.overdue, each.due)[0] > allowed:
            findings.append(_finding(subject, each, allowed))
        elif each.overdue / each.due <= allowed:
            holding.discard(subject)
    return Verdict(findings, holding)


def _finding(subject: Subject, follow_ups: FollowUps, allowed: float) -> Finding:
    share, tried = follow_ups.overdue / follow_ups.due, _tried(follow_ups)
    return Finding(
        subject,
        "critical" if share > 2 * allowed and share >= AT_LEAST_HALF else "warning",
        {
            "site": subject.scope,
            "horizon": HORIZON,
            "due": follow_ups.due,
            "overdue": follow_ups.overdue,
            "never_tried": follow_ups.never_tried,
            "not_reached": follow_ups.not_reached,
            "refused": follow_ups.refused,
            "tried_in_time": follow_ups.tried_in_time,
            "share": round(share, 4),
            "allowed_share": allowed,
            "order_ids": list(follow_ups.order_ids[:MOST_IDS]),
        },
        f"{subject.scope}: of the {follow_ups.due} customers whose 72 hours after delivery ended in"
        f" the last 7 days, {follow_ups.overdue}"
        f" have not been followed up to this day{tried.en}; allowed are {allowed:.0%} /"
        f" {subject.scope}：近7天交付满72小时的 {follow_ups.due}"
        f" 位客户中，至今仍有 {follow_ups.overdue} 位未完成回访{tried.zh}，允许比例为"
        f" {allowed:.0%}",
    )


def _tried(follow_ups: FollowUps) -> Words:
    """Whether anybody tried.

    Nothing is said if nothing is known: orders that were stored by an earlier version tell of
    attempts once they are rebuilt.
    """
    never, missed, refused = (
        follow_ups.never_tried,
        follow_ups.not_reached,
        follow_ups.refused,
    )
    tried = missed + refused
    if never + tried == 0:
        return Words("", "")
    return Words(
        f": {never} were never tried, {tried} were tried ({follow_ups.tried_in_time} of them within"
        f" the 72 hours), of whom {missed} were not reached and {refused} refused to answer",
        f"：{never} 位从未尝试，{tried} 位已尝试（其中 {follow_ups.tried_in_time} 位在72小时内），"
        f"其中 {missed} 位未接通，{refused} 位拒绝受访",
    )


RULE = Rule(
    name=NAME,
    title=Words("not followed up after 72 hours", "72 小时未完成回访"),
    headline=Words(
        "Customers of {place} were not followed up, 72 hours after delivery",
        "交付满 72 小时未完成回访",
    ),
    description="Their orders were delivered more than 72 hours ago, and neither a completed"
    " callback nor the end of the follow-up stage is known. The summary of the alert says how many"
    " were never tried, and how many were tried and not reached.",
    one_per="site",
    starts="of the orders whose 72 hours ended within 7 days, closed days left out, more than the"
    " catalogue allows were not followed up to this day, by more than chance",
    critical="half of them were not, and twice what is allowed",
    ends="the share is back",
    needs=(WorkshopFacts,),
    judge=judge,
)
