"""What the catalogue declares with a `source`, read as docs/reference/catalogue.md is written."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Any

from oracle.calendar import end_of_wait, has_hours, opening_time
from oracle.reading import ACTIONS, flow_stage, plausible, stated_latest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from oracle.reading import Event, Row

YES, NO = 1000, 0
ALL_OUTCOMES = ("completed", "no_answer", "refused")
MINUTE = timedelta(minutes=1)
LARGEST_PERCENT = 100_000
ANSWERS = ("acknowledged", "apologised", "resolved", "informed", "closed")
COMPLAINT_MOMENTS = {f"complaint.{each}" for each in (*ACTIONS, "answered", "last_opened")}
LIMITS = {
    "acknowledge_minutes": {"major": 240, "minor": 1440},
    "resolve_minutes": {"major": 1440, "minor": 4320},
}
Judged = tuple[str, datetime, int]
"""An experience, when it counts, and the value in hundredths."""


def declared(catalogue: Mapping[str, Any], source: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The experiences that come from one kind of source, each with that source."""
    for name, experience in catalogue["experience"].items():
        if experience.get("source", {}).get("from") == source:
            yield name, experience["source"]


def measured_by(event: Event, catalogue: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """What is declared of a callback itself: experience and value in hundredths."""
    if event["type"] != "callback":
        return
    for name, source in declared(catalogue, "field"):
        if event.get(source["field"]) is not None:
            yield name, _hundredths(event, source["field"])
    for name, source in declared(catalogue, "outcome"):
        if event["outcome"] in source.get("among", ALL_OUTCOMES):
            yield name, YES if event["outcome"] in source["outcomes"] else NO


def _hundredths(event: Event, field: str) -> int:
    value: int = event[field]
    return value * 100 if field == "recommend" else value


def source_of(
    name: str, experience: Mapping[str, Any], catalogue: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Where an experience comes from; empty for what customers answer.

    Of some timings the name says it.
    """
    if "source" in experience:
        found: Mapping[str, Any] = experience["source"]
        return found
    if name == "on_time_delivery":
        return {"from": "kept_by", "moment": "delivered", "promise": "promised"}
    if name == "follow_up_72h":
        within = {"within_minutes": 72 * 60}
        return {"from": "kept_by", "moment": "followed_up", "after": "delivered", **within}
    prefix, _, stage = name.partition(".")
    if name == "reception_minutes":
        stage = flow_stage(catalogue, "reception") or ""
    elif prefix not in ("stage_minutes", "stage_opening_minutes"):
        return {}
    time = "opening" if prefix == "stage_opening_minutes" else "calendar"
    return {"from": "between", "start": f"{stage}.enter", "end": f"{stage}.exit", "time": time}


def measured_of_order(
    order: Row,
    stages: Mapping[str, Row],
    steps: Sequence[Event],
    catalogue: Mapping[str, Any],
) -> Iterator[Judged]:
    """What is declared of an order.

    `stages` are its rows of repair_stage, `steps` its repair steps.
    """
    moments = {
        "promised": order["promised_at"],
        "first_promised": order["first_promised_at"],
        "followed_up": order["followed_up_at"],
        "delivered": order["delivered_at"],
    }
    for stage, row in stages.items():
        moments[f"{stage}.enter"], moments[f"{stage}.exit"] = row["entered_at"], row["exited_at"]
    for name, experience in catalogue["experience"].items():
        source = source_of(name, experience, catalogue)
        if concerns_complaints(source):
            continue
        judged = None
        if source.get("from") == "between":
            judged = _between(moments, source, catalogue)
            if judged is not None and source.get("time") == "opening":
                opened = stages[source["end"].removesuffix(".exit")].get("opening_minutes")
                value = None if opened is None else hundredths_of_minutes(opened * MINUTE)
                judged = None if value is None else (judged[0], value)
        elif source.get("from") == "kept_by":
            judged = _kept_by(moments, source, source.get("within_minutes"))
        elif source.get("from") == "amount_ratio":
            judged = _amount_ratio(steps, source.get("above_percent"))
        elif source.get("from") == "count" and moments.get(source["at"]):
            moves = order["promise_moves"]
            judged = None if moves is None else (moments[source["at"]], 100 * moves)
        if judged is not None:
            yield name, *judged


def concerns_complaints(source: Mapping[str, Any]) -> bool:
    """Whether the moments of a source are those of complaints, and it looks at nothing else."""
    if source.get("from") == "happened_within":
        return False
    names = (source.get(key) for key in ("start", "end", "moment", "after"))
    return any(name in COMPLAINT_MOMENTS for name in names)


def measured_of_complaint(complaint: Row, catalogue: Mapping[str, Any]) -> Iterator[Judged]:
    """What is declared of a complaint, which is its row."""
    answers = [complaint[f"{action}_at"] for action in ANSWERS]
    last_opened = [complaint["opened_at"], complaint["reopened_at"]]
    moments: dict[str, datetime | None] = {
        **{f"complaint.{action}": complaint[f"{action}_at"] for action in ACTIONS},
        "complaint.answered": min(filter(None, answers), default=None),
        "complaint.last_opened": max(filter(None, last_opened), default=None),
    }
    for name, experience in catalogue["experience"].items():
        source = source_of(name, experience, catalogue)
        if not concerns_complaints(source):
            continue
        if source["from"] == "between":
            judged = _between(moments, source, catalogue)
            if judged is not None and source.get("time") == "opening":
                judged = _open_between(complaint, moments, source, catalogue)
        else:
            judged = _complaint_kept_by(complaint, moments, source, catalogue)
        if judged is not None:
            yield name, *judged


def _open_between(
    complaint: Row,
    moments: Mapping[str, Any],
    source: Mapping[str, Any],
    catalogue: Mapping[str, Any],
) -> tuple[datetime, int] | None:
    site_id = complaint["site_id"]
    if not has_hours(catalogue, site_id):
        return None
    start, end = moments[source["start"]], moments[source["end"]]
    return end, hundredths_of_minutes(opening_time(catalogue, site_id, start, end))


def _complaint_kept_by(
    complaint: Row,
    moments: Mapping[str, datetime | None],
    source: Mapping[str, Any],
    catalogue: Mapping[str, Any],
) -> tuple[datetime, int] | None:
    after, moment = moments[source["after"]], moments[source["moment"]]
    if after is None:
        return None
    if "limit" in source:
        limits = catalogue.get("limits", {}).get(source["limit"], LIMITS[source["limit"]])
        wait = limits[complaint["severity"]] * MINUTE
        due = end_of_wait(catalogue, complaint["site_id"], after, wait)
    else:
        due = after + source["within_minutes"] * MINUTE
    withdrawn = moments["complaint.withdrawn"]
    if due is None or (
        withdrawn is not None and withdrawn <= due and (moment is None or withdrawn < moment)
    ):
        return None
    return due, YES if moment is not None and moment <= due else NO


def _between(
    moments: Mapping[str, datetime | None], source: Mapping[str, Any], catalogue: Mapping[str, Any]
) -> tuple[datetime, int] | None:
    start, end = moments.get(source["start"]), moments.get(source["end"])
    longest = timedelta(days=plausible(catalogue, "longest_stage_days"))
    if start is None or end is None or not timedelta(0) <= end - start <= longest:
        return None
    return end, hundredths_of_minutes(end - start)


def _kept_by(
    moments: Mapping[str, datetime | None], source: Mapping[str, Any], within: float | None
) -> tuple[datetime, int] | None:
    moment = moments.get(source["moment"])
    if "promise" in source:
        promised = moments.get(source["promise"])
        if moment is None or promised is None:
            return None
        return moment, YES if moment <= promised else NO
    after = moments.get(source["after"])
    if after is None or within is None:
        return None
    due = after + within * MINUTE
    return due, YES if moment is not None and moment <= due else NO


def _amount_ratio(steps: Sequence[Event], above: float | None) -> tuple[datetime, int] | None:
    final = [step for step in steps if step.get("final_amount") is not None]
    estimated = [step for step in steps if step.get("estimated_amount") is not None]
    if not final or not estimated or not stated_latest(estimated, "estimated_amount"):
        return None
    percent = Fraction(
        100 * stated_latest(final, "final_amount"), stated_latest(estimated, "estimated_amount")
    )
    value = floor(100 * percent + Fraction(1, 2))
    if value > 100 * LARGEST_PERCENT:
        return None
    known_at = max(stated_latest(final, "occurred_at"), stated_latest(estimated, "occurred_at"))
    if above is None:
        return known_at, value
    return known_at, YES if percent > Fraction(str(above)) else NO


def hundredths_of_minutes(duration: timedelta) -> int:
    """A duration in hundredths of a minute (0.6 s), half up."""
    half = timedelta(milliseconds=300)
    return (duration + half) // (2 * half)


def net_promoter_score(promoters: int, detractors: int, n: int) -> tuple[float, float]:
    """P - D and its variance P + D - NPS^2.

    >>> [round(9 * part, 12) for part in net_promoter_score(3, 1, 6)]  # a third, and five ninths
    [3.0, 5.0]
    """
    score = promoters / n - detractors / n
    return score, promoters / n + detractors / n - score**2
