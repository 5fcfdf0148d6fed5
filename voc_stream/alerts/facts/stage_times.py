"""Holds how long orders take in the stages of the workshop.

It gives what is usual, and what only 5 of 100 exceed. It uses percentiles and not means. A shop
closes at night, and one order of twenty that stands until morning doubles the mean of a short
stage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.catalogue.model import minutes_experience

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.catalogue.model import Catalogue


SHARE_WITHIN = 0.95
"""The share of orders that do not exceed a limit which nobody states."""


class StageLimit(NamedTuple):
    """When an order is stuck.

    Attributes:
        minutes: after how many minutes.
        is_stated: the catalogue states it; else it is what 95 of 100 orders stay within.
        in_opening_time: only minutes in which the site is open count.
    """

    minutes: float
    is_stated: bool
    in_opening_time: bool = False


class TimesThere(NamedTuple):
    """How long orders took in a stage, at one site or at all.

    Attributes:
        orders: how many orders.
        usual: the minutes that half of them did not exceed.
        longest: the minutes that 95 of 100 did not exceed.
    """

    orders: int
    usual: float
    longest: float


_NOTHING = TimesThere(0, 0.0, 0.0)


class StageTimes(NamedTuple):
    """How long orders took.

    Attributes:
        there: by site (`''` for all) and stage.
    """

    there: Mapping[tuple[str, str], TimesThere]

    def limits(self, catalogue: Catalogue) -> dict[str, StageLimit]:
        """The limit by stage: the catalogue's, else the 95th percentile over all sites.

        A stage has no limit if too few orders passed.
        """
        limits = {
            stage: StageLimit(
                minutes, is_stated=True, in_opening_time=catalogue.limits.in_opening_time
            )
            for stage, minutes in catalogue.limits.stage_minutes.items()
        }
        for stage in catalogue.flow.stages:
            times = None if stage in limits else self._enough(catalogue, "", stage)
            if times is not None:
                limits[stage] = StageLimit(times.longest, is_stated=False)
        return limits

    def usual_minutes(self, catalogue: Catalogue, site_id: str, stage: str) -> float | None:
        """The minutes that half of the orders stay within, at the site or else at all sites.

        The site's own minutes count if enough orders passed there.

        None if too few passed anywhere.
        """
        times = self._enough(catalogue, site_id, stage) or self._enough(catalogue, "", stage)
        return None if times is None else times.usual

    def sites_of(self, stage: str) -> list[str]:
        """The sites at which orders passed through a stage; `''`, for all sites, is among them."""
        return [site_id for site_id, each in self.there if each == stage]

    def passing_share(self, catalogue: Catalogue, stage: str) -> float:
        """How many orders pass through a stage for each that is delivered, at most 1.

        It is 1 if no delivery is known.
        """
        passed, delivered = (
            self.there.get(("", each or ""), _NOTHING).orders
            for each in (stage, catalogue.flow.delivered)
        )
        return min(1.0, passed / delivered) if delivered > 0 else 1.0

    def _enough(self, catalogue: Catalogue, site_id: str, stage: str) -> TimesThere | None:
        """The times there, if enough orders passed for the catalogue."""
        times, experience = (
            self.there.get((site_id, stage), _NOTHING),
            catalogue.experience.get(minutes_experience(stage)),
        )
        is_enough = experience is not None and times.orders >= max(
            1, experience.alert.minimum_samples
        )
        return times if is_enough else None
