"""The iceberg: how many of those asked were unhappy, beside how many complained."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from oracle.reading import Table

DAYS = {"24h": 1, "7d": 7, "30d": 30, "90d": 90}


def iceberg_rows(rolling: Table, complaints: Table, as_of: datetime) -> Table:
    """A row for each rating of all sites and of each site, at the longer horizons."""
    rows: Table = {}
    for (horizon, scope_type, scope, experience), row in rolling.items():
        if scope_type not in ("all", "site") or horizon not in DAYS or row["kind"] != "rating":
            continue
        begin = as_of - timedelta(days=DAYS[horizon])
        opened = [
            complaint
            for complaint in complaints.values()
            if complaint["opened_at"] is not None
            and begin < complaint["opened_at"] <= as_of
            and scope in ("", complaint["site_id"])
        ]
        n, unhappy = row["n"], row["n"] * row["bottom_box_share"]
        rows[horizon, scope_type, scope, experience] = {
            "n": n,
            "unhappy_share": row["bottom_box_share"],
            "unhappy": unhappy,
            "unhappy_low": n * row["bottom_box_low"],
            "unhappy_high": n * row["bottom_box_high"],
            "complaints": len(opened),
            "complaints_about_it": sum(one["category"] == experience for one in opened),
            "unhappy_per_complaint": unhappy / len(opened) if opened else None,
            "as_of": row["as_of"],
        }
    return rows
