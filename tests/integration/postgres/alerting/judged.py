"""Shops that are judged day by day, and what the evaluator makes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

from builders import START, touchpoint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from builders import Event
    from integration.postgres.store import Store

    from voc_stream.postgres.chores.postgres_chores import PostgresChores
    from voc_stream.postgres.intake.batch_transaction import PostgresSink

FIRST_DAY = START.replace(hour=0)
TODAY = FIRST_DAY + timedelta(days=28)
EXPERIENCE = "advisor_service"
USUAL_SCORES = (10, 10, 9, 9, 8, 8, 8, 7, 6, 4)
EMPLOYEES = ("ann", "bob", "cho")


@dataclass
class Judged:
    """A store whose shops get scores; `now` moves on as they come."""

    store: Store
    sites: Sequence[str] = ("s-1", "s-2", "s-3")
    now: datetime = TODAY
    _random: Random = field(default_factory=lambda: Random(7))
    _numbers: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        self.sink: PostgresSink = self.store.sink(0)
        self.chores: PostgresChores = self.store.chores()

    def event(
        self, moment: datetime, site: str, employee: str, score: float, experience: str = EXPERIENCE
    ) -> Event:
        """One score."""
        number = next(self._numbers)
        return touchpoint(
            f"x-{number}",
            occurred_at=moment.isoformat(),
            customer_id=f"u-{number}",
            site_id=site,
            department="service",
            employee_id=employee,
            experience=experience,
            score=score,
        )

    def past(self, a_day: int = 20, days: int = 28) -> None:
        """So many scores a day and site, as usual, on the days before today.

        Then everything is refreshed and evaluated once.
        """
        events = []
        for day in range(28 - days, 28):
            for site in self.sites:
                for number in range(a_day):
                    moment = FIRST_DAY + timedelta(days=day, hours=8, minutes=30 * number)
                    events.append(
                        self.event(
                            moment, site, EMPLOYEES[number % 3], self._random.choice(USUAL_SCORES)
                        )
                    )
        self.take_in(events)

    def hear(
        self,
        site: str,
        scores: Sequence[float],
        employees: Sequence[str] = EMPLOYEES,
        experience: str = EXPERIENCE,
    ) -> None:
        """These scores, a minute apart, by the employees in turn; then refresh and evaluate."""
        events = []
        for number, score in enumerate(scores):
            self.now += timedelta(minutes=1)
            events.append(
                self.event(self.now, site, employees[number % len(employees)], score, experience)
            )
        self.take_in(events)

    def hear_together(self, scores: dict[str, Sequence[float]]) -> None:
        """The scores of several sites, taking turns."""
        events: list[Event] = []
        for round_ in zip(*scores.values(), strict=True):
            for site, score in zip(scores, round_, strict=True):
                self.now += timedelta(minutes=1)
                events.append(self.event(self.now, site, EMPLOYEES[len(events) % 3], score))
        self.take_in(events)

    def usual(self, count_: int) -> list[int]:
        """Scores as they usually are."""
        return [self._random.choice(USUAL_SCORES) for _ in range(count_)]

    def take_in(self, events: Sequence[Event]) -> None:
        """Events into the tables, then refresh and evaluate as of now."""
        if events:
            self.store.take_in(*events, sink=self.sink, now=self.now)
        self.store.ask("UPDATE stream_position SET updated_at = %s", self.now)
        self.evaluate()

    def evaluate(self) -> None:
        """Refresh and evaluate as of now."""
        assert self.chores.refresh(self.now)
        assert self.chores.evaluate(self.now) is not None

    def find_again(self) -> None:
        """Evaluate a minute later.

        All rules but that of drops start an alert when they find the same twice.
        """
        self.now += timedelta(minutes=1)
        self.take_in([])

    def alerts(self, rule: str = "VocKeyExperienceDropped") -> list[dict[str, Any]]:
        """The rows of one rule, oldest first."""
        rows = self.store.ask(
            "SELECT row_to_json(a) FROM alert a WHERE rule = %s ORDER BY started_at, scope", rule
        )
        return [row for (row,) in rows]

    def messages(self) -> list[dict[str, Any]]:
        """What waits in the outbox."""
        return [
            json.loads(text)
            for (text,) in self.store.ask(
                "SELECT message FROM outbox WHERE kind = 'alert' ORDER BY number"
            )
        ]
