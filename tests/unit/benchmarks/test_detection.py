from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from benchmarks.detection.detectors import Volume
from benchmarks.detection.ours import LEAST_DROP, Charts
from benchmarks.detection.setting import setting_of
from benchmarks.detection.world import shapes_of

from voc_stream.alerts.detection.charts import scores_of
from voc_stream.alerts.detection.detector import feed, suspicion
from voc_stream.alerts.rules.experiences.key_experience_dropped import ESTIMATED_SHARE

NOW = datetime(2026, 1, 5, tzinfo=UTC)
SCORES, KEYS = 300, 20


def test_many_keys_at_once_are_judged_as_each_by_itself() -> None:
    """The figures of docs/explain/detection.md are about the detector of the service.

    The same scores give the same margins, gates included.
    """
    random = np.random.default_rng(5)
    setting = setting_of(shapes_of(None)[:1], Volume("many", SCORES + 1, "h", 20), 5, random)
    ours = Charts(setting, 6000, random)
    detectors = [ours.standing(key) for key in range(KEYS)]
    announced = 0
    for number in range(SCORES):
        scores = setting.world.scores(random) - (2.0 if number > SCORES // 2 else 0.0)
        margins = ours.take(scores)
        for key in range(KEYS):
            detectors[key] = feed(detectors[key], scores_of([scores[key]], NOW))
            found = suspicion(detectors[key], ESTIMATED_SHARE * LEAST_DROP)
            assert margins[key] == pytest.approx(-np.inf if found is None else found.margin)
            announced += found is not None and found.margin > 0
    assert announced > 0
