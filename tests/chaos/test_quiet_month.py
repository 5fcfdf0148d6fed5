"""A quiet month of fifty shops, whose days and employees differ: who is woken?

Real events, the real tables and the real evaluator; Kafka and Prometheus are left out.
"""

from __future__ import annotations

import math
from contextlib import closing
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import psycopg2
import pytest
from benchmarks.detection.world import BETWEEN_SITES, shapes_of
from benchmarks.detection.worlds.answers import Answers
from builders import START, touchpoint
from integration.postgres.store import Store

from voc_stream.alerts.detection.charts import FEWEST_WEEKS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from builders import Event

    from voc_stream.catalogue.model import Catalogue

pytestmark = [pytest.mark.chaos, pytest.mark.postgres]

SITES, PAST_DAYS, DAYS = 50, 56, 30
EXPERIENCES = ("advisor_service", "repair_quality", "overall")
A_DAY = 12
"""Answers of a shop about each experience a day; it is open for as many hours."""
EMPLOYEES, ON_DUTY = 5, 3
WEEKDAY_DEVIATION, QUALITY_DEVIATION = 0.3, 0.4
FIRST_DAY = START.replace(hour=0)
STATED = (SITES + 1) * len(EXPERIENCES) / FEWEST_WEEKS * DAYS / 7
"""False alarms that docs/explain/detection.md allows in that time: one in 260 weeks of a key."""


class Shops:
    """Shops with weekdays and employees of their own."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        shape = shapes_of(None)[0]
        self._answers = Answers(shape)
        self._usual = self._random.normal(shape.mean, BETWEEN_SITES, (SITES, len(EXPERIENCES)))
        self._weekday = self._random.normal(0.0, WEEKDAY_DEVIATION, (7, SITES))
        self._quality = self._random.normal(0.0, QUALITY_DEVIATION, (SITES, EMPLOYEES))
        self._number = count()

    def day(self, day: int) -> list[Event]:
        """What is answered on a day, in the order of time."""
        found = []
        rota = self._random.permuted(np.tile(np.arange(EMPLOYEES), (SITES, 1)), axis=1)
        for site in range(SITES):
            for place, experience in enumerate(EXPERIENCES):
                number = int(self._random.poisson(A_DAY))
                employees = self._random.choice(rota[site, :ON_DUTY], number)
                means = (
                    self._usual[site, place]
                    + self._weekday[day % 7, site]
                    + self._quality[site, employees]
                )
                scores = self._answers.scores(means, self._random)
                minutes = self._random.uniform(8 * 60, 20 * 60, number)
                found += [
                    self._event(FIRST_DAY + timedelta(days=day, minutes=at), site, *what)
                    for at, *what in zip(
                        minutes.tolist(),
                        [experience] * number,
                        employees.tolist(),
                        scores.tolist(),
                        strict=True,
                    )
                ]
        return sorted(found, key=lambda event: str(event["occurred_at"]))

    def _event(
        self, at: datetime, site: int, experience: str, employee: int, score: float
    ) -> Event:
        number = next(self._number)
        return touchpoint(
            f"e-{number}",
            occurred_at=at.isoformat(timespec="milliseconds"),
            customer_id=f"u-{number}",
            site_id=f"s-{site}",
            department="service",
            employee_id=f"s-{site}-{employee}",
            experience=experience,
            score=score,
        )


@pytest.fixture
def store(postgres_url: str, migrated_template: str, catalogue: Catalogue) -> Iterator[Store]:
    """A database of its own."""
    with closing(psycopg2.connect(postgres_url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE quiet_month TEMPLATE {migrated_template}")
    with Store(f"{postgres_url.rpartition('/')[0]}/quiet_month", catalogue) as store:
        store.clear()
        yield store


def test_a_quiet_month_wakes_nobody_more_often_than_stated(store: Store) -> None:
    """A bad Monday or a weak team is usual where it is usual.

    After eight weeks each hour of a month is evaluated. Nobody was worse than before, so each alert
    is a false one; there may be as many as the page about detection says.
    """
    shops = Shops(11)
    sink, chores = store.sink(0), store.chores()
    for day in range(PAST_DAYS):
        now = FIRST_DAY + timedelta(days=day + 1)
        store.take_in(*shops.day(day), sink=sink, now=now)
        assert chores.refresh(now)
    for day in range(PAST_DAYS, PAST_DAYS + DAYS):
        answers = shops.day(day)
        for hour in range(9, 21):
            now = FIRST_DAY + timedelta(days=day, hours=hour)
            heard = [each for each in answers if str(each["occurred_at"]) < now.isoformat()]
            answers = answers[len(heard) :]
            store.take_in(*heard, sink=sink, now=now)
            store.ask("UPDATE stream_position SET updated_at = %s", now)
            assert chores.refresh(now)
            assert chores.evaluate(now) is not None
    assert store.one("SELECT count(*) FROM detector") == (SITES + 1) * len(EXPERIENCES)
    alerts = store.ask(
        "SELECT scope, experience, started_at, summary FROM alert"
        " WHERE rule = 'VocKeyExperienceDropped' ORDER BY started_at"
    )
    assert len(alerts) <= math.floor(STATED), alerts
