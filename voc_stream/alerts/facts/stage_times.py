"""Computes how long orders take in the stages of the workshop, from histograms.

It gives what is usual, and what only 5 of 100 exceed. It uses percentiles and not means. A shop
closes at night, and one order of twenty that stands until morning doubles the mean of a short
stage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.catalogue.model import minutes_experience

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.catalogue.model import Catalogue

SHARE_WITHIN = 0.95
_FIRST_EDGE = 5.0
"""Minutes at which the first bin ends.

Each further bin ends at twice the minutes of the one before, and the last never ends.
"""


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


class StageTimes(NamedTuple):
    """How long orders took.

    Attributes:
        histograms: by site (`''` for all) and stage: counts of minutes, bins as in
            `experience_daily`.
    """

    histograms: Mapping[tuple[str, str], Sequence[int]]

    def limits(self, catalogue: Catalogue) -> dict[str, StageLimit]:
        """The limit by stage: the catalogue's, else the 95th percentile over all sites.

        A stage has no limit if too few orders passed. Nor has it a limit if more than 5 of 100 took
        more than 2,560 minutes, which is all one bin.
        """
        limits = {
            stage: StageLimit(
                minutes, is_stated=True, in_opening_time=catalogue.limits.in_opening_time
            )
            for stage, minutes in catalogue.limits.stage_minutes.items()
        }
        for stage in catalogue.flow.stages:
            minutes = (
                None if stage in limits else self._percentile(catalogue, "", stage, SHARE_WITHIN)
            )
            if minutes is not None:
                limits[stage] = StageLimit(minutes, is_stated=False)
        return limits

    def usual_minutes(self, catalogue: Catalogue, site_id: str, stage: str) -> float | None:
        """The minutes that half of the orders stay within, at the site or else at all sites.

        The site's own minutes count if enough orders passed there.

        None if too few passed anywhere.
        """
        here = self._percentile(catalogue, site_id, stage, 0.5)
        return self._percentile(catalogue, "", stage, 0.5) if here is None else here

    def sites_of(self, stage: str) -> list[str]:
        """The sites at which orders passed through a stage; `''`, for all sites, is among them."""
        return [site_id for site_id, each in self.histograms if each == stage]

    def passing_share(self, catalogue: Catalogue, stage: str) -> float:
        """How many orders pass through a stage for each that is delivered, at most 1.

        It is 1 if no delivery is known.
        """
        passed, delivered = (
            sum(self.histograms.get(("", each or ""), ()))
            for each in (stage, catalogue.flow.delivered)
        )
        return min(1.0, passed / delivered) if delivered > 0 else 1.0

    def _percentile(
        self, catalogue: Catalogue, site_id: str, stage: str, share: float
    ) -> float | None:
        histogram, experience = (
            self.histograms.get((site_id, stage)),
            catalogue.experience.get(minutes_experience(stage)),
        )
        if (
            histogram is None
            or experience is None
            or sum(histogram) < max(1, experience.alert.minimum_samples)
        ):
            return None
        return percentile_minutes(histogram, share)


def percentile_minutes(histogram: Sequence[int], share: float) -> float | None:
    """The minutes within which a share of the orders stayed.

    None if it lies in the last bin, which is open above. Bins double in width, so inside a bin the
    minutes are taken to grow geometrically; in the first, which begins at 0, evenly.

    Args:
        histogram: counts of minutes below 5, from 5 to below 10, to below 20, and so on, at least
            one of them above 0.
        share: above 0, at most 1.

    >>> percentile_minutes([50, 50, 0], 0.25), percentile_minutes([50, 50, 0], 0.5)
    (2.5, 5.0)
    >>> round(percentile_minutes([50, 50, 0], 0.75), 3)
    7.071
    >>> percentile_minutes([90, 4, 6], 0.95) is None
    True
    """
    wanted = share * sum(histogram)
    below = 0
    for number, count in enumerate(histogram[:-1]):
        if count > 0 and below + count >= wanted:
            part = (wanted - below) / count
            return _FIRST_EDGE * (part if number == 0 else 2.0 ** (number - 1 + part))
        below += count
    return None
