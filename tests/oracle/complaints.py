"""The complaint table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oracle.calendar import has_hours, opening_minutes
from oracle.customers import money
from oracle.orders import minutes_between
from oracle.reading import ACTIONS, grouped, stated_latest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from oracle.reading import Event, Row, Table

OPEN_STATES = {"opened", "acknowledged", "apologised", "reopened"}
RESOLVED_STATES = {"resolved", "informed", "closed"}


def complaint_rows(events: Sequence[Event]) -> Table:
    """A row for each complaint."""
    return {
        (complaint_id,): _complaint(steps)
        for complaint_id, steps in grouped(events, "complaint_id", "complaint").items()
    }


def _complaint(steps: Sequence[Event]) -> Row:
    reopenings = [step["occurred_at"] for step in steps if step["action"] == "reopened"]
    reopened_at = max(reopenings, default=None)
    times = {
        f"{action}_at": _earliest(steps, action, reopened_at)
        for action in ACTIONS
        if action != "opened"
    }
    opened_at = _earliest(steps, "opened", None)
    return {
        **{
            field: stated_latest(steps, field)
            for field in (
                "customer_id",
                "site_id",
                "product",
                "order_id",
                "category",
                "severity",
                "handed_to",
            )
        },
        "compensation": money(stated_latest(steps, "compensation")),
        "reopened": len(reopenings),
        "reopened_at": reopened_at,
        "opened_at": opened_at,
        **times,
        "state": _state({"opened_at": opened_at, **times}, reopened_at),
        "minutes_to_resolve": minutes_between(opened_at, times["resolved_at"]),
    }


def add_opening_minutes_to_resolve(complaints: Table, catalogue: Mapping[str, Any]) -> None:
    """For how much of each wait the site of the complaint was open; None if nobody knows."""
    for row in complaints.values():
        site_id = row["site_id"]
        row["opening_minutes_to_resolve"] = (
            opening_minutes(catalogue, site_id, row["opened_at"], row["resolved_at"])
            if row["minutes_to_resolve"] is not None and has_hours(catalogue, site_id)
            else None
        )


def _earliest(steps: Sequence[Event], action: str, after: datetime | None) -> datetime | None:
    times = (step["occurred_at"] for step in steps if step["action"] == action)
    return min((time for time in times if after is None or time > after), default=None)


def _state(times: dict[str, Any], reopened_at: datetime | None) -> str:
    state = "reopened"
    for action in ACTIONS:
        time = times[f"{action}_at"]
        if time is not None and (reopened_at is None or time > reopened_at):
            state = action
    return state
