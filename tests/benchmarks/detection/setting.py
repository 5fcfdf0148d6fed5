"""What was simulated before anything is looked for.

Shops, how much is heard of them, and their past.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks.detection.world import world_of

from voc_stream.alerts.detection.baseline import BASELINE_DAYS, Past, variance_between
from voc_stream.alerts.detection.charts import scores_between_false_alarms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.detection.detectors import Volume
    from benchmarks.detection.world import World

    from voc_stream.alerts.detection.distribution import Distribution

FOUR_WEEKS_DAYS = 28


class Setting(NamedTuple):
    """Keys and their past.

    Attributes:
        world: the keys.
        volume: how many scores each of them gets.
        past_weeks: the baseline that was seen of each key.
        four_weeks: another past of each key, as those see it that look back for so long.
        between: for each experience, the variance between shops as their baselines show it.
    """

    world: World
    volume: Volume
    past_weeks: list[Past]
    four_weeks: list[Past]
    between: Mapping[int, float]

    def between_alarms(self, keys: int) -> float:
        """Scores between false alarms of a key, for one false alarm a week over so many keys."""
        return scores_between_false_alarms(7.0 * self.volume.a_day, keys)


def setting_of(
    shapes: list[Distribution], volume: Volume, seed: int, random: np.random.Generator
) -> Setting:
    """Shops as `seed` makes them, and their scores of the past."""
    world = world_of(shapes, np.random.default_rng(seed))
    past_weeks = _past_weeks_of(world, volume, BASELINE_DAYS, random)
    between = {
        number: variance_between(
            [past_weeks[key] for key in np.flatnonzero(world.experience == number)], shape.variance
        )
        for number, shape in enumerate(shapes)
    }
    return Setting(
        world, volume, past_weeks, _past_weeks_of(world, volume, FOUR_WEEKS_DAYS, random), between
    )


def renewed(setting: Setting, random: np.random.Generator) -> Setting:
    """The same shops after another past."""
    return setting._replace(
        past_weeks=_past_weeks_of(setting.world, setting.volume, BASELINE_DAYS, random),
        four_weeks=_past_weeks_of(setting.world, setting.volume, FOUR_WEEKS_DAYS, random),
    )


def _past_weeks_of(
    world: World, volume: Volume, days: int, random: np.random.Generator
) -> list[Past]:
    count = days * volume.a_day
    return [Past(count, total / count) for total in world.totals(random, count).tolist()]
