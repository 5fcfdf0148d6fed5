"""A key NPS is watched as what it is: promoters without detractors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from builders import callback
from integration.postgres.alerting.judged import EXPERIENCE, Judged
from integration.postgres.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from builders import Event

    from voc_stream.catalogue.model import Catalogue

NPS = "recommendation"


class AskedToRecommend(Judged):
    """Shops whose customers are asked whether they recommend them."""

    def event(
        self, moment: datetime, site: str, employee: str, score: float, experience: str = NPS
    ) -> Event:
        """One answer."""
        assert experience in (NPS, EXPERIENCE)
        number = next(self._numbers)
        return callback(
            f"x-{number}",
            occurred_at=moment.isoformat(),
            customer_id=f"u-{number}",
            site_id=site,
            department="service",
            employee_id=employee,
            recommend=int(score),
        )


@pytest.fixture
def asked(shared_database: str, catalogue: Catalogue) -> Iterator[AskedToRecommend]:
    """Three shops with four weeks behind them, whose NPS is key."""
    nps = msgspec.structs.replace(catalogue.experience[NPS], key=True)
    keyed = msgspec.structs.replace(catalogue, experience={**catalogue.experience, NPS: nps})
    with Store(shared_database, keyed) as store:
        store.clear()
        asked = AskedToRecommend(store)
        asked.past()
        yield asked


def test_a_drop_of_an_nps_is_told_in_nps_points(asked: AskedToRecommend) -> None:
    """It is found, and evidence, summary and metric say the same on the scale of an NPS.

    Usual are 4 promoters and 2 detractors of 10, so +20.
    """
    for _ in range(12):
        asked.hear("s-1", [6, 5, 7, 9, 6, 4])
        asked.hear("s-2", asked.usual(6))
    [alert] = asked.alerts()
    evidence = alert["evidence"]
    assert (alert["experience"], alert["scope"], evidence["scale"]) == (NPS, "s-1", "nps")
    assert 0.1 < evidence["baseline_mean"] < 0.3
    assert -0.6 < evidence["mean"] < -0.4
    assert evidence["drop"] == pytest.approx(
        evidence["baseline_mean"] - evidence["mean"], abs=0.011
    )
    english, chinese = alert["summary"].split(" / ")
    assert english.startswith("Net promoter score at s-1 dropped by ")
    mean = round(100 * evidence["mean"])
    assert f" NPS points to NPS {mean} (" in english
    assert f"个 NPS 点至 NPS {mean}" in chinese
    means = [each["mean"] for each in evidence["explanations"]]
    assert all(-1 <= mean <= 1 for mean in means)
    drops = {
        one.labels[1]: one.value
        for one in asked.chores.gauges(asked.now)
        if one.metric == "voc_key_experience_drop" and one.labels[::2] == (NPS, "7d")
    }
    # Over seven days, six of which were as usual.
    assert 0.1 < drops["s-1"] < evidence["drop"]


def test_answers_within_a_group_are_no_drop(asked: AskedToRecommend) -> None:
    """Promoters who give 9 instead of 10 and passives who give 7 instead of 8 change no NPS."""
    for _ in range(12):
        asked.hear("s-1", [9, 9, 9, 9, 7, 7, 7, 7, 6, 6])
    assert asked.alerts() == []
