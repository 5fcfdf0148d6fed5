"""How the risk of each customer came about: the table of risks, computed at every moment anew.

A risk changes when something happens, or some known time after something happened. So it is worked
out at all these moments, from nothing but the events until then.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from oracle.churn import Known, assess, resolve_minutes, signals_at
from oracle.complaints import complaint_rows
from oracle.customers import customer_rows, has_left
from oracle.heard import add_last_heard
from oracle.orders import judgements_by_customer, moments_of_orders, order_rows, stage_rows
from oracle.reading import read_events

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from oracle.reading import Event, Row, Table

Found = tuple[Known, "Mapping[str, Any]"]
AGES = [timedelta(days=days) for days in (0, 90, 365, 730)]
FOLLOW_UP = timedelta(hours=72)
TENURES = [timedelta(days=days) for days in (180, 365, 1095)]
LAST_DAY = timedelta(days=1)
MOST_EVENTS = 500
FIRST_MONTH = datetime(2000, 1, 1, tzinfo=UTC)
# As the page of the semantics numbers them.
BITS = {
    "open_complaint_major": 0,
    "open_complaint_minor": 1,
    "resolved_complaint_major": 2,
    "resolved_complaint_minor": 3,
    "resolved_quickly_major": 4,
    "resolved_quickly_minor": 5,
    "broken_promise": 6,
    "silent_unhappy": 7,
    "low_attitude": 8,
    "low_outcome": 9,
    "bad_memory": 10,
    "inactive_180d": 11,
    "inactive_365d": 12,
    "visits_1": 13,
    "visits_2": 14,
    "visits_4": 15,
    "visits_8": 16,
    "tenure_0d": 17,
    "tenure_90d": 18,
    "tenure_365d": 19,
    "tenure_730d": 20,
    "failures_8": 21,
    "contacts_3": 22,
    "unanswered_survey": 23,
    "price_complaint": 24,
    "compensation": 25,
    "missed_follow_up": 26,
    "nps_detractor": 27,
    "high_effort": 28,
    "unresolved_complaint": 29,
}


def history_rows(
    messages: Iterable[bytes | None],
    catalogue: Mapping[str, Any],
    as_of: datetime,
    only: Callable[[str], bool] = lambda _: True,
) -> Table:
    """A row for each time in which a customer's risk was the same, of the customers asked for."""
    events = read_events(messages, catalogue, as_of)
    rows: Table = {}
    for customer_id in sorted({event["customer_id"] for event in events}):
        if only(customer_id):
            related = _related(events, customer_id)
            if len(related) <= MOST_EVENTS:
                for row in _history(customer_id, related, catalogue, as_of):
                    rows[customer_id, row.pop("since")] = row
    return rows


def cell_rows(history: Mapping[tuple[str, datetime], Row]) -> Table:
    """How long customers were in each cell, and how many left from it, by the rows of histories."""
    cells: Table = {}
    stays: dict[str, list[list[tuple[datetime, Row]]]] = {}
    for (customer_id, since), row in sorted(history.items(), key=lambda each: each[0]):
        theirs = stays.setdefault(customer_id, [[]])
        theirs[-1].append((since, row))
        if row["has_left"]:
            theirs.append([])
    for stay in (stay for theirs in stays.values() for stay in theirs if stay):
        last = stay[-1][1]
        end = last["until"] - LAST_DAY if last["has_left"] else last["until"] or stay[-1][0]
        for since, row in stay:
            stayed = [since, min(end, row["until"] or end)]
            for month, time, is_last in _by_month(*stayed):
                key = (month, row["tenure_band"], row["signals"])
                cell = cells.setdefault(key, {"microseconds": 0, "leavers": 0})
                cell["microseconds"] += time // timedelta(microseconds=1)
                cell["leavers"] += last["has_left"] and is_last and stayed[1] == end
    return cells


def _by_month(since: datetime, until: datetime) -> Iterator[tuple[Any, timedelta, bool]]:
    day = max(since, FIRST_MONTH)
    while day < until:
        first = datetime(day.year, day.month, 1, tzinfo=UTC)
        following = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
        yield first.date(), min(until, following) - day, following >= until
        day = following


def _related(events: Sequence[Event], customer_id: str) -> list[Event]:
    """What names the customer, and what else is said of the orders and complaints in it."""
    own = [event for event in events if event["customer_id"] == customer_id]
    orders = _named(own, "order_id")
    complaints = _named(own, "complaint_id")
    return [
        event
        for event in events
        if event["customer_id"] == customer_id
        or (event["type"] != "customer" and event.get("order_id") in orders)
        or event.get("complaint_id") in complaints
    ]


def _named(events: Sequence[Event], field: str) -> Collection[str]:
    return {event[field] for event in events if event["type"] != "customer" and event.get(field)}


def _history(
    customer_id: str, events: Sequence[Event], catalogue: Mapping[str, Any], as_of: datetime
) -> list[Row]:
    events = [event for event in events if event["occurred_at"] <= as_of]
    moments = {event["occurred_at"] for event in events}
    later = _offsets(catalogue)
    said_since = {event["customer_since"] for event in events if event.get("customer_since")}
    looked_at = sorted(
        {moment + offset for moment in moments for offset in [timedelta(0), *later]}
        | {since + age for since in said_since for age in AGES if since + age >= min(moments)}
    )
    rows: list[Row] = []
    found: Found | None = None
    for moment in looked_at:
        if moment > as_of:
            break
        until_then = [event for event in events if event["occurred_at"] <= moment]
        if moment in moments:
            found = _known(customer_id, until_then, catalogue)
        said = _said(found, catalogue, moment) if found else None
        goes_on = rows and rows[-1]["until"] is None
        if goes_on and {**rows[-1], **(said or {"until": 0})} == rows[-1]:
            continue
        if goes_on:
            rows[-1]["until"], rows[-1]["has_left"] = moment, said is None
        if said:
            event_id = until_then[-1]["event_id"] if moment in moments else None
            rows.append({"since": moment, "until": None, "event_id": event_id, "has_left": False})
            rows[-1] |= said
    return rows


def _offsets(catalogue: Mapping[str, Any]) -> list[timedelta]:
    """After these times something may change, if nothing happens."""
    window = timedelta(days=catalogue["churn"]["signal_days"])
    limits = [timedelta(minutes=limit) for limit in resolve_minutes(catalogue).values()]
    return [
        *(window * part / 6 for part in range(1, 7)),
        *(FOLLOW_UP + window * part / 6 for part in range(7)),
        *(limit * part / 4 for limit in limits for part in range(1, 5)),
        *(timedelta(days=days) for days in (180, 365)),
        *TENURES,
    ]


def _known(customer_id: str, events: Sequence[Event], catalogue: Mapping[str, Any]) -> Found | None:
    moments = moments_of_orders(events, catalogue)
    tables = {"customer": customer_rows(events), "complaint": complaint_rows(events)}
    tables["repair_order"] = order_rows(events, stage_rows(events), moments, catalogue)
    add_last_heard(events, tables)
    if (customer_id,) not in tables["customer"]:
        return None
    known = Known(
        tables["customer"][customer_id,],
        _owned(tables["repair_order"], customer_id),
        _owned(tables["complaint"], customer_id),
        judgements_by_customer(events).get(customer_id, []),
        [event for event in events if event["customer_id"] == customer_id],
    )
    return known, moments


def _owned(table: Table, customer_id: str) -> list[tuple[str, Row]]:
    return [(key, row) for (key,), row in table.items() if row["customer_id"] == customer_id]


def _said(found: Found, catalogue: Mapping[str, Any], moment: datetime) -> Row | None:
    known, moments = found
    if has_left(known.customer):
        return None
    risk = assess(known, moments, catalogue, moment)
    since = known.customer["first_seen_at"]
    return {
        **{name: risk[name] for name in ("risk", "band", "drivers", "model_version")},
        "tenure_band": sum(moment - since >= tenure for tenure in TENURES),
        "signals": sum(1 << BITS[name] for name in signals_at(known, moments, catalogue, moment)),
    }
