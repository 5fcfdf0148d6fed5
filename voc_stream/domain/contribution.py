"""Contributions: what the aggregates are sums of. Adding one with weight 1 and again with weight -1 leaves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from voc_stream.events.types import AnyEvent
    from voc_stream.events.types.base import Measure


class Contribution(NamedTuple):
    """Measures of one moment with the same dimensions ('' where unknown); weight 1 adds them, weight -1 takes them back."""

    moment: datetime
    site_id: str
    department: str
    employee_id: str
    product: str
    segment: str
    region: str
    weight: int
    measures: tuple[Measure, ...]


class Profile(NamedTuple):
    """The dimensions that come from the customer's row."""

    segment: str = ""
    region: str = ""


NO_PROFILE = Profile()


def contribution_of(
    event: AnyEvent, moment: datetime, profile: Profile, measures: tuple[Measure, ...]
) -> Contribution:
    """What an event adds by itself to the aggregates, given what it measures."""
    return Contribution(
        moment,
        event.site_id or "",
        event.department or "",
        event.employee_id or "",
        event.product or "",
        profile.segment,
        profile.region,
        1,
        measures,
    )


def moved(
    contributions: Sequence[Contribution], before: Profile, after: Profile
) -> list[Contribution]:
    """The same contributions taken back under one profile and added under another."""
    return [
        contribution._replace(segment=profile.segment, region=profile.region, weight=weight)
        for contribution in contributions
        for profile, weight in ((before, -1), (after, 1))
    ]
