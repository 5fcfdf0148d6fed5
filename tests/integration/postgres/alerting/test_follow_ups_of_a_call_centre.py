"""A simulated call centre of a fixed seed: what the alert says of its follow-ups is so."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING
from zlib import crc32

from integration.postgres.alerting.judging import judged
from integration.postgres.store import CATALOGUE, NOW, send
from oracle.orders import moments_of_orders, order_rows, stage_rows
from oracle.reading import read_events

from voc_stream.simulator.call_centre import simulate
from voc_stream.simulator.options import SimulationOptions

if TYPE_CHECKING:
    from integration.postgres.store import Store

SIMULATION = SimulationOptions(
    start=NOW, seed=15, duration_seconds=0, history_days=12, history_events=3_500, sites=1
)
A_WEEK = timedelta(days=7)
LOST = 8
"""Of one order in so many the call centre lost the list: nobody calls."""


def messages() -> list[bytes]:
    return [
        message.value
        for message in simulate(SIMULATION)
        if message.value is not None and not _is_lost(message.value)
    ]


def _is_lost(value: bytes) -> bool:
    try:
        event = json.loads(value)
        is_call = event["type"] == "callback" or event.get("stage") == "follow_up"
        return is_call and crc32(event["order_id"].encode()) % LOST == 0
    except (ValueError, KeyError, TypeError, AttributeError):
        return False  # a broken message


def expected(values: list[bytes]) -> Counter[str]:
    """What the oracle says of the follow-ups that fell due within a week."""
    events = read_events(values, CATALOGUE, NOW)
    found: Counter[str] = Counter()
    rows = order_rows(events, stage_rows(events), moments_of_orders(events, CATALOGUE), CATALOGUE)
    for row in rows.values():
        due_at = row["follow_up_due_at"]
        if due_at is None or not NOW - A_WEEK <= due_at < NOW:
            continue
        found["due"] += 1
        if row["followed_up_at"] is None:
            found["overdue"] += 1
            outcome = row["last_attempt_outcome"]
            words = {None: "never_tried", "no_answer": "not_reached", "refused": "refused"}
            found[words[outcome]] += 1
            found["tried_in_time"] += outcome is not None and row["first_attempt_at"] <= due_at
    return found


def test_the_alert_says_who_was_never_tried(store: Store) -> None:
    """Never tried, not reached and refused are the oracle's numbers, in both languages.

    It is not said of anybody who was called that nobody called.
    """
    values = messages()
    wanted = expected(values)
    assert min(wanted[each] for each in ("never_tried", "not_reached", "refused")) > 0
    sink = store.sink()
    for first in range(0, len(values), 500):
        send(sink, values[first : first + 500])
    store.chores().take_back(NOW)
    (finding,) = judged(store, {"VocFollowUpOverdue"}, NOW).findings
    assert {key: finding.evidence[key] for key in wanted} == wanted
    never, missed, refused = (wanted[k] for k in ("never_tried", "not_reached", "refused"))
    tried, in_time = missed + refused, wanted["tried_in_time"]
    english, chinese = finding.summary.split(" / ")
    assert (
        f"{wanted['overdue']} have not been followed up to this day: {never} were never tried,"
        f" {tried} were tried ({in_time} of them within the 72 hours), of whom {missed} were not"
        f" reached and {refused} refused to answer"
    ) in english
    assert (
        f"{wanted['overdue']} 位未完成回访：{never} 位从未尝试，{tried} 位已尝试"
        f"（其中 {in_time} 位在72小时内），其中 {missed} 位未接通，{refused} 位拒绝受访"
    ) in chinese
