"""Holds what the rules about the workshop judge.

These are orders, how many there are, follow-ups, and when sites worked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from voc_stream.alerts.facts.open_orders import OpenOrder


class FollowUps(NamedTuple):
    """The follow-ups of one site whose 72 hours ended within the horizon.

    Attributes:
        site_id: the shop.
        due: how many follow-ups.
        overdue: how many of them have not been made to this day.
        order_ids: some orders of the overdue ones, those first that nobody has tried, then those
            that nobody has reached, of each the longest overdue first.
        never_tried: in how many of the overdue ones nobody has called since the delivery.
        not_reached: in how many somebody has called, and nobody answered the last call.
        refused: in how many the customer refused to answer the last call.
        tried_in_time: in how many somebody called within the 72 hours.
    """

    site_id: str
    due: int
    overdue: int
    order_ids: Sequence[str]
    never_tried: int = 0
    not_reached: int = 0
    refused: int = 0
    tried_in_time: int = 0


class WorkshopFacts(NamedTuple):
    """What is in the workshop, and what left it.

    Attributes:
        orders: orders in the workshop that are longer in their stage than its limit, or whose
            promise may be too soon.
        in_stage: by site and stage, how many orders of each product have been in it for at most 30
            days.
        follow_ups: by site, those that fell due within a week.
    """

    orders: Sequence[OpenOrder]
    in_stage: Mapping[tuple[str, str], Mapping[str | None, int]]
    follow_ups: Sequence[FollowUps]


class WorkingTimes(NamedTuple):
    """When each site is known to have finished something, ascending."""

    by_site: Mapping[str, Sequence[datetime]]
