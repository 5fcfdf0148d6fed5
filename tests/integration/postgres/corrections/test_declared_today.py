"""A measure declared today equals, after `rebuild`, one declared from the start: to the digit."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from builders import START, at, callback, complaint, messages, repair_step, retraction
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, Store, send
from integration.postgres.with_hours import write
from msgspec.structs import replace

from voc_stream.catalogue.load import load_catalogue
from voc_stream.catalogue.measures import Source
from voc_stream.postgres.corrections.compare_tables import PANES_COMPARED
from voc_stream.postgres.corrections.rebuild import rebuild

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from builders import Event

    from voc_stream.catalogue.model import Catalogue

# Whatever a table says, but for what counts writes or tells when something was written.
# A state is compared by what it says, not by how it is written.
STATE = "jsonb_set(t, '{fold_state}', (t ->> 'fold_state')::jsonb) - 'version'"
TABLES = {
    "touchpoint_event": "t - 'ingested_at'",
    "customer": f"{STATE} - 'next_change_at'",
    "repair_order": f"{STATE} - 'next_change_at'",
    "complaint": STATE,
    "churn_risk": "t - 'as_of' - 'next_change_at'",  # assessed earlier, and it still holds
    "customer_moment": "t",
    "rolling_sum": "t",
    "pane": "t",
    "rolling_satisfaction": "t",
    "experience_daily": "t",
    "repair_stage": "t",
}
# What was added and taken back leaves nothing, and a row of nothing is as good as none.
ROWS = {"rolling_sum": "n <> 0", "pane": PANES_COMPARED}
DECLARED = (
    "recommendation",
    "effort",
    "reached",
    "refused",
    "reception_minutes",
    "reception_opening_minutes",
    "stage_opening_minutes.work",
    "on_time_delivery",
    "on_time_first_promise",
    "follow_up_72h",
    "promise_moves",
    "final_to_estimate",
    "estimate_overrun",
    "complaint_minutes_to_acknowledge",
    "complaint_minutes_to_resolve",
    "complaint_opening_minutes_to_acknowledge",
    "complaint_opening_minutes_to_resolve",
    "complaint_acknowledged_in_time",
    "complaint_resolved_in_time",
    "fixed_first_time",
    "visited_again_180d",
    "complained_again",
)


def events() -> list[Event]:
    """People who meet, and what the measures need that such people do not say."""
    found = crowd(160)
    for number in range(12):
        common: Event = {
            "customer_id": f"u-{number % 5}",
            "site_id": f"s-{number % 2}",
            "order_id": f"o-{number % 6}",
            "occurred_at": at(days=number, hours=number),
        }
        outcome = ("completed", "no_answer", "refused")[number % 3]
        effort = {"recommend": number % 11, "effort": 4.25} if outcome == "completed" else {}
        life = {**common, "complaint_id": f"q-{10 + number % 9}"}
        found += [
            complaint(f"k-{number}", **life),
            complaint(
                f"l-{number}",
                **life | {"occurred_at": at(days=number, hours=2 * number + 1)},
                action="resolved",
                severity="major",
            ),
            callback(f"c-{number}", **common, outcome=outcome, **effort),
            repair_step(
                f"r-{number}", **common, stage="work", estimated_amount=100, final_amount=100.5
            ),
        ]
    return found


@pytest.fixture
def newer(tmp_path: Path) -> Catalogue:
    """What answers say, and a measure or more of each kind of source."""
    catalogue = load_catalogue(write(tmp_path))
    experience = {
        key: one
        for key, one in catalogue.experience.items()
        if one.source is None or key in DECLARED
    }
    assert set(DECLARED) < experience.keys()
    kinds = {type(experience[key].source) for key in DECLARED}
    assert kinds == set(get_args(Source)), "a kind of source is not looked at"
    return replace(catalogue, experience=experience, digest="newer")


def without_measures(catalogue: Catalogue) -> Catalogue:
    """The version before: only what customers answer."""
    answered = {key: one for key, one in catalogue.experience.items() if one.source is None}
    return replace(catalogue, experience=answered, version=catalogue.version - 1, digest="older")


def fill(store: Store, values: Sequence[bytes], until: str) -> None:
    """Take in what one catalogue rules, and let all chores come round."""
    chores = store.chores()
    assert chores.join().problem is None
    moment = {"middle": START + (NOW - START) / 3, "end": NOW}[until]
    sink = store.sink()
    for first in range(0, len(values), 40):
        send(sink, values[first : first + 40])
    chores.take_back(moment)
    store.move_histories()
    chores.refresh(moment)
    chores.assess_churn(moment)


def snapshot(store: Store) -> dict[str, list[str]]:
    """All rows, as PostgreSQL writes them: no digit is lost."""
    return {
        table: [
            row
            for (row,) in store.ask(
                f"SELECT ({columns})::text FROM (SELECT to_jsonb(one) AS t FROM {table} one"
                f" WHERE {ROWS.get(table, 'true')}) all_of ORDER BY 1"
            )
        ]
        for table, columns in TABLES.items()
    }


@pytest.mark.parametrize("taken_in_before", [1.0, 0.5], ids=["all before", "half before"])
def test_declared_today_equals_declared_from_the_start(
    store: Store, newer: Catalogue, taken_in_before: float
) -> None:
    """Events come in while a catalogue rules that names no measure; then one does that names all.

    Every table is that of an installation which had it from the start, whether or not more events
    came before `rebuild`.
    """
    drawn = events()
    values = messages(
        [*drawn, *(retraction(f"x-{n}", drawn[n * 17]["event_id"]) for n in range(5))]
    )
    store.clear()
    cut = int(len(values) * taken_in_before)
    with Store(store.url, without_measures(newer)) as old:
        fill(old, values[:cut], "middle")
        measured = old.ask(
            "SELECT count(*) FROM experience_cube WHERE experience = ANY(%s)", list(DECLARED)
        )
        assert measured == [(0,)]
    with Store(store.url, newer) as new:
        fill(new, values[cut:], "end")
        reports = [rebuild(new.url, newer, lambda *_: None) for _ in range(2)]
        assert [bool(report.differing) for report in reports] == [True, False]
        declared_today = snapshot(new)
    store.clear()
    with Store(store.url, newer) as other:
        fill(other, values, "end")
        from_the_start = snapshot(other)
        names = {name for (name,) in other.ask("SELECT DISTINCT experience FROM experience_cube")}
    assert names >= set(DECLARED), set(DECLARED) - names
    for table, rows in from_the_start.items():
        assert declared_today[table] == rows, table
