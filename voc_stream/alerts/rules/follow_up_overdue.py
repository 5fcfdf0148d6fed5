"""Customers whom nobody called: more of the follow-ups that fell due are missing than the catalogue allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.model import MOST_IDS, Finding, Subject, Verdict
from voc_stream.domain.statistics import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from voc_stream.catalogue.model import Catalogue

RULE = "VocFollowUpOverdue"
EXPERIENCE = "follow_up_72h"
HORIZON = "7d"
AT_LEAST_HALF = 0.5


class FollowUps(NamedTuple):
    """The follow-ups of one site whose 72 hours ended within the horizon.

    Attributes:
        site_id: the shop.
        due: how many.
        overdue: how many of them have not been made to this day.
        order_ids: some orders of those, the longest overdue first.
    """

    site_id: str
    due: int
    overdue: int
    order_ids: Sequence[str]


def judge_follow_ups(
    follow_ups: Iterable[FollowUps], catalogue: Catalogue, open_subjects: Collection[Subject]
) -> Verdict:
    """Where customers are not called, by site.

    An alert starts where the overdue share is above what is allowed beyond chance: by the lower end of its 95 % interval, with the
    catalogue's `minimum_samples`. It goes on while the share itself is above, and while too few fell due to say. Where the catalogue has no
    such experience, or expects nothing of it, there is no alert.

    Args:
        follow_ups: one for each site where any fell due.
        catalogue: what is expected: 9 allows 10 of 100 to be overdue.
        open_subjects: whose alerts are open.
    """
    experience = catalogue.experience.get(EXPERIENCE)
    if experience is None or experience.expectation is None:
        return Verdict(frozenset({RULE}), [])
    # Rounded, so that 1 of 10 is not above what 9 of 10 allows.
    allowed = round(1 - experience.expectation / 10, 9)
    findings, holding = [], {subject for subject in open_subjects if subject.rule == RULE}
    for each in follow_ups:
        subject = Subject(RULE, EXPERIENCE, "site", each.site_id)
        if each.due < max(1, experience.alert.minimum_samples):
            continue
        if wilson_interval(each.overdue, each.due)[0] > allowed:
            findings.append(_finding(subject, each, allowed))
        elif each.overdue / each.due <= allowed:
            holding.discard(subject)
    return Verdict(frozenset({RULE}), findings, holding)


def _finding(subject: Subject, follow_ups: FollowUps, allowed: float) -> Finding:
    share = follow_ups.overdue / follow_ups.due
    return Finding(
        subject,
        "critical" if share > 2 * allowed and share >= AT_LEAST_HALF else "warning",
        {
            "site": subject.scope,
            "horizon": HORIZON,
            "due": follow_ups.due,
            "overdue": follow_ups.overdue,
            "share": round(share, 4),
            "allowed_share": allowed,
            "order_ids": list(follow_ups.order_ids[:MOST_IDS]),
        },
        f"{subject.scope}: of the {follow_ups.due} customers whose 72 hours after delivery ended in the last 7 days, {follow_ups.overdue}"
        f" have not been followed up to this day; allowed are {allowed:.0%} / {subject.scope}：近7天交车满72小时的 {follow_ups.due}"
        f" 位客户中，至今仍有 {follow_ups.overdue} 位未回访，允许比例为 {allowed:.0%}",
    )
