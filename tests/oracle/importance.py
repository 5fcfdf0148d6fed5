"""What was answered together: products of ratings, and the outcome by how they were scored."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from oracle.calendar import local_day
from oracle.measures import measured_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from oracle.reading import Event, Table


def importance_tables(
    events: Sequence[Event], customers: Table, catalogue: Mapping[str, Any]
) -> dict[str, Table]:
    """Sums by month and scope."""
    outcome = catalogue["churn"].get("outcome_experience")
    products: Table = {}
    bands: Table = {}
    for event in events:
        ratings = _ratings(event, catalogue)
        for scope in _scopes(event, customers, catalogue) if len(ratings) > 1 else ():
            for first, second in combinations(sorted(ratings), 2):
                _add_product(products, (*scope, first, second), ratings[first], ratings[second])
            for experience, score in ratings.items():
                if outcome in ratings and experience != outcome:
                    band = "low" if score <= 600 else "high" if score >= 900 else "middle"
                    row = bands.setdefault(
                        (*scope, experience, band), {"n": 0, "total": 0, "squares": 0}
                    )
                    row["n"] += 1
                    row["total"] += ratings[outcome]
                    row["squares"] += ratings[outcome] ** 2
    return {"answer_product": products, "answer_band": bands}


def _ratings(event: Event, catalogue: Mapping[str, Any]) -> dict[str, int]:
    said = {
        answer["item"]: answer["score"]
        for answer in event.get("answers") or ()
        if "score" in answer
    }
    measured = {
        experience: value
        for experience, value in measured_by(event, catalogue)
        if catalogue["experience"][experience]["kind"] == "rating"
    }
    return said | measured


def _scopes(
    event: Event, customers: Table, catalogue: Mapping[str, Any]
) -> Iterator[tuple[date, str, str]]:
    month = local_day(catalogue, event["site_id"], event["occurred_at"]).replace(day=1)
    yield month, "all", ""
    yield month, "site", event["site_id"]
    segment = customers[event["customer_id"],]["segment"]
    if segment is not None:
        yield month, "segment", segment


def _add_product(rows: Table, key: tuple[Any, ...], first: int, second: int) -> None:
    added = {
        "n": 1,
        "first_sum": first,
        "second_sum": second,
        "first_sq_sum": first**2,
        "second_sq_sum": second**2,
        "product_sum": first * second,
    }
    row = rows.setdefault(key, dict.fromkeys(added, 0))
    for name, value in added.items():
        row[name] += value
