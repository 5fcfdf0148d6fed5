"""Says which terms are new: more complaints say them than chance would explain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.statistics import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LEAST_COMPLAINTS = 3
"""So many complaints must say a term: one that fewer say may be a name, and cannot be new."""
FALSE_DISCOVERIES = 0.05
NOTHING = 1e-17


class Term(NamedTuple):
    """A term of a month.

    Attributes:
        n: complaints that say it.
        n_before: those of the time before.
        p_value: how probable at least n are if nothing has changed.
        is_new: whether it is believed that something has.
    """

    n: int
    n_before: int
    p_value: float
    is_new: bool


def new_terms(
    said: Mapping[str, tuple[int, int]], complaints: int, complaints_before: int
) -> dict[str, Term]:
    """Judge the terms that enough complaints say.

    Of all complaints that say a term, the share of this month is binomial if nothing has changed.
    Of all terms that are called new, 5 % are wrong on average (Benjamini and Hochberg).

    Args:
        said: by term, how many complaints of the month and of the time before say it.
        complaints: how many complaints the month has.
        complaints_before: how many the time before has; without any, nothing can be compared.

    >>> found = new_terms({"battery": (8, 1), "late": (9, 27)}, 50, 150)
    >>> found["battery"].is_new, found["late"].is_new, round(found["battery"].p_value, 6)
    (True, False, 0.000107)
    """
    if not complaints or not complaints_before:
        return {}
    share = complaints / (complaints + complaints_before)
    tried = sorted(term for term, (n, _) in said.items() if n >= LEAST_COMPLAINTS)
    p_values = [binomial_tail(said[term][0], sum(said[term]), share) for term in tried]
    new = benjamini_hochberg(p_values, FALSE_DISCOVERIES)
    return {
        term: Term(*said[term], p_value, is_new)
        for term, p_value, is_new in zip(tried, p_values, new, strict=True)
    }


def binomial_tail(count: int, trials: int, share: float) -> float:
    """The probability of at least `count` in so many trials, each of this probability.

    The shorter side is added up, from its greatest term on until terms add nothing: of a million
    trials these are a few thousand.

    >>> binomial_tail(2, 2, 0.5), binomial_tail(0, 5, 0.1), round(binomial_tail(1, 2, 0.5), 12)
    (0.25, 1.0, 0.75)
    """
    if count <= 0 or share >= 1:
        return float(count <= trials)
    odds = share / (1 - share)
    if count > trials * share:
        ratios = (odds * (trials - number) / (number + 1) for number in range(count, trials))
        return min(1.0, _added(_probability(count, trials, share), ratios))
    ratios = (number / (trials - number + 1) / odds for number in range(count - 1, 0, -1))
    return max(0.0, 1 - _added(_probability(count - 1, trials, share), ratios))


def _probability(count: int, trials: int, share: float) -> float:
    return math.exp(
        math.lgamma(trials + 1)
        - math.lgamma(count + 1)
        - math.lgamma(trials - count + 1)
        + count * math.log(share)
        + (trials - count) * math.log1p(-share)
    )


def _added(term: float, ratios: Iterable[float]) -> float:
    total = term
    for ratio in ratios:
        term *= ratio
        total += term
        if term <= total * NOTHING:
            break
    return total
