"""What the catalogue declares with a `source`, read as docs/reference/catalogue.md is written."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from oracle.reading import Event

Z = 1.959963984540054
YES, NO = 1000, 0
ALL_OUTCOMES = ("completed", "no_answer", "refused")


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


def net_promoter_score(promoters: int, detractors: int, n: int) -> tuple[float, float]:
    """P - D and its variance P + D - NPS^2.

    >>> net_promoter_score(3, 1, 6) == (1 / 3, 2 / 3 - 1 / 9)
    True
    """
    score = promoters / n - detractors / n
    return score, promoters / n + detractors / n - score**2


def nps_interval(promoters: int, detractors: int, n: int) -> tuple[float, float]:
    """Adjusted Wald: three answers more.

    Three quarters of them are promoters and as many detractors.
    """
    score, variance = net_promoter_score(promoters + 0.75, detractors + 0.75, n + 3)  # type: ignore[arg-type]
    seen = (promoters - detractors) / n
    half = Z * sqrt(variance / (n + 3))
    return min(seen, max(-1.0, score - half)), max(seen, min(1.0, score + half))


def share_interval(yes: int, n: int) -> tuple[float, float]:
    """Wilson's, as the two solutions of |p - yes/n| = z sqrt(p (1 - p) / n)."""
    share = yes / n
    a, b, c = 1 + Z**2 / n, -(2 * share + Z**2 / n), share**2
    root = sqrt(b * b - 4 * a * c)
    return (-b - root) / (2 * a), (-b + root) / (2 * a)
