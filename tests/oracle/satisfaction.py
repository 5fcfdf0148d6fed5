"""Contributions, the daily cube and the rolling table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from math import sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from oracle.calendar import local_day
from oracle.dimensions import DIMENSIONS, LONG_ONLY, of_entity, of_event
from oracle.intervals import (
    Interval,
    mean_interval,
    nps_interval,
    score_interval,
    share_interval,
    stated_or,
)
from oracle.measures import (
    measured_by,
    measured_of_complaint,
    measured_of_order,
)
from oracle.reading import grouped
from oracle.within import measured_within

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from oracle.reading import Event, Row, Table

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HORIZONS = {
    "1h": (5 * MINUTE, 12),
    "24h": (HOUR, 24),
    "7d": (DAY, 7),
    "30d": (DAY, 30),
    "90d": (DAY, 90),
}
FULL_SCORE = 1000
BINS = 11


class Contribution(NamedTuple):
    """One judgement or measurement, in hundredths."""

    moment: datetime
    experience: str
    value: int
    expectation: int | None
    importance: int | None
    dimensions: tuple[str, ...]

    @property
    def site_id(self) -> str:
        """Its site, whose calendar counts."""
        return self.dimensions[0]


class Sums:
    """What the mean, its spread and its shares are made of."""

    def __init__(self) -> None:
        self.n = self.total = self.squares = 0
        self.expectation_n = self.expectation_total = 0
        self.importance_n = self.importance_total = 0
        self.top_n = self.bottom_n = 0
        self.histogram = [0] * BINS

    def add(self, contribution: Contribution, unit: str) -> None:
        """Count one contribution."""
        value = contribution.value
        self.n += 1
        self.total += value
        self.squares += value * value
        if contribution.expectation is not None:
            self.expectation_n += 1
            self.expectation_total += contribution.expectation
        if contribution.importance is not None:
            self.importance_n += 1
            self.importance_total += contribution.importance
        self.top_n += value >= 900
        self.bottom_n += value <= 600
        self.histogram[histogram_bin(value, unit)] += 1

    def merge(self, other: Sums) -> None:
        """Count all that `other` counted."""
        for name, value in vars(other).items():
            merged = (
                [a + b for a, b in zip(self.histogram, value, strict=True)]
                if name == "histogram"
                else getattr(self, name) + value
            )
            setattr(self, name, merged)


def histogram_bin(value: int, unit: str) -> int:
    """The bin of a value in hundredths, the last one open above.

    The floor of a score and of a count; minutes below 5, 10, 20, …; percent in steps of 20.
    """
    if unit == "minutes":
        return next((k for k in range(BINS - 1) if value < 500 * 2**k), BINS - 1)
    return min(BINS - 1, value // (2000 if unit == "percent" else 100))


def contributions(
    events: Iterable[Event], tables: Mapping[str, Table], catalogue: Mapping[str, Any]
) -> list[Contribution]:
    """Everything that is averaged."""
    customers = tables["customer"]
    found = [
        *_from_events(events, customers, catalogue),
        *_from_orders(events, tables, catalogue),
        *_from_complaints(tables, catalogue),
        *_from_customers(tables, catalogue),
    ]
    return [
        contribution for contribution in found if contribution.experience in catalogue["experience"]
    ]


def _from_events(
    events: Iterable[Event], customers: Table, catalogue: Mapping[str, Any]
) -> Iterator[Contribution]:
    for event in events:
        customer = customers[event["customer_id"],]
        dimensions = of_event(event, customer)
        for experience, value, stated in _judgements(event):
            yield Contribution(
                event["occurred_at"],
                experience,
                value,
                stated.get("expectation"),
                stated.get("importance"),
                dimensions,
            )
        for experience, value in measured_by(event, catalogue):
            yield Contribution(event["occurred_at"], experience, value, None, None, dimensions)


def _judgements(event: Event) -> Iterator[tuple[str, int, Event]]:
    if "experience" in event:
        yield event["experience"], event["score"], event
    for answer in event.get("answers") or ():
        if "score" in answer:
            yield answer["item"], answer["score"], answer
        if "done" in answer:
            yield answer["item"], FULL_SCORE if answer["done"] else 0, answer


def _from_orders(
    events: Iterable[Event], tables: Mapping[str, Table], catalogue: Mapping[str, Any]
) -> Iterator[Contribution]:
    steps = grouped(events, "order_id", "repair_step")
    stages: dict[str, dict[str, Row]] = {}
    for (order_id, stage), row in tables["repair_stage"].items():
        stages.setdefault(order_id, {})[stage] = row
    for (order_id,), order in tables["repair_order"].items():
        dimensions = of_entity(order, tables["customer"][order["customer_id"],])
        for experience, moment, value in measured_of_order(
            order, stages.get(order_id, {}), steps.get(order_id, ()), catalogue
        ):
            yield Contribution(moment, experience, value, None, None, dimensions)


def _from_complaints(
    tables: Mapping[str, Table], catalogue: Mapping[str, Any]
) -> Iterator[Contribution]:
    for complaint in tables["complaint"].values():
        dimensions = of_entity(complaint, tables["customer"][complaint["customer_id"],])
        for experience, moment, value in measured_of_complaint(complaint, catalogue):
            yield Contribution(moment, experience, value, None, None, dimensions)


def _from_customers(
    tables: Mapping[str, Table], catalogue: Mapping[str, Any]
) -> Iterator[Contribution]:
    for (experience, moment, value), dimensions in measured_within(tables, catalogue):
        yield Contribution(moment, experience, value, None, None, dimensions)


def daily_rows(contributed: Iterable[Contribution], catalogue: Mapping[str, Any]) -> Table:
    """The cube: sums by day and dimensions."""
    groups: dict[tuple[Any, ...], Sums] = {}
    for c in contributed:
        key = (
            local_day(catalogue, c.site_id, c.moment),
            c.experience,
            *c.dimensions,
        )
        groups.setdefault(key, Sums()).add(c, _unit(catalogue, c.experience))
    return {
        key: {
            "n": sums.n,
            "score_sum": sums.total,
            "score_sq_sum": sums.squares,
            "expectation_n": sums.expectation_n,
            "expectation_sum": sums.expectation_total,
            "importance_n": sums.importance_n,
            "importance_sum": sums.importance_total,
            "histogram": sums.histogram,
        }
        for key, sums in groups.items()
    }


def rolling_rows(
    contributed: Iterable[Contribution],
    catalogue: Mapping[str, Any],
    as_of: datetime,
    phi: Mapping[tuple[str, str], float],
) -> Table:
    """Every scope at every horizon that ends with the pane of `as_of`.

    `phi`: of scopes, by type and name, how many of their scores say as much as one.
    """
    horizons_of = _horizons_of(as_of)
    parts: dict[
        tuple[Any, ...], Sums
    ] = {}  # by the set of horizons too, so that each contribution is added once a scope
    for c in contributed:
        horizons = horizons_of((c.moment - EPOCH) // (5 * MINUTE))
        if horizons:
            unit = _unit(catalogue, c.experience)
            for scope_type, scope in _scopes(c):
                parts.setdefault((horizons, scope_type, scope, c.experience), Sums()).add(c, unit)
    groups: dict[tuple[Any, ...], Sums] = {}
    for (horizons, scope_type, scope, experience), sums in parts.items():
        for horizon in horizons:
            if horizon != "1h" or scope_type not in LONG_ONLY:
                groups.setdefault((horizon, scope_type, scope, experience), Sums()).merge(sums)
    return {
        key: _rolling_row(
            sums,
            catalogue["experience"][key[3]],
            as_of,
            1.0 if key[0] == "1h" else phi.get((key[1], key[2]), 1.0),
        )
        for key, sums in groups.items()
    }


def _horizons_of(as_of: datetime) -> Any:
    """A function from the number of a 5-minute pane to the horizons that hold it."""
    spans = {}
    for horizon, (pane, count) in HORIZONS.items():
        end = EPOCH + ((as_of - EPOCH) // pane + 1) * pane
        spans[horizon] = (end - count * pane, end)

    @cache
    def horizons_of(number: int) -> tuple[str, ...]:
        start = EPOCH + number * 5 * MINUTE
        return tuple(horizon for horizon, (first, end) in spans.items() if first <= start < end)

    return horizons_of


def _scopes(c: Contribution) -> Iterator[tuple[str, str]]:
    yield "all", ""
    for dimension, scope in zip(DIMENSIONS, c.dimensions, strict=True):
        if scope:
            yield dimension.scope_type, scope


def _unit(catalogue: Mapping[str, Any], experience: str) -> str:
    return str(catalogue["experience"][experience].get("unit", "score"))


def _rolling_row(sums: Sums, experience: Mapping[str, Any], as_of: datetime, phi: float) -> Row:
    n, is_score = sums.n, experience.get("unit", "score") == "score"
    kind = experience["kind"]
    expectation = stated_or(
        sums.expectation_total, sums.expectation_n, experience.get("expectation")
    )
    importance = stated_or(sums.importance_total, sums.importance_n, experience.get("importance"))
    ideal = experience.get("ideal")
    total, squares, scale = sums.total, sums.squares, 100
    if kind == "nps":
        total, squares, scale = sums.top_n - sums.bottom_n, sums.top_n + sums.bottom_n, 1
    mean = total / n / scale
    satisfaction = None if expectation is None else mean - expectation
    stddev = None if n == 1 else sqrt((n * squares - total**2) / (n * (n - 1))) / scale
    interval = mean_interval(n, sums.total, sums.squares, phi)
    if is_score:
        interval = Interval(*(10 * end for end in share_interval(sums.top_n, n, phi)))
    if kind == "rating":
        interval = score_interval(n, sums.total, sums.squares, phi)
    if kind == "nps":
        interval = nps_interval(sums.top_n, sums.bottom_n, n, phi)
    top, bottom = (share_interval(box, n, phi) for box in (sums.top_n, sums.bottom_n))
    return {
        "n": n,
        "experience_mean": mean,
        "expectation_mean": expectation,
        "satisfaction": satisfaction,
        "satisfaction_ratio": mean / expectation if expectation else None,
        "importance": importance,
        "weighted_satisfaction": None
        if importance is None or satisfaction is None
        else importance * satisfaction,
        "ideal": ideal,
        "gap": None if ideal is None else mean - ideal,
        "stddev": stddev,
        "ci_low": interval.low if interval else None,
        "ci_high": interval.high if interval else None,
        "top_box_share": sums.top_n / n if is_score else None,
        "bottom_box_share": sums.bottom_n / n if is_score else None,
        "is_key": bool(experience.get("key")) and is_score,
        "as_of": as_of,
        "kind": kind,
        "expectation_n": sums.expectation_n,
        "importance_n": sums.importance_n,
        "top_box_low": top.low if is_score else None,
        "top_box_high": top.high if is_score else None,
        "bottom_box_low": bottom.low if is_score else None,
        "bottom_box_high": bottom.high if is_score else None,
        "phi": phi,
    }
