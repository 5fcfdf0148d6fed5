"""Detectors and open alerts are a function of what is known, not of who uploads first."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from builders import retraction
from integration.postgres.alerting.judged import EXPERIENCE, TODAY, Judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builders import Event
    from integration.postgres.store import Store

DAYS = 40
END = TODAY + timedelta(days=DAYS - 28, hours=9)
LEVELS = {"s-1": 0, "s-2": -1, "s-3": 1}
OTHER = "repair_quality"
FELL_AT, CAME_BACK_AT = TODAY + timedelta(days=6), TODAY + timedelta(days=4)


def month(judged: Judged) -> list[Event]:
    """Answers of 40 days: one site falls at the end, another falls and comes back before."""
    random, events = Random(11), []
    for day in range(DAYS):
        for site, level in LEVELS.items():
            for number in range(6):
                moment = END - timedelta(days=DAYS - day) + timedelta(minutes=97 * number)
                weekday = -1 if moment.weekday() == 5 and site == "s-2" else 0
                fallen = (site == "s-1" and moment >= FELL_AT) or (
                    site == "s-3" and TODAY - timedelta(days=3) <= moment < CAME_BACK_AT
                )
                for experience in (EXPERIENCE, OTHER):
                    score = random.choice((9, 9, 8, 8, 8, 7, 7, 5)) + level + weekday
                    score -= 4 * (fallen and experience == EXPERIENCE)
                    score = max(0, min(10, score))
                    events.append(judged.event(moment, site, "ann", score, experience))
    return events


def files_of(
    judged: Judged, events: Sequence[Event], seed: int
) -> list[tuple[datetime, list[Event]]]:
    """The same answers in files that come minutes to weeks late; some more come and are taken back.

    Sites upload in turn, or newest first, or as it happens.
    """
    random = Random(seed)
    files: dict[tuple[datetime, int], list[Event]] = {}
    moments = sorted(END - timedelta(days=random.uniform(0, 20), minutes=1) for _ in range(6))
    moments.append(END)
    for event in events:
        occurred = datetime.fromisoformat(event["occurred_at"])
        possible = [moment for moment in moments if moment >= occurred]
        late = random.choice(possible[:3] if seed % 2 else possible)
        files.setdefault((late, random.randrange(2)), []).append(event)
    wrong = [
        judged.event(END - timedelta(hours=30 * number), "s-2", "bob", 0) for number in range(1, 12)
    ]
    found: list[tuple[datetime, list[Event]]] = []
    for (moment, part), of_file in sorted(files.items()):
        random.shuffle(of_file)
        found.append(
            (moment, of_file + [one for one in wrong if part == 0 and is_new(one, moment, found)])
        )
    taken_back = retraction(f"r-{seed}", *(one["event_id"] for one in wrong))
    return [*found, (END, [{**taken_back, "occurred_at": END.isoformat()}])]


def is_new(event: Event, moment: datetime, files: Sequence[tuple[datetime, list[Event]]]) -> bool:
    """Whether it has occurred by the moment of a file, and is in none before."""
    occurred = datetime.fromisoformat(event["occurred_at"])
    return occurred <= moment and all(event not in events for _, events in files)


def standing(judged: Judged) -> tuple[Any, Any]:
    """The states of all detectors, and what alerts are open, once all is heard."""
    for _ in range(3):
        judged.now += timedelta(minutes=2)
        judged.evaluate()
    store = judged.store
    assert store.ask("SELECT scope FROM detector WHERE stale_from IS NOT NULL") == []
    return (
        store.ask(
            "SELECT scope_type, scope, experience, made_at, fallen_at, phi, digest,"
            " (state -> 1)::text FROM detector ORDER BY 1, 2, 3"
        ),
        store.ask(
            "SELECT scope_type, scope, experience, severity, evidence ->> 'n', evidence ->> 'mean'"
            " FROM alert WHERE ended_at IS NULL AND rule = 'VocKeyExperienceDropped' ORDER BY 1, 2"
        ),
    )


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_any_shuffle_of_a_month_ends_in_the_same_detectors_and_alerts(
    store: Store, seed: int
) -> None:
    """However answers are spread over files and moments, once all are in all is the same.

    As they come, alerts may start on part of them.
    """
    judged = Judged(store, sites=tuple(LEVELS))
    events = month(judged)
    judged.now = END
    judged.take_in(events)
    states, alerts = standing(judged)
    assert len(states) == 8
    assert ("site", "s-1", EXPERIENCE) in [alert[:3] for alert in alerts]
    assert ("site", "s-3", EXPERIENCE) not in [alert[:3] for alert in alerts]

    store.clear()
    judged = Judged(store, sites=tuple(LEVELS), _numbers=judged._numbers)
    for moment, of_file in files_of(judged, events, seed):
        judged.now = max(judged.now, moment)
        judged.take_in(of_file)
        judged.chores.take_back(judged.now)
    judged.now = END
    judged.take_in([])
    assert standing(judged)[0] == states
    again = standing(judged)[1]
    assert [alert[:4] for alert in again] == [alert[:4] for alert in alerts]
