"""Customers whom nobody called: more of the follow-ups that fell due are missing than the catalogue allows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.alerts.finding import MOST_IDS, Finding, Subject, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from voc_stream.catalogue import Catalogue

RULE = "VocFollowUpOverdue"
EXPERIENCE = "follow_up_72h"
HORIZON = "7d"
AT_LEAST_HALF = 0.5
_Z = 1.959963984540054
"""The normal distribution's 97.5 % point: two-sided 95 %."""


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


def judge_follow_ups(follow_ups: Iterable[FollowUps], catalogue: Catalogue, open_subjects: Collection[Subject]) -> Verdict:
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


def wilson_interval(count: int, samples: int) -> tuple[float, float]:
    """The 95 % interval of a share of which `count` of `samples` were seen (Wilson 1927). Raises ValueError for no sample.

    (p + z^2/2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)

    >>> [round(end, 6) for end in wilson_interval(7, 10)]
    [0.396778, 0.892209]
    """
    if samples < 1:
        raise ValueError("a share needs at least one sample")
    share, squared = count / samples, _Z**2 / samples
    centre = (share + squared / 2) / (1 + squared)
    half = _Z * math.sqrt(share * (1 - share) / samples + squared / (4 * samples)) / (1 + squared)
    # A share of 0 or 1 is inside, whatever the rounding.
    return min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))


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
        f"{subject.scope}: {follow_ups.overdue} of the {follow_ups.due} customers who were to be called within 72 hours of delivery"
        f" were not, in 7 days; allowed are {allowed:.0%} / {subject.scope}：近7天应在交车后72小时内回访的 {follow_ups.due} 位客户中有"
        f" {follow_ups.overdue} 位未回访，允许比例为 {allowed:.0%}",
    )
